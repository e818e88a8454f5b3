"""Runs that are gone while their documents are unfinished go on from the rows."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.service import RPCError

from activities.orders.activities import OrderActivities
from db.outbox import signal
from domain.documents import PROCESSES, Document, Kind, Signal
from domain.ids import OrderId
from domain.orders.receipts import TURNS
from domain.orders.requests import Cancellation
from domain.orders.status import CancelReason
from relay.renaming import retire_old_runs
from relay.sweeps import Sweeper
from tests.aging import age
from tests.patience import eventually
from tests.workflows.stage import Stage

TIMER_STARTED = EventType.EVENT_TYPE_TIMER_STARTED


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
        await signal(db, Document(Kind.ORDER, order), Signal.PAYMENT_REPORTED)
    assert (await stage.order(order, "cancelled"))["cancel_reason"] == "fraud"
    assert await stage.result(stage.run(order)) == "cancelled"
    assert await stage.shop.stock(mug) == (1, 0)


@pytest.mark.parametrize("end", ["nothing", "the customer"])
async def test_an_order_whose_window_ended_unnoticed_waits_its_turn_and_hears_its_customer(
    stage: Stage, end: str
) -> None:
    mug = await stage.shop.item(AUS=1)
    asked = stage.shop.submission([(mug, 1)], token=None)
    # The last one of all that are late together.
    asked = replace(asked, order_id=OrderId(UUID(int=asked.order_id.int // 1000 * 1000 + 999)))
    await stage.shop.ask([asked])
    order, run = asked.order_id, stage.run(asked.order_id)
    await eventually(lambda: stage.exists(run))
    await run.terminate("workers are away")
    await age(stage, "orders", "payment_due_at", timedelta(hours=2), id=order)
    async with stage.books.begin() as db:
        await signal(db, Document(Kind.ORDER, order), Signal.PAYMENT_REPORTED)
    await eventually(partial(waits_its_turn, run))
    assert (await stage.order(order, "pending"))["cancelled_at"] is None
    if end == "nothing":
        await stage.pass_time(run, TURNS)
    else:
        await stage.cancel(order)
    cancelled = await stage.order(order, "cancelled")
    reason = "payment_expired" if end == "nothing" else "customer_request"
    assert cancelled["cancel_reason"] == reason
    assert await stage.shop.stock(mug) == (1, 0)


async def waits_its_turn(run: WorkflowHandle[Any, Any]) -> bool:
    events = (await run.fetch_history()).events
    timers = [e.timer_started_event_attributes for e in events if e.event_type == TIMER_STARTED]
    waits = [timer.start_to_fire_timeout.ToTimedelta() for timer in timers]
    return any(TURNS * 0.9 < wait < TURNS for wait in waits)


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


@pytest.mark.parametrize("done", [False, True])
async def test_a_shipments_run_that_failed_is_found_by_the_sweep_and_goes_on(
    stage: Stage, done: bool
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    stage.refusals["hand_over_shipment"] = done
    await stage.travel(shipment, "delivered")
    with pytest.raises(WorkflowFailureError):
        await stage.result(stage.tracking(shipment))

    sweeper = Sweeper(stage.books, stage.client, young=timedelta())

    async def found() -> bool:
        # What the outbox was about to tell the run that failed keeps a sweep from looking.
        await sweeper.sweep("lost_runs")
        return await stage.status(stage.tracking(shipment)) != WorkflowExecutionStatus.FAILED

    await eventually(found)
    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.result(stage.tracking(shipment)) == "delivered"


async def test_a_run_that_an_earlier_release_named_by_a_uuid_goes_on_under_its_number(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.run(order).terminate("as if it had never been named so")
    old = await stage.client.start_workflow(
        PROCESSES[Kind.ORDER].workflow,
        order,
        id=f"{PROCESSES[Kind.ORDER].stem}/{order}",
        task_queue=stage.task_queue,
    )

    async def retired() -> bool:
        # Temporal lists a run a moment after it began.
        await retire_old_runs(stage.client)
        return await stage.status(old) == WorkflowExecutionStatus.TERMINATED

    await eventually(retired)
    await Sweeper(stage.books, stage.client, young=timedelta()).sweep("lost_runs")
    await stage.wait_says(stage.run(order), "With the carrier")
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"


async def test_the_sweep_leaves_runs_that_go_on_and_young_documents_alone(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=2)
    running, lost = [await stage.shop.place((mug, 1)) for _ in range(2)]
    for order in (running, lost):
        await stage.shipment(order, "booked")
    await stage.run(lost).terminate("lost")

    await Sweeper(stage.books, stage.client).sweep("lost_runs")
    assert await stage.shop.one("SELECT count(*) FROM outbox") == 0
    assert await stage.status(stage.run(lost)) == WorkflowExecutionStatus.TERMINATED
    before = (await stage.run(running).describe()).history_length
    await Sweeper(stage.books, stage.client, young=timedelta()).sweep("lost_runs")
    await stage.wait_says(stage.run(lost), "With the carrier")
    assert (await stage.run(running).describe()).history_length == before


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


async def test_a_worker_that_may_not_see_the_runs_of_an_earlier_release_does_not_go_on(
    stage: Stage,
) -> None:
    elsewhere = Client(stage.client.service_client, namespace="not-there")
    with pytest.raises(RPCError):
        await retire_old_runs(elsewhere)
