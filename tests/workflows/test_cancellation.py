"""Customers who change their mind: before the goods leave all comes back, after that nothing."""

import asyncio

import pytest

from domain.errors import IllegalMove
from domain.ids import ItemId, OrderId
from domain.orders.status import CancelReason
from tests.patience import PATIENCE, eventually
from tests.workflows.stage import Stage


async def _all_is_back(stage: Stage, order: OrderId, item: ItemId, units: int) -> None:
    assert await stage.result(stage.run(order)) == "cancelled"
    row = await stage.order(order, "cancelled")
    assert row["cancel_reason"] == "customer_request"
    assert await stage.shop.stock(item) == (units, 0)
    moved = await stage.moved(order)
    assert moved.get("void", 0) == moved.get("authorization", 0)
    assert True not in await stage.labels(order)


async def test_a_cancelled_pending_order_gives_its_stock_back(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=3)
    order = await stage.shop.place((mug, 2), token=None)
    await stage.cancel(order)
    await _all_is_back(stage, order, mug, 3)


async def test_a_cancelled_confirmed_order_gives_money_and_stock_back(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    await stage.carrier.fault("http_503", "book")
    order = await stage.shop.place((mug, 1))
    await stage.order(order, "confirmed")
    await stage.cancel(order)
    await _all_is_back(stage, order, mug, 1)
    assert await stage.labels(order) == []


async def test_a_cancelled_booked_order_gives_its_label_back_too(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1, RNO=1)
    order = await stage.shop.place((mug, 2))
    await stage.shipments(order, "booked", 2)
    await stage.cancel(order)
    await _all_is_back(stage, order, mug, 2)
    assert await stage.labels(order) == [False, False]


async def test_an_order_is_cancelled_before_its_run_was_dispatched(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    await stage.cancel(order)
    await _all_is_back(stage, order, mug, 1)


async def test_two_cancellations_at_once_are_one(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    await stage.shipment(order, "booked")
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(
            *(stage.cancel(order) for _ in range(3)), return_exceptions=True
        )
    # Whoever came while it was under way was told so; nobody was told that it failed.
    assert all(answer is None or isinstance(answer, IllegalMove) for answer in answers)
    assert None in answers
    await _all_is_back(stage, order, mug, 1)
    with pytest.raises(IllegalMove):
        await stage.cancel(order)


async def test_the_reason_of_the_first_of_two_cancellations_counts(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    await stage.shipment(order, "booked")
    await stage.carrier.fault("slow", "void", delay_seconds=2)
    first = asyncio.create_task(stage.cancel(order))

    async def requested() -> bool:
        query = "SELECT cancel_requested_at FROM orders WHERE id = :id"
        return await stage.shop.one(query, id=order) is not None

    await eventually(requested)
    await stage.cancel(order, CancelReason.FRAUD)
    await first
    await _all_is_back(stage, order, mug, 1)


async def test_a_cancellation_after_the_first_scan_is_refused_and_the_order_goes_on(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "picked_up")
    await stage.shipment(order, "picked_up")
    with pytest.raises(IllegalMove) as refused:
        await stage.cancel(order)
    assert refused.value.extensions["allowed"] == []
    assert "alternatives" not in refused.value.extensions
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"


async def test_a_cancellation_that_meets_a_parcel_on_its_way_is_refused_though_we_knew_nothing(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.carrier.fault("drop_webhooks", times=1)
    await stage.travel(shipment, "picked_up")
    with pytest.raises(IllegalMove):
        await stage.cancel(order)
    row = await stage.order(order, "confirmed")
    assert row["cancel_requested_at"] is None
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"


async def test_a_cancellation_that_comes_too_late_for_one_parcel_sends_the_other_after_it(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=2, RNO=1)
    order = await stage.shop.place((mug, 3))
    gone, still = await stage.shipments(order, "booked", 2)
    await stage.carrier.fault("drop_webhooks", times=1)
    await stage.travel(gone, "picked_up")
    with pytest.raises(IllegalMove):
        await stage.cancel(order)
    # The label that could be taken back is replaced by another one.
    await stage.shipment(order, "voided")
    booked = await stage.shipments(order, "booked", 2)
    [again] = set(booked) - {gone}
    assert again != still
    for shipment in (gone, again):
        await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert sorted(await stage.labels(order)) == [False, True, True]


async def test_a_cancellation_waits_for_a_carrier_that_is_away(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    await stage.shipment(order, "booked")
    await stage.carrier.fault("timeout_after_success", "void")
    await stage.cancel(order)
    await _all_is_back(stage, order, mug, 1)


async def test_a_cancellation_stops_an_order_whose_card_is_being_asked(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    await stage.payments.fault("slow", "authorize", delay_seconds=1.5)
    order = await stage.shop.place((mug, 1))
    await stage.waits(order, "requested")
    await stage.cancel(order)
    await _all_is_back(stage, order, mug, 1)
    await eventually(lambda: stage.exists(stage.run(order)))


async def test_a_label_whose_sale_we_never_heard_of_is_given_back_too(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    await stage.carrier.fault("timeout_after_success", "book")
    order = await stage.shop.place((mug, 1))

    async def sold() -> bool:
        return await stage.labels(order) == [True]

    await eventually(sold)
    await stage.cancel(order)
    await _all_is_back(stage, order, mug, 1)
    assert await stage.labels(order) == [False]
