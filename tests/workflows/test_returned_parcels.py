"""Parcels under labels of returns that arrive and are not received, or never arrive."""

from typing import Any
from uuid import UUID

import pytest

from domain.policy import Policy
from domain.tasks import TaskKind
from tests.aging import DAYS, age, sweep
from tests.workflows.asking import calling
from tests.workflows.label_stories import (
    ask_with_label,
    label_is,
    labelled,
    number_of,
    parcel_is,
    read,
    scanned_before,
    told,
)
from tests.workflows.refund_stories import usd
from tests.workflows.replacement_stories import arrives, in_advance, is_sent, replacement_of
from tests.workflows.return_stories import (
    ask_back,
    back_is,
    do,
    found,
    inspect,
    receive,
    stock_of,
)
from tests.workflows.stage import Stage

UNIT = 2700
LATE = Policy().ship_back_window + 15 * DAYS
NOT_RECEIVED = TaskKind.PARCEL_NOT_RECEIVED
LOST = TaskKind.RETURN_PARCEL_LOST


async def gone(stage: Stage, to: str = "lost") -> tuple[UUID, Any, Any]:
    """Let the parcel of a return get lost; returns order, line and return."""
    order, line, back = await labelled(stage)
    await stage.advance(number_of(back), to)
    await parcel_is(stage, back, to)
    await sweep(stage)
    return order, line, back


async def delivered_long_ago(stage: Stage, back: Any) -> None:
    """The carrier delivers the parcel of a return to us, and three days pass."""
    await stage.advance(number_of(back), "delivered")
    await parcel_is(stage, back, "delivered")
    await scanned_before(stage, UUID(back["id"]), 3)
    await sweep(stage)


async def waits(stage: Stage, back: Any) -> list[str]:
    """Return what the process of a return waits for, in words."""
    async with calling(stage) as callers:
        shown = (await callers.get(f"/returns/{back['id']}/process", role="support")).json()
    return [each["what"] for each in shown["waiting_for"]]


async def asked(stage: Stage, back: Any, kind: TaskKind) -> list[str]:
    """Return the states of the questions of a kind about a return, the oldest first."""
    query = "SELECT status FROM tasks WHERE kind = :kind AND document_id = :id ORDER BY number"
    rows = await stage.shop.rows(query, kind=kind, id=UUID(back["id"]))
    return [row["status"] for row in rows]


async def test_what_has_arrived_never_expires_and_the_warehouse_is_asked(stage: Stage) -> None:
    """Delivered on D+1 and never received: after 45 days it is still there to be received."""
    _, _, back = await labelled(stage)
    run = stage.returning(UUID(back["id"]))
    await delivered_long_ago(stage, back)
    assert f"{back['number']} has arrived and waits to be received" in await waits(stage, back)
    task = await stage.task(NOT_RECEIVED, UUID(back["id"]))
    assert (task["role"], task["choices"]) == ("warehouse", ["here", "not_here"])
    await stage.pass_time(run, LATE)
    assert (await read(stage, back))["status"] == "authorized"
    refused = await do(stage, back, "cancel", "support", status=409)
    assert refused["detail"] == "some of the goods have arrived"
    await receive(stage, back, 1)
    await sweep(stage)
    assert await asked(stage, back, NOT_RECEIVED) == ["cancelled"]
    await inspect(stage, back, found(back))
    assert (await back_is(stage, back, "closed"))["refunded"] == usd(UNIT)
    assert await stage.broken() == []


async def test_the_warehouse_is_asked_again_two_days_after_it_said_here(stage: Stage) -> None:
    _, _, back = await labelled(stage)
    await delivered_long_ago(stage, back)
    await stage.decide(NOT_RECEIVED, UUID(back["id"]), "here")
    await sweep(stage)
    assert await asked(stage, back, NOT_RECEIVED) == ["done"]
    await age(stage, "tasks", "closed_at", 2 * DAYS, document_id=UUID(back["id"]))
    await sweep(stage)
    assert await asked(stage, back, NOT_RECEIVED) == ["done", "open"]
    assert await asked(stage, back, LOST) == []


async def test_what_did_not_really_arrive_counts_as_lost(stage: Stage) -> None:
    _, _, back = await labelled(stage)
    await delivered_long_ago(stage, back)
    await stage.decide(NOT_RECEIVED, UUID(back["id"]), "not_here")
    await sweep(stage)
    task = await stage.task(LOST, UUID(back["id"]))
    assert (task["role"], task["facts"]["reason"]) == ("support", "not_here")
    assert f"{back['number']} did not reach us" in await waits(stage, back)
    await stage.decide(LOST, UUID(back["id"]), "cancel")
    await back_is(stage, back, "cancelled")
    await sweep(stage)
    assert await asked(stage, back, NOT_RECEIVED) == ["done"]
    assert await asked(stage, back, LOST) == ["done"]
    assert await stage.broken() == []


