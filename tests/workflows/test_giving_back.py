"""Money that goes back for goods that never arrived: as much as the question said, and once."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from activities.payments.postage import give_postage_back
from db.documents import ORDERS
from domain.errors import SamePerson
from domain.ids import OrderId
from domain.tasks import TaskKind
from tests.workflows.asking import calling
from tests.workflows.money_stories import until
from tests.workflows.refund_stories import ask
from tests.workflows.stage import Stage

POSTAGE = 500


async def _offered(stage: Stage, task: Any) -> dict[str, int]:
    """Return the money of each choice, as a person reads it."""
    async with calling(stage) as callers:
        view = (await callers.get(f"/tasks/{task['id']}", role="admin")).json()
    assert [option["choice"] for option in view["options"]] == view["choices"]
    assert all(option["effect"] for option in view["options"])
    return {option["choice"]: option["amount"]["amount"] for option in view["options"]}


async def _postage_back(stage: Stage, order: OrderId) -> int:
    query = (
        "SELECT sum(shipping_amount)::int FROM refunds WHERE order_id = :id"
        " AND status = 'succeeded'"
    )
    return int(await stage.shop.one(query, id=order))


async def test_a_refused_refund_is_finances_question_with_the_providers_words(
    stage: Stage,
) -> None:
    """B8: the task says that, why and how much was refused; the goods are settled all the same."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token="tok_refund_declined")
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "lost")
    first = await stage.task(TaskKind.PARCEL_LOST, shipment)
    offered = await _offered(stage, first)
    await stage.decide(TaskKind.PARCEL_LOST, shipment, "refund")
    assert await stage.result(stage.run(order)) == "completed"
    refund = await stage.refund(order, "failed")
    asked = await stage.task(TaskKind.REFUND_FAILED, refund)

    amount = {"amount": offered["refund"], "currency": "USD"}
    words = "The bank declined to take the money back onto the card."
    assert asked["facts"]["refused"] == {
        "code": "refund_declined",
        "message": words,
        "amount": amount,
    }
    assert "could not be given back: 32.00 USD: The bank" in asked["question"]
    async with calling(stage) as callers:
        process = (await callers.get(f"/refunds/{refund}/process", role="support")).json()
    assert "waits for a person" in process["summary"]
    assert await _in_lines(stage, order) == 0
    await stage.decide(TaskKind.REFUND_FAILED, refund, "given_otherwise")
    await stage.refund(order, "cancelled")


async def test_the_money_of_a_dear_lost_parcel_waits_for_another_person(stage: Stage) -> None:
    """Its goods are settled at once; who answered about them does not approve the refund."""
    mug = await stage.shop.item(AUS=40)
    order = await stage.shop.place((mug, 40))
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "lost")
    await stage.decide(TaskKind.PARCEL_LOST, shipment, "refund")
    assert await stage.result(stage.run(order)) == "completed"
    refund = await stage.refund(order, "requested")
    with pytest.raises(SamePerson):
        await stage.decide(TaskKind.REFUND_APPROVAL, refund, "approve")
    async with calling(stage) as callers:
        answer = await callers.post(f"/refunds/{refund}/approve", {}, role="finance")
    assert answer.status_code == 200, answer.text
    await stage.refund(order)
    moved = await stage.moved(order)
    assert moved["refund"] == moved["capture"] == 40 * 2700 + POSTAGE


async def test_the_postage_goes_back_once_when_the_whole_order_is_lost(stage: Stage) -> None:
    """T20: two parcels, both lost, both refunded at the same time: all that was paid, once."""
    mug = await stage.shop.item(AUS=2, RNO=1)
    order = await stage.shop.place((mug, 3))
    shipments = await stage.shipments(order, "booked", 2)
    for shipment in shipments:
        await stage.travel(shipment, "lost")
    tasks = [await stage.task(TaskKind.PARCEL_LOST, shipment) for shipment in shipments]
    # As long as the other one may still turn up, it is the goods alone.
    assert [await _offered(stage, task) for task in tasks] == [
        {"refund": 5400, "write_off": 0},
        {"refund": 2700, "write_off": 0},
    ]
    await asyncio.gather(
        *(stage.decide(TaskKind.PARCEL_LOST, shipment, "refund") for shipment in shipments)
    )
    assert await stage.result(stage.run(order)) == "completed"
    await stage.refund(order)
    moved = await stage.moved(order)
    assert moved["refund"] == moved["capture"] == 3 * 2700 + POSTAGE
    assert await _postage_back(stage, order) == POSTAGE


