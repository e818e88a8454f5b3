"""Steps that are refused for good: the run changes its path, and never hangs half way."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text
from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError

from db.engine import to_json
from db.outbox import signal
from domain.documents import Document, Kind, Signal
from domain.ids import OrderId
from domain.tasks import TaskKind
from tests.patience import eventually
from tests.shop import address
from tests.workflows.stage import Stage
from workflows.calling import root_cause

UNSERVICEABLE = "00000"


async def test_an_address_that_the_carrier_refuses_is_a_persons_task_until_it_is_booked(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), postal_code=UNSERVICEABLE)
    shipment = await stage.shipment(order, "pending")
    first = await stage.task(TaskKind.BOOKING_REFUSED, shipment)
    assert first["facts"]["code"] == "unserviceable"
    await stage.decide(TaskKind.BOOKING_REFUSED, shipment, "retry")
    await stage.asked_again(TaskKind.BOOKING_REFUSED, shipment, first)
    async with stage.books.begin() as db:
        await db.execute(
            text("UPDATE shipments SET ship_to = CAST(:to AS jsonb) WHERE id = :id"),
            {"id": shipment, "to": to_json(address().model_dump())},
        )
    await stage.decide(TaskKind.BOOKING_REFUSED, shipment, "retry")
    await stage.shipment(order, "booked")
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"


async def test_an_order_that_no_carrier_takes_can_be_cancelled(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), postal_code=UNSERVICEABLE)
    shipment = await stage.shipment(order, "pending")
    await stage.task(TaskKind.BOOKING_REFUSED, shipment)
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"
    assert await stage.shop.stock(mug) == (1, 0)
    moved = await stage.moved(order)
    assert moved["void"] == moved["authorization"]


@pytest.mark.parametrize("late", [False, True], ids=["before its work", "after its work"])
@pytest.mark.parametrize("step", ["authorize_payment", "book_shipment"])
async def test_a_step_that_refuses_ends_the_run_with_everything_undone(
    stage: Stage, step: str, late: bool
) -> None:
    mug = await stage.shop.item(AUS=1, RNO=1)
    stage.refusals[step] = late
    order = await stage.shop.place((mug, 2))
    await _fails(stage, order, f"{step} refuses")
    assert (await stage.order(order, "cancelled"))["cancel_reason"] == "staff"
    assert await stage.shop.stock(mug) == (2, 0)
    moved = await stage.moved(order)
    assert moved.get("void") == moved.get("authorization")
    assert True not in await stage.labels(order)


@pytest.mark.parametrize("step", ["recall_shipments", "void_payment"])
async def test_an_undo_that_refuses_is_a_persons_task_and_the_others_are_done(
    stage: Stage, step: str
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    await stage.shipment(order, "booked")
    # After its work, so that the person finds it done.
    stage.refusals[step] = True
    await stage.run(order).cancel()
    with pytest.raises(WorkflowFailureError):
        await stage.result(stage.run(order))
    task = await stage.task(TaskKind.UNDO_FAILED, order)
    assert task["facts"]["reason"] == f"{step} refuses though it is done"
    assert task["facts"]["reason"] in task["question"]
    await stage.order(order, "cancelled")
    assert await stage.shop.stock(mug) == (1, 0)
    moved = await stage.moved(order)
    assert moved["void"] == moved["authorization"]
    assert await stage.labels(order) == [False]


async def test_an_order_whose_label_cannot_be_taken_back_is_not_cancelled(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    stage.refusals["recall_shipments"] = False
    await stage.run(order).cancel()
    await stage.task(TaskKind.UNDO_FAILED, order)
    await stage.wait_says(stage.run(order), "With the carrier")
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.shop.stock(mug) == (0, 0)


async def test_a_run_that_fails_after_its_goods_have_left_goes_on_at_the_next_signal(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1, RNO=1)
    order = await stage.shop.place((mug, 2))
    one, other = await stage.shipments(order, "booked", 2)
    stage.refusals["complete_order"] = False
    await stage.travel(one, "delivered")
    await _fails(stage, order, "complete_order refuses")
    await stage.order(order, "confirmed")
    async with stage.books.begin() as db:
        await signal(db, Document(Kind.ORDER, order), Signal.PAYMENT_REPORTED)
    [again] = set(await stage.shipments(order, "booked", 1))
    assert again != other
    await stage.travel(again, "delivered")
    await stage.order(order, "completed")
    assert await stage.shop.stock(mug) == (0, 0)


@pytest.mark.parametrize("workflow", ["OrderFulfillment", "ShipmentTracking"])
@pytest.mark.parametrize("given", ["no id", 7, {"order_id": "1"}, None])
async def test_a_run_with_malformed_input_fails_and_the_worker_works_on(
    stage: Stage, workflow: str, given: Any
) -> None:
    handle = await stage.client.start_workflow(
        workflow, given, id=f"malformed/{uuid4()}", task_queue=stage.task_queue
    )
    with pytest.raises(WorkflowFailureError):
        await stage.result(handle)
    assert await stage.status(handle) == WorkflowExecutionStatus.FAILED


async def test_a_run_of_an_order_that_does_not_exist_fails(stage: Stage) -> None:
    handle = await stage.client.start_workflow(
        "OrderFulfillment", uuid4(), id=f"unknown/{uuid4()}", task_queue=stage.task_queue
    )
    with pytest.raises(WorkflowFailureError) as failed:
        await stage.result(handle)
    cause = root_cause(failed.value.cause)
    assert isinstance(cause, ApplicationError)
    assert cause.type == "not_found"


async def test_a_malformed_request_is_refused_and_leaves_the_run_alone(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=None)
    await eventually(lambda: stage.exists(stage.run(order)))
    for update in ("cancel", "place_hold", "release_hold", "decide", "no_such_update"):
        with pytest.raises(WorkflowUpdateFailedError):
            await stage.run(order).execute_update(update, {"nonsense": True})
    assert await stage.status(stage.run(order)) == WorkflowExecutionStatus.RUNNING
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"


async def _fails(stage: Stage, order: OrderId, words: str) -> None:
    with pytest.raises(WorkflowFailureError) as failed:
        await stage.result(stage.run(order))
    assert words in str(root_cause(failed.value.cause))


async def test_a_site_without_an_address_is_a_question_for_the_warehouse(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    await _set_site_address(stage, {})
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "pending")
    task = await stage.task(TaskKind.BOOKING_REFUSED, shipment)
    assert "line1" in task["facts"]["message"]

    await _set_site_address(stage, address().model_dump())
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"


async def _set_site_address(stage: Stage, given: dict[str, Any]) -> None:
    async with stage.books.begin() as db:
        await db.execute(
            text("UPDATE sites SET address = CAST(:address AS jsonb)"), {"address": to_json(given)}
        )
