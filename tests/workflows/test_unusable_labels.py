"""A label under the number of a parcel that is on its way: given back, and a person is asked."""

from typing import Any

from domain.holds import HoldReason
from domain.ids import ItemId, OrderId, ShipmentId
from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.stage import Stage

REFUSED = TaskKind.BOOKING_REFUSED


async def _sold_twice(stage: Stage) -> tuple[ItemId, tuple[OrderId, ShipmentId], OrderId]:
    """Return an order on its way, and one whose label has the number of its parcel."""
    mug = await stage.shop.item(AUS=2)
    living = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(living, "booked")
    await stage.carrier.fault("used_number", "book")
    return mug, (living, shipment), await stage.shop.place((mug, 1))


async def _sold(stage: Stage, shipment: ShipmentId) -> list[dict[str, Any]]:
    """Return what the carrier has sold for a shipment."""
    return list((await stage.carrier.ask("GET", f"/bookings?reference={shipment}"))["data"])


async def test_a_label_with_the_number_of_a_parcel_on_its_way_is_given_back_and_asked_about(
    stage: Stage,
) -> None:
    """Numbers are unique only while their parcel lives: the booking was tried without end."""
    mug, (living, sent), order = await _sold_twice(stage)
    [number] = await stage.numbers(sent)
    shipment = await stage.shipment(order, "pending")
    task = await stage.task(REFUSED, shipment)
    names = await stage.shop.rows(
        "SELECT s.number AS shipment, o.number AS order FROM shipments s"
        " JOIN orders o ON o.id = s.order_id WHERE s.id = :id",
        id=sent,
    )
    assert task["facts"]["code"] == "unusable_label"
    for known in (number, *names[0].values(), "has the label back"):
        assert known in task["question"]
    assert [label["voided"] for label in await _sold(stage, shipment)] == [True]
    assert await stage.numbers(shipment) == []
    async with calling(stage) as callers:
        process = (await callers.get(f"/orders/{order}/process", role="support")).json()
    assert process["waiting_for"][0]["who"] == "a person"
    assert {wait["last_error"] for wait in process["waiting_for"]} == {None}

    await stage.decide(REFUSED, shipment, "retry")
    fresh = await stage.shipment(order, "booked")
    assert fresh != shipment
    [other] = await stage.numbers(fresh)
    assert other != number
    for each, parcel in ((order, other), (living, number)):
        await stage.advance(parcel, "delivered")
        assert await stage.result(stage.run(each)) == "completed"
    assert await stage.shop.stock(mug) == (0, 0)


async def test_while_that_is_asked_nothing_more_is_bought_and_the_order_can_be_cancelled(
    stage: Stage,
) -> None:
    """What wakes the run asks the carrier again, which has but the label that it got back."""
    mug, (living, sent), order = await _sold_twice(stage)
    shipment = await stage.shipment(order, "pending")
    await stage.task(REFUSED, shipment)
    # The number is free again, yet that label is gone.
    [number] = await stage.numbers(sent)
    await stage.advance(number, "delivered")
    assert await stage.result(stage.run(living)) == "completed"
    await stage.release(order, await stage.hold(order, HoldReason.MANUAL))
    assert [label["voided"] for label in await _sold(stage, shipment)] == [True]
    assert (await stage.task(REFUSED, shipment))["status"] == "open"
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"
    assert await stage.shop.stock(mug) == (1, 0)
    assert True not in await stage.labels(order)


async def test_an_outage_while_it_is_given_back_leaves_no_label_paid(stage: Stage) -> None:
    """Tried again, the label is found, and given back."""
    await stage.carrier.fault("http_503", "void")
    _, (living, _), order = await _sold_twice(stage)
    shipment = await stage.shipment(order, "pending")

    async def given_back() -> bool:
        return [label["voided"] for label in await _sold(stage, shipment)] == [True]

    await eventually(given_back)
    await stage.task(REFUSED, shipment)
    for each in (order, living):
        await stage.cancel(each)
        assert await stage.result(stage.run(each)) == "cancelled"
