"""Goods that were not accepted go back to the customer under a label of ours, or otherwise."""

import asyncio
from typing import Any
from uuid import UUID

from domain.shipments.booking import AnswerDetails
from domain.tasks import TaskKind
from tests.aging import DAYS, age, sweep
from tests.patience import eventually
from tests.shop import address
from tests.workflows.asking import calling
from tests.workflows.label_stories import (
    back_number,
    bookings,
    read,
    send_back_is,
    told,
)
from tests.workflows.refund_stories import delivered, usd
from tests.workflows.return_stories import ask_back, back_is, found, inspect, receive, stock_of
from tests.workflows.stage import Stage

REJECTED, FAILED = TaskKind.REJECTED_GOODS, TaskKind.SEND_BACK_FAILED


async def rejected(stage: Stage) -> tuple[UUID, Any]:
    """Take a unit back that is not accepted; returns its item and the return."""
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line)
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, 1, "return_to_customer"))
    await stage.task(REJECTED, UUID(back["id"]))
    return UUID(line["item_id"]), back


async def sent_back(stage: Stage) -> tuple[UUID, Any]:
    """The same, once there is a label to the customer."""
    item, back = await rejected(stage)
    await stage.decide(REJECTED, UUID(back["id"]), "send")
    return item, await send_back_is(stage, back, "booked")


async def left(stage: Stage, back: Any) -> list[Any]:
    return await eventually(lambda: told(stage, back, "goods_left"))


async def test_rejected_goods_leave_when_the_carrier_scans_their_label(stage: Stage) -> None:
    """Twenty say so at once: one label to the order's address, whose number the customer sees."""
    item, back = await rejected(stage)
    task = await stage.task(REJECTED, UUID(back["id"]))
    async with calling(stage) as callers:
        body = {"choice": "send"}
        answers = await asyncio.gather(
            *(
                callers.post(f"/tasks/{task['id']}/decide", body, role="warehouse")
                for _ in range(20)
            )
        )
    assert {each.status_code for each in answers} == {200}
    shown = await send_back_is(stage, back, "booked")
    [label] = await bookings(stage, back)
    query = (
        "SELECT o.ship_to = l.ship_to AND s.address = l.ship_from FROM return_labels l"
        " JOIN returns r ON r.id = l.return_id JOIN orders o ON o.id = r.order_id"
        " JOIN sites s ON s.id = r.site_id WHERE r.id = :id"
    )
    assert await stage.shop.one(query, id=UUID(back["id"]))
    assert shown["send_back_cost"] == {"amount": label["amount"], "currency": label["currency"]}
    assert (shown["label"], shown["status"]) == (None, "inspected")
    assert await stock_of(stage, item) == {"quarantine": 1}
    async with calling(stage) as callers:
        path = f"/returns/{back['id']}/process"
        process = (await callers.get(path, role="warehouse")).json()
        who = {"role": "customer", "customer_id": shown["customer_id"]}
        seen = (await callers.get(f"/returns/{back['id']}", **who)).json()
    [wait] = [each["what"] for each in process["waiting_for"] if "carrier" in each["what"]]
    assert "goes back to the customer" in wait
    [parcel] = seen["send_back_label"]["parcels"]
    assert (parcel["tracking_number"], parcel["label_url"]) == (back_number(shown), None)
    assert seen["send_back_cost"] is None
    [booked] = await told(stage, back, "send_back_booked")
    assert booked["tracking_numbers"] == [back_number(shown)]

    await stage.advance(back_number(shown), "in_transit")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("rejected", usd(0))
    assert await stock_of(stage, item) == {}
    [gone] = await left(stage, back)
    assert (gone["units"], gone["tracking_numbers"]) == (1, [back_number(shown)])
    await stage.advance(back_number(shown), "delivered")
    await eventually(lambda: _arrived(stage, back))
    assert await stage.broken() == []


async def _arrived(stage: Stage, back: Any) -> bool:
    [parcel] = (await read(stage, back))["send_back_label"]["parcels"]
    return bool(parcel["status"] == "delivered")


async def test_a_refused_label_asks_again_and_another_address_or_a_hand_ends_it(
    stage: Stage,
) -> None:
    item, back = await rejected(stage)
    first = await stage.task(REJECTED, UUID(back["id"]))
    nowhere = AnswerDetails(address=address("00000"))
    await stage.decide(REJECTED, UUID(back["id"]), "send", nowhere)
    again = await stage.asked_again(REJECTED, UUID(back["id"]), first)
    assert (again["facts"]["code"], again["choices"]) == (
        "unserviceable",
        ["send", "sent", "scrapped"],
    )
    assert len(await told(stage, back, "send_back_refused")) == 1
    there = AnswerDetails(address=address("89501"))
    await stage.decide(REJECTED, UUID(back["id"]), "send", there)
    shown = await send_back_is(stage, back, "booked")
    [label] = await bookings(stage, back)
    assert label["ship_to"]["postal_code"] == "89501"
    await stage.advance(back_number(shown), "picked_up")
    await back_is(stage, back, "closed")
    assert await stock_of(stage, item) == {}
    assert await stage.broken() == []


async def test_a_label_that_nothing_is_sent_with_is_given_back(stage: Stage) -> None:
    """Support accepts the goods after all; or they left otherwise, or are lost in the house."""
    item, back = await sent_back(stage)
    [disposition] = back["lines"][0]["dispositions"]
    units = found(back, 1, "scrap", accepted=False)
    await inspect(stage, back, units, revise=[disposition["id"]])
    await send_back_is(stage, back, "voided")
    assert [label["voided"] for label in await bookings(stage, back)] == [True]
    await back_is(stage, back, "closed")
    assert await stock_of(stage, item) == {}

    item, back = await sent_back(stage)
    await age(stage, "return_labels", "booked_at", 3 * DAYS, return_id=UUID(back["id"]))
    await sweep(stage)
    task = await stage.task(FAILED, UUID(back["id"]))
    assert (task["facts"]["reason"], task["facts"]["units"]) == ("not_scanned", 1)
    await stage.decide(FAILED, UUID(back["id"]), "settled")
    await send_back_is(stage, back, "voided")
    await back_is(stage, back, "closed")
    assert await stage.broken() == []


async def test_goods_lost_on_their_way_to_the_customer_go_once_more_or_are_settled(
    stage: Stage,
) -> None:
    """Each time under one label; the stock that has left does not move again."""
    item, back = await sent_back(stage)
    await stage.advance(back_number(back), "lost")
    await back_is(stage, back, "closed")
    await sweep(stage)
    task = await stage.task(FAILED, UUID(back["id"]))
    assert (task["role"], task["facts"]["reason"]) == ("support", "lost")
    assert task["facts"]["tracking_numbers"] == [back_number(back)]
    there = AnswerDetails(address=address("89501"))
    await stage.decide(FAILED, UUID(back["id"]), "send", there)
    again = await send_back_is(stage, back, "booked")
    assert back_number(again) != back_number(back)
    assert len(await bookings(stage, back)) == 2
    await stage.advance(back_number(again), "returned")
    await sweep(stage)
    await stage.decide(FAILED, UUID(back["id"]), "settled")
    await sweep(stage)
    query = "SELECT status FROM tasks WHERE kind = :kind AND document_id = :id"
    asked = await stage.shop.rows(query, kind=FAILED, id=UUID(back["id"]))
    assert [each["status"] for each in asked] == ["done", "done"]
    assert await stock_of(stage, item) == {}
    assert len(await told(stage, back, "goods_left")) == 1
    assert await stage.broken() == []
