"""Temporal's list of runs shows where each run's document is, its last status included."""

import contextlib
import json
from typing import Any
from uuid import UUID

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.service import RPCError
from temporalio.worker import Replayer

from domain.ids import OrderId, ShipmentId
from domain.orders.requests import Cancellation
from domain.orders.status import CancelReason
from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.stage import WINDOW, Stage
from tests.workflows.stories import placed
from workflows.order_fulfillment import OrderFulfillment
from workflows.plugin import plugin
from workflows.runs import STATUS
from workflows.shipment_tracking import ShipmentTracking

Run = WorkflowHandle[Any, Any]


async def _booked(stage: Stage) -> tuple[OrderId, ShipmentId]:
    order = await placed(stage)
    shipment = await stage.shipment(order, "booked")
    await stage.wait_says(stage.run(order), "With the carrier")
    return order, shipment


async def _begin(stage: Stage, workflow: str, document: UUID, number: str, shown: str) -> Run:
    """Begin a run under the document's number, in place of the one that is there."""
    stem = {"OrderFulfillment": "order-fulfillment", "ShipmentTracking": "shipment-tracking"}
    return await stage.client.start_workflow(
        workflow,
        document,
        id=f"{stem[workflow]}/{number}",
        task_queue=stage.task_queue,
        search_attributes=TypedSearchAttributes([SearchAttributePair(STATUS, shown)]),
        id_conflict_policy=WorkflowIDConflictPolicy.TERMINATE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        result_type=str,
    )


async def _begin_order(stage: Stage, order: OrderId, shown: str) -> Run:
    with contextlib.suppress(RPCError):
        await stage.run(order).terminate("replaced")
    number = await stage.shop.one("SELECT number FROM orders WHERE id = :id", id=order)
    return await _begin(stage, "OrderFulfillment", order, number, shown)


async def _begin_tracking(stage: Stage, shipment: ShipmentId, shown: str) -> Run:
    await stage.wait_says(stage.tracking(shipment), "to deliver")
    await stage.tracking(shipment).terminate("replaced")
    number = await stage.shop.one("SELECT number FROM shipments WHERE id = :id", id=shipment)
    return await _begin(stage, "ShipmentTracking", shipment, number, shown)


async def _wake(run: Run, signal: Any) -> None:
    """Have a run look again; it may have ended."""
    with contextlib.suppress(RPCError):
        await run.signal(signal)


async def _shows(stage: Stage, run: Run, status: str) -> None:
    """Wait until the list of runs shows a status."""
    query = f"WorkflowId = '{run.id}' AND RunId = '{run.result_run_id}'"

    async def listed() -> bool:
        found = stage.client.list_workflows(f"{query} AND DocumentStatus = '{status}'")
        return bool([each async for each in found])

    await eventually(listed)


async def _moves_shown(run: Run) -> list[str]:
    """Return what a run showed, move by move; its history must replay."""
    history = await run.fetch_history()
    await Replayer(workflows=[], plugins=[plugin()]).replay_workflow(history)
    return [
        json.loads(
            event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields[
                STATUS.name
            ].data
        )
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES
    ]


async def test_a_delivered_order_shows_that_it_was_confirmed_and_is_completed(
    stage: Stage,
) -> None:
    order, shipment = await _booked(stage)
    run = await _begin_order(stage, order, "pending")
    await _shows(stage, run, "confirmed")
    await stage.wait_says(run, "With the carrier")
    await stage.travel(shipment, "delivered")
    await stage.order(order, "completed")
    await _wake(run, OrderFulfillment.shipment_ended)
    assert await stage.result(run) == "completed"
    await _shows(stage, run, "completed")
    assert await _moves_shown(run) == ["confirmed", "completed"]


async def test_an_order_that_is_cancelled_after_it_was_confirmed_shows_it(stage: Stage) -> None:
    order, _ = await _booked(stage)
    run = await _begin_order(stage, order, "confirmed")
    await stage.wait_says(run, "With the carrier")
    request = Cancellation(order_id=order, reason=CancelReason.CUSTOMER_REQUEST, actor="customer")
    await run.execute_update(OrderFulfillment.cancel, request)
    assert await stage.result(run) == "cancelled"
    await _shows(stage, run, "cancelled")
    assert await _moves_shown(run) == ["cancelled"]


async def test_an_order_shows_that_it_is_cancelled_while_its_money_is_still_being_dropped(
    stage: Stage,
) -> None:
    order, _ = await _booked(stage)
    run = await _begin_order(stage, order, "confirmed")
    await stage.wait_says(run, "With the carrier")
    await stage.payments.fault("slow", "void", delay_seconds=2)
    await run.cancel()
    await _shows(stage, run, "cancelled")
    assert await stage.moved(order) == {
        "authorization": (await stage.moved(order))["authorization"]
    }
    with pytest.raises(WorkflowFailureError):
        await stage.result(run)
    assert await _moves_shown(run) == ["cancelled"]


async def test_an_order_that_was_never_paid_shows_that_it_is_cancelled(stage: Stage) -> None:
    order = await placed(stage, None)
    run = await _begin_order(stage, order, "pending")
    await stage.wait_says(run, "payment until")
    await stage.pass_time(run, WINDOW)
    assert await stage.result(run) == "cancelled"
    await _shows(stage, run, "cancelled")
    assert await _moves_shown(run) == ["cancelled"]


async def test_a_run_that_begins_again_after_its_orders_end_shows_nothing_anew(
    stage: Stage,
) -> None:
    order = await placed(stage, None)
    await stage.cancel(order)
    await stage.result(stage.run(order))
    run = await _begin_order(stage, order, "cancelled")
    assert await stage.result(run) == "cancelled"
    assert await _moves_shown(run) == []
    # An order that ended without its run's knowing is shown as it is.
    run = await _begin_order(stage, order, "confirmed")
    assert await stage.result(run) == "cancelled"
    assert await _moves_shown(run) == ["cancelled"]


async def test_a_shipment_that_was_lost_and_turns_up_shows_both(stage: Stage) -> None:
    order, shipment = await _booked(stage)
    await stage.travel(shipment, "picked_up")
    run = await _begin_tracking(stage, shipment, "picked_up")
    # One scan: those on the way would be shown, too, if the run saw them alone.
    await stage.scan(shipment, "LO")
    await stage.task(TaskKind.PARCEL_LOST, shipment)
    await _wake(run, ShipmentTracking.carrier_reported)
    await _shows(stage, run, "lost")
    await stage.scan(shipment, "DL")
    await stage.order(order, "completed")
    await _wake(run, ShipmentTracking.carrier_reported)
    assert await stage.result(run) == "delivered"
    await _shows(stage, run, "delivered")
    assert await _moves_shown(run) == ["lost", "delivered"]


async def test_a_shipment_that_comes_back_shows_it(stage: Stage) -> None:
    order, shipment = await _booked(stage)
    await stage.travel(shipment, "picked_up")
    run = await _begin_tracking(stage, shipment, "booked")
    await _shows(stage, run, "picked_up")
    await stage.scan(shipment, "RT")
    await stage.order(order, "completed")
    await _wake(run, ShipmentTracking.carrier_reported)
    assert await stage.result(run) == "returned"
    await _shows(stage, run, "returned")
    assert await _moves_shown(run) == ["picked_up", "returned"]
