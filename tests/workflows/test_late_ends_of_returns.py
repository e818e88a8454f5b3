"""Parcels and goods of returns that end late, in part, or for whoever presses twice."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.tasks import TaskKind
from tests.aging import sweep
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.exact import Sold, sold
from tests.workflows.label_stories import (
    label_is,
    labelled,
    number_of,
    parcel_is,
    read,
    scanned_before,
    told,
)
from tests.workflows.money_stories import until
from tests.workflows.refund_stories import delivered, usd
from tests.workflows.return_stories import (
    ask_all_back,
    ask_back,
    back_is,
    found,
    inspect,
    receive,
    stock_of,
)
from tests.workflows.stage import Stage
from tests.workflows.work_stories import give_up_mending

MONTH = timedelta(days=30, minutes=1)
EXTENDED = timedelta(days=14, minutes=1)


async def test_a_parcel_that_gets_lost_after_its_return_expired_is_asked_about(
    stage: Stage,
) -> None:
    """The customer sent the goods in time, and has neither them nor their money."""
    _, _, back = await labelled(stage)
    run = stage.returning(UUID(back["id"]))
    await stage.advance(number_of(back), "in_transit")
    await parcel_is(stage, back, "in_transit")
    await stage.pass_time(run, MONTH)

    async def extended() -> bool:
        return bool(await told(stage, back, "ship_back_extended"))

    await eventually(extended)
    await stage.pass_time(run, EXTENDED)
    await back_is(stage, back, "expired")
    await stage.advance(number_of(back), "lost")
    task = await stage.task(TaskKind.PARCEL_EXCEPTION, UUID(back["id"]))
    assert task["facts"]["reason"] == "lost"


async def test_goods_that_were_to_stay_with_the_customer_come_from_there_if_they_come(
    stage: Stage,
) -> None:
    """Not out of the quarantine, where goods of another return lie."""
    order, line = await delivered(stage, 2)
    item = UUID(line["item_id"])
    other = await ask_back(stage, order, line)
    await receive(stage, other, 1)
    kept = await ask_back(stage, order, line, ship_back="none")
    await back_is(stage, kept, "closed")
    [standing] = (await read(stage, kept))["lines"][0]["dispositions"]
    await inspect(stage, kept, found(kept), revise=[standing["id"]])
    assert await stock_of(stage, item) == {"stock": 1, "quarantine": 1}
    await inspect(stage, other, found(other))
    await back_is(stage, other, "closed")
    assert await stock_of(stage, item) == {"stock": 2}
    assert (await stage.paid(order)).refunded == line["total"]["amount"]


async def test_a_parcel_that_was_received_is_not_asked_about_when_another_one_gets_lost(
    stage: Stage,
) -> None:
    """Two boxes: one is received, the other one's goods count as lost."""
    order, line = await delivered(stage, 2)
    async with stage.books.begin() as db:
        weigh = text("UPDATE items SET weight_grams = 40000 WHERE id = :id")
        await db.execute(weigh, {"id": UUID(line["item_id"])})
    back = await ask_back(stage, order, line, 2, ship_back="label")
    back = await label_is(stage, back, "booked")
    came, lost = (parcel["tracking_number"] for parcel in back["label"]["parcels"])
    await stage.advance(came, "delivered")
    await parcel_is(stage, back, "delivered")
    await receive(stage, back, 1)
    await stage.advance(lost, "lost")
    await eventually(lambda: _has(stage, back, "lost"))
    await sweep(stage)
    await stage.decide(TaskKind.RETURN_PARCEL_LOST, UUID(back["id"]), "refund")
    await scanned_before(stage, UUID(back["id"]), 3)
    await sweep(stage)
    assert await _asked(stage, back, TaskKind.PARCEL_NOT_RECEIVED) == 0
    await inspect(stage, await back_is(stage, back, "received"), found(back))
    assert (await back_is(stage, back, "closed"))["refunded"] == line["total"]


async def test_an_answer_that_is_pressed_twice_at_once_is_written_once(stage: Stage) -> None:
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line)
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, 1, "refurbish"))
    await give_up_mending(stage, back)
    task = await stage.task(TaskKind.REFURBISHMENT, UUID(back["id"]))
    async with calling(stage) as callers:
        path = f"/tasks/{task['id']}/decide"
        answers = await asyncio.gather(
            *(callers.post(path, {"choice": "restock"}, role="warehouse") for _ in range(5))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert len(await told(stage, back, "disposition_revised")) == 1
    assert await stock_of(stage, UUID(line["item_id"])) == {"stock": 1}


async def test_a_chargeback_of_one_order_does_not_end_the_return_of_another_ones_goods(
    stage: Stage,
) -> None:
    """R12: of the other one the bank has paid nothing back, so that it is not said to have."""
    first, [mug] = await sold(stage, Sold(1, 2500))
    second, [pot] = await sold(stage, Sold(1, 4000))
    wanted = [
        {"order_line_id": line["id"], "quantity": 1, "reason": "wrong_size"} for line in (mug, pot)
    ]
    back = await ask_all_back(stage, first, wanted)
    await receive(stage, back, 1, 1)
    await stage.by_itself(second, "chargebacks", 4000)
    await until(stage, second, charged_back=4000)
    await inspect(stage, back, found(back), found(back, 1, "restock", line=1))
    task = await stage.task(TaskKind.REFUND_STOPPED, UUID(back["id"]))
    assert (task["choices"], task["facts"]["order_id"]) == (["refund"], str(second))
    await stage.decide(TaskKind.REFUND_STOPPED, UUID(back["id"]), "refund")
    assert (await back_is(stage, back, "closed"))["refunded"] == usd(2500)
    assert (await stage.paid(first)).refunded == 2500


async def _has(stage: Stage, back: Any, status: str) -> bool:
    parcels = (await read(stage, back))["label"]["parcels"]
    return status in {parcel["status"] for parcel in parcels}


async def _asked(stage: Stage, back: Any, kind: TaskKind) -> int:
    query = "SELECT count(*)::int FROM tasks WHERE kind = :kind AND document_id = :id"
    return int(await stage.shop.one(query, kind=kind, id=UUID(back["id"])))