async def test_a_lost_parcel_is_paid_for_as_if_its_goods_were_accepted(stage: Stage) -> None:
    """Nothing comes into stock, and nothing is kept for the label that was of no use."""
    order, line, back = await gone(stage)
    task = await stage.task(LOST, UUID(back["id"]))
    assert task["choices"] == ["refund", "replace", "wait", "cancel"]
    assert task["facts"]["reason"] == "lost"
    await stage.pass_time(stage.returning(UUID(back["id"])), LATE)
    assert (await read(stage, back))["status"] == "authorized"
    await stage.decide(LOST, UUID(back["id"]), "refund")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("refund", usd(UNIT))
    assert await stock_of(stage, UUID(line["item_id"])) == {}
    assert len(await told(stage, back, "goods_lost")) == 1
    assert (await ask_back(stage, order, line, status=409))["code"] == "quantity_exceeded"
    await sweep(stage)
    assert await asked(stage, back, LOST) == ["done"]
    assert await stage.broken() == []


@pytest.mark.parametrize("scanned", [False, True])
async def test_goods_that_turn_up_after_they_were_paid_for_are_booked_in(
    stage: Stage, scanned: bool
) -> None:
    """They go where the inspector says, and nobody is paid or served a second time."""
    order, line, back = await gone(stage)
    await stage.decide(LOST, UUID(back["id"]), "refund")
    closed = await back_is(stage, back, "closed")
    if scanned:
        await delivered_long_ago(stage, back)
        await stage.task(NOT_RECEIVED, UUID(back["id"]))
    [lost] = closed["lines"][0]["dispositions"]
    refused = await receive(stage, back, 1, status=409)
    assert "inspect what was given up as lost, with revise" in refused["detail"]
    await inspect(stage, back, found(back), revise=[lost["id"]])
    assert await stock_of(stage, UUID(line["item_id"])) == {"stock": 1}
    again = await inspect(stage, back, found(back), revise=[lost["id"]], status=404)
    assert again["code"] == "not_found"
    await sweep(stage)
    assert set(await asked(stage, back, NOT_RECEIVED)) <= {"cancelled"}
    assert (await stage.paid(order)).refunded == UNIT
    assert await stage.broken() == []


async def test_a_lost_parcel_that_turns_up_before_the_answer_is_received(stage: Stage) -> None:
    _, _, back = await gone(stage)
    await stage.task(LOST, UUID(back["id"]))
    await receive(stage, back, 1)
    await sweep(stage)
    assert await asked(stage, back, LOST) == ["cancelled"]
    await inspect(stage, back, found(back))
    assert (await back_is(stage, back, "closed"))["refunded"] == usd(UNIT)


async def test_support_waits_and_is_asked_again_a_week_later(stage: Stage) -> None:
    _, _, back = await gone(stage)
    await stage.decide(LOST, UUID(back["id"]), "wait")
    await age(stage, "tasks", "closed_at", 6 * DAYS, document_id=UUID(back["id"]))
    await sweep(stage)
    assert await asked(stage, back, LOST) == ["done"]
    await age(stage, "tasks", "closed_at", DAYS, document_id=UUID(back["id"]))
    await sweep(stage)
    assert await asked(stage, back, LOST) == ["done", "open"]


async def test_goods_that_the_carrier_lost_are_sent_anew(stage: Stage) -> None:
    _, line, back = await gone(stage)
    await arrives(stage, UUID(line["item_id"]))
    await stage.decide(LOST, UUID(back["id"]), "replace")
    await back_is(stage, back, "inspected")
    placed = await replacement_of(stage, back)
    await is_sent(stage, placed)
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("replacement", usd(0))
    assert await stage.broken() == []


async def test_what_was_replaced_in_advance_and_got_lost_gives_no_money(stage: Stage) -> None:
    order, _, back = await in_advance(stage, ship_back="label")
    await is_sent(stage, await replacement_of(stage, back))
    await stage.advance(number_of(await label_is(stage, back, "booked")), "lost")
    await parcel_is(stage, back, "lost")
    await sweep(stage)
    await stage.decide(LOST, UUID(back["id"]), "refund")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("replacement", usd(0))
    assert await asked(stage, back, TaskKind.KEPT_GOODS) == []
    assert (await stage.paid(order)).refunded == 0
    assert await stage.broken() == []


async def test_a_return_whose_parcel_got_lost_can_be_given_up(stage: Stage) -> None:
    """The goods are not on their way any more; what comes after all is asked about."""
    _, _, back = await gone(stage)
    await do(stage, back, "cancel", "support")
    await sweep(stage)
    assert await asked(stage, back, LOST) == ["cancelled"]
    await stage.advance(number_of(back), "delivered")
    task = await stage.task(TaskKind.PARCEL_EXCEPTION, UUID(back["id"]))
    assert task["facts"]["reason"] == "arrived_after_the_end"
    assert await stage.broken() == []


async def test_of_two_units_only_the_one_that_did_not_come_counts_as_lost(stage: Stage) -> None:
    _, _, back = await ask_with_label(stage, 2)
    back = await label_is(stage, back, "booked")
    await receive(stage, back, 1)
    await stage.advance(number_of(back), "lost")
    await parcel_is(stage, back, "lost")
    await sweep(stage)
    await stage.decide(LOST, UUID(back["id"]), "refund")
    came = await back_is(stage, back, "received")
    await inspect(stage, came, found(came, 1, "return_to_customer"))
    await stage.decide(TaskKind.REJECTED_GOODS, UUID(back["id"]), "sent")
    closed = await back_is(stage, back, "closed")
    assert closed["refunded"] == usd(UNIT)
    assert await stage.broken() == []
