"""Orders whose goods reach their customers, however the carrier tells of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from domain.tasks import TaskKind
from tests.patience import eventually
from tests.shop import PRICE
from tests.workflows.stage import Stage

TAX = 108


async def test_an_order_of_one_parcel_is_paid_shipped_and_completed(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=5)
    order = await stage.shop.place((mug, 2))
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "delivered")

    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.result(stage.tracking(shipment)) == "delivered"
    total = (await stage.order(order, "completed"))["total_amount"]
    assert total == 2 * PRICE * TAX // 100 + 500
    assert await stage.moved(order) == {"authorization": total, "capture": total}
    assert await stage.shop.stock(mug) == (3, 0)
    assert await stage.labels(order) == [True]


@pytest.mark.parametrize("first", [0, 1])
async def test_two_shipments_of_an_order_end_in_either_order_and_add_up_to_its_total(
    stage: Stage, first: int
) -> None:
    mug = await stage.shop.item(AUS=2, RNO=1)
    order = await stage.shop.place((mug, 3))
    shipments = await stage.shipments(order, "booked", 2)
    one, other = shipments[first], shipments[1 - first]

    await stage.travel(one, "delivered")
    await stage.result(stage.tracking(one))
    captured = (await stage.moved(order))["capture"]
    assert captured == (2 - first) * PRICE * TAX // 100 + 500
    assert (await stage.order(order, "confirmed"))["captured_shipping_amount"] == 500

    await stage.travel(other, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    total = (await stage.order(order, "completed"))["total_amount"]
    assert await stage.moved(order) == {"authorization": total, "capture": total}
    assert await stage.shop.stock(mug) == (0, 0)


async def test_both_shipments_of_an_order_may_leave_and_arrive_at_once(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1, RNO=2)
    order = await stage.shop.place((mug, 3))
    shipments = await stage.shipments(order, "booked", 2)
    await asyncio.gather(*(stage.travel(each, "delivered") for each in shipments))

    assert await stage.result(stage.run(order)) == "completed"
    total = (await stage.order(order, "completed"))["total_amount"]
    assert await stage.moved(order) == {"authorization": total, "capture": total}


@pytest.mark.parametrize("first", [0, 1])
async def test_a_shipment_leaves_with_the_first_scan_of_one_parcel_and_arrives_with_the_last(
    stage: Stage, first: int
) -> None:
    mug = await stage.shop.item(AUS=200)
    order = await stage.shop.place((mug, 200))
    shipment = await stage.shipment(order, "booked")
    numbers = await stage.numbers(shipment)
    assert len(numbers) == 2

    await stage.advance(numbers[first], "delivered")
    await stage.shipment(order, "picked_up")
    assert await stage.shop.stock(mug) == (0, 0)
    total = (await stage.order(order, "confirmed"))["total_amount"]
    await stage.wait_says(stage.tracking(shipment), "to deliver")
    assert await stage.moved(order) == {"authorization": total, "capture": total}

    await stage.advance(numbers[1 - first], "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.result(stage.tracking(shipment)) == "delivered"
    assert await stage.moved(order) == {"authorization": total, "capture": total}


async def test_scans_that_arrive_twice_and_late_end_in_one_delivery(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.carrier.fault("reorder_webhooks", times=2, delay_seconds=0.6)
    await stage.carrier.fault("duplicate_webhooks", times=3)
    await stage.travel(shipment, "delivered")

    assert await stage.result(stage.run(order)) == "completed"

    async def all_scans() -> bool:
        count = await stage.shop.one(
            "SELECT count(*) FROM tracking_events e JOIN parcels p ON p.id = e.parcel_id"
            " WHERE p.shipment_id = :id",
            id=shipment,
        )
        return bool(count == 5)

    await eventually(all_scans)
    total = (await stage.order(order, "completed"))["total_amount"]
    assert await stage.moved(order) == {"authorization": total, "capture": total}
    events = await stage.shop.rows(
        "SELECT type FROM events WHERE subject_id = :id AND type = 'shipment.delivered.v1'",
        id=shipment,
    )
    assert len(events) == 1


async def test_every_order_of_a_journeys_scans_ends_in_delivery(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=6)
    orders = [await stage.shop.place((mug, 1)) for _ in range(6)]
    start = datetime.now(UTC) - timedelta(hours=6)
    journey = [("PU", 0), ("DP", 1), ("DL", 2)]
    for order, scans in zip(orders, permutations(journey), strict=True):
        shipment = await stage.shipment(order, "booked")
        for code, hours in scans:
            at = (start + timedelta(hours=hours)).isoformat()
            await stage.scan(shipment, code, occurred_at=at)
    for order in orders:
        assert await stage.result(stage.run(order)) == "completed"
    assert await stage.shop.stock(mug) == (0, 0)


async def test_a_carriers_problem_opens_a_task_that_its_next_scan_closes(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "in_transit")
    await stage.shipment(order, "in_transit")
    await stage.scan(shipment, "X1")
    task = await stage.task(TaskKind.ADDRESS_PROBLEM, shipment)
    await stage.travel(shipment, "delivered")

    assert await stage.result(stage.run(order)) == "completed"
    [closed] = await stage.shop.rows("SELECT status FROM tasks WHERE id = :id", id=task["id"])
    assert closed["status"] == "cancelled"
    assert (
        await stage.shop.one("SELECT exception_reason FROM shipments WHERE id = :id", id=shipment)
        is None
    )


async def test_a_problem_before_the_first_physical_scan_does_not_send_the_goods(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.scan(shipment, "DY")

    async def kept() -> object:
        return await stage.shop.rows(
            "SELECT 1 FROM tracking_events e JOIN parcels p ON p.id = e.parcel_id"
            " WHERE p.shipment_id = :id",
            id=shipment,
        )

    await eventually(kept)
    assert await stage.shipment(order, "booked") == shipment
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