async def test_the_task_of_the_last_lost_parcel_shows_the_postage_that_goes_back(
    stage: Stage,
) -> None:
    """T20: what the task shows is what the provider then moves."""
    mug = await stage.shop.item(AUS=1, RNO=1)
    order = await stage.shop.place((mug, 2))
    first, last = await stage.shipments(order, "booked", 2)
    for shipment in (first, last):
        await stage.travel(shipment, "lost")
    await stage.decide(TaskKind.PARCEL_LOST, first, "refund")
    await stage.result(stage.tracking(first))
    offered = await _offered(stage, await stage.task(TaskKind.PARCEL_LOST, last))
    assert offered == {"refund": 2700 + POSTAGE, "write_off": 0}
    await stage.decide(TaskKind.PARCEL_LOST, last, "refund")
    assert await stage.result(stage.run(order)) == "completed"
    await stage.refund(order)
    moved = await stage.moved(order)
    assert moved["refund"] == moved["capture"] == 2 * 2700 + POSTAGE


async def test_the_postage_stays_when_part_of_the_order_arrived(stage: Stage) -> None:
    """T20: the customer got something, so that the postage was not for nothing."""
    mug = await stage.shop.item(AUS=1, RNO=1)
    order = await stage.shop.place((mug, 2))
    kept, lost = await stage.shipments(order, "booked", 2)
    await stage.travel(kept, "delivered")
    await stage.travel(lost, "lost")
    task = await stage.task(TaskKind.PARCEL_LOST, lost)
    assert await _offered(stage, task) == {"refund": 2700, "write_off": 0}
    await stage.decide(TaskKind.PARCEL_LOST, lost, "refund")
    assert await stage.result(stage.run(order)) == "completed"
    await stage.refund(order)
    assert (await stage.moved(order))["refund"] == 2700


async def test_units_that_got_lost_and_those_that_arrived_go_back_each_once(stage: Stage) -> None:
    """A refund of the order does not give what the lost parcel's own one gives, nor less of it."""
    mug = await stage.shop.item(AUS=1, RNO=1)
    order = await stage.shop.place((mug, 2))
    kept, lost = await stage.shipments(order, "booked", 2)
    await stage.travel(kept, "delivered")
    await stage.travel(lost, "lost")
    await stage.decide(TaskKind.PARCEL_LOST, lost, "refund")
    assert await stage.result(stage.run(order)) == "completed"
    async with calling(stage) as callers:
        [line] = (await callers.get(f"/orders/{order}")).json()["lines"]
    units = {"order_line_id": line["id"], "units": 2}
    refused = await ask(stage, order_id=str(order), lines=[units], status=409)
    assert refused["remaining_units"] == 1
    await ask(stage, order_id=str(order), lines=[{**units, "units": 1}])
    await stage.refund(order)
    assert await _in_lines(stage, order) == 2 * 2700
    assert await stage.broken() == []


async def _in_lines(stage: Stage, order: UUID) -> int:
    query = "SELECT sum(refunded_amount)::int FROM order_lines WHERE order_id = :id"
    return int(await stage.shop.one(query, id=order))


async def test_the_postage_goes_back_when_the_rest_is_given_up_after_the_loss(
    stage: Stage,
) -> None:
    """T20: one parcel is lost and refunded, then the other is not sent: nothing arrived.

    The step may run again, also when the refund has failed: that is finance's to try again.
    """
    mug = await stage.shop.item(AUS=1, RNO=2)
    async with stage.books.begin() as db:
        weigh = text("UPDATE items SET weight_grams = 40000 WHERE id = :id")
        await db.execute(weigh, {"id": mug})
    order = await stage.shop.place((mug, 3), postal_code="00006")
    [refused] = await stage.shipments(order, "pending")
    [lost] = await stage.shipments(order, "booked")
    await stage.travel(lost, "lost")
    await stage.decide(TaskKind.PARCEL_LOST, lost, "refund")
    await stage.result(stage.tracking(lost))
    await stage.refund(order)
    offered = await _offered(stage, await stage.task(TaskKind.BOOKING_REFUSED, refused))
    assert offered["cancel"] == 2 * 2700 + POSTAGE
    await stage.decide(TaskKind.BOOKING_REFUSED, refused, "cancel")
    assert await stage.result(stage.run(order)) == "completed"
    postage = await stage.refund(order)
    moved = await stage.moved(order)
    assert moved["refund"] == moved["capture"] == 2700 + POSTAGE
    source = "SELECT source FROM refunds WHERE id = :id"
    assert await stage.shop.one(source, id=postage) == "cancellation"
    assert await _postage_back(stage, order) == POSTAGE

    await stage.fails_late(order, "refund")
    await until(stage, order, refunded=2700)
    async with stage.books.begin() as db:
        await give_postage_back(db, await ORDERS.lock(db, order))
    refunds = "SELECT count(*)::int FROM refunds WHERE order_id = :id"
    assert await stage.shop.one(refunds, id=order) == 2
    await stage.decide(TaskKind.REFUND_FAILED, postage, "given_otherwise")
    assert await stage.broken() == []
