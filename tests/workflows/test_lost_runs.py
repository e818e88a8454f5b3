"""Runs that are gone while their documents are unfinished go on from the rows."""

import pytest
from temporalio.client import WorkflowExecutionStatus

from activities.orders.steps import OrderActivities
from db.outbox import add_outbox
from domain.orders.status import CancelReason
from domain.orders.steps import Cancellation
from tests.workflows.looks import eventually
from tests.workflows.stage import Stage


async def test_a_lost_run_of_an_order_goes_on_from_its_rows_at_the_last_signal(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.run(order).terminate("lost")
    await stage.travel(shipment, "delivered")
    await stage.result(stage.tracking(shipment))
    await stage.order(order, "completed")
    assert await stage.result(stage.run(order)) == "completed"


@pytest.mark.parametrize("state", ["pending", "confirmed"])
async def test_a_lost_run_that_was_to_cancel_its_order_does_so_when_it_is_back(
    stage: Stage, state: str
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token="tok_ok" if state == "confirmed" else None)
    await eventually(lambda: stage.exists(stage.run(order)))
    if state == "confirmed":
        await stage.shipment(order, "booked")
    await stage.run(order).terminate("lost")
    asked = Cancellation(order_id=order, reason=CancelReason.FRAUD, actor="support")
    await OrderActivities(stage.books, "sandbox").request_cancellation(asked)
    async with stage.books.begin() as db:
        payload = {"signal": "payment_reported"}
        await add_outbox(db, "signal", "OrderFulfillment", order, payload)
    assert (await stage.order(order, "cancelled"))["cancel_reason"] == "fraud"
    assert await stage.result(stage.run(order)) == "cancelled"
    assert await stage.shop.stock(mug) == (1, 0)


async def test_a_lost_run_of_a_shipment_goes_on_from_its_rows_at_the_next_scan(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "picked_up")
    await stage.shipment(order, "picked_up")
    await stage.tracking(shipment).terminate("lost")
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"


async def test_a_shipments_run_that_is_stopped_goes_on_at_the_next_scan(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "picked_up")
    await stage.wait_says(stage.tracking(shipment), "to deliver")
    await stage.tracking(shipment).cancel()

    async def stopped() -> bool:
        return await stage.status(stage.tracking(shipment)) == WorkflowExecutionStatus.CANCELED

    await eventually(stopped)
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
