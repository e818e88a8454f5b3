"""Runs that an operator stops or that get lost: nothing is left half done."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import CancelledError, WorkflowAlreadyStartedError
from temporalio.service import RPCError

from db.documents import SHIPMENTS
from domain.ids import OrderId
from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.stage import Stage


async def _stopped(stage: Stage, order: OrderId) -> None:
    """Wait for the end of a run that an operator stopped; all that was done must be undone."""
    with pytest.raises(WorkflowFailureError) as stopped:
        await stage.result(stage.run(order))
    assert isinstance(stopped.value.cause, CancelledError)
    assert (await stage.order(order, "cancelled"))["cancel_reason"] == "staff"
    moved = await stage.moved(order)
    assert moved.get("void", 0) == moved.get("authorization", 0)
    assert True not in await stage.labels(order)
    [held] = await stage.shop.rows(
        "SELECT count(*) AS held FROM reservations WHERE document_id = :id AND status = 'active'",
        id=order,
    )
    assert held["held"] == 0


async def _undone_in_order(stage: Stage, order: OrderId) -> list[str]:
    """Return what was undone, as it happened."""
    rows = await stage.shop.rows(
        "SELECT type FROM events WHERE correlation_id = :run AND type = ANY(:types) ORDER BY id",
        run=f"order-fulfillment/{order}",
        types=["shipment.voided.v1", "order.cancelled.v1", "order.payment_voided.v1"],
    )
    return [row["type"].split(".")[1] for row in rows]


async def test_a_run_stopped_while_it_waits_for_payment_is_undone(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token="tok_declined")
    await stage.waits(order, "failed")
    await stage.wait_says(stage.run(order), "payment until")
    await stage.run(order).cancel()
    await _stopped(stage, order)


async def test_a_run_stopped_while_its_order_is_on_hold_is_undone(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=None)
    await stage.hold(order)
    await stage.pay(order, "tok_ok")
    await stage.wait_says(stage.run(order), "on hold")
    await stage.run(order).cancel()
    await _stopped(stage, order)


async def test_a_run_stopped_while_it_waits_for_the_carrier_is_undone_newest_first(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    await stage.shipment(order, "booked")
    await stage.run(order).cancel()
    await _stopped(stage, order)
    assert await _undone_in_order(stage, order) == ["voided", "cancelled", "payment_voided"]


@pytest.mark.parametrize(("partner", "operation"), [("payments", "authorize"), ("carrier", "book")])
async def test_a_run_stopped_during_a_step_waits_for_its_outcome_and_undoes_it(
    stage: Stage, partner: str, operation: str
) -> None:
    mug = await stage.shop.item(AUS=1)
    await getattr(stage, partner).fault("slow", operation, delay_seconds=1.5)
    order = await stage.shop.place((mug, 1))
    await _underway(
        stage, order, {"authorize": "authorize_payment", "book": "book_shipment"}[operation]
    )
    await stage.run(order).cancel()
    await _stopped(stage, order)
    assert (await stage.moved(order))["void"] > 0


async def test_a_run_stopped_twice_is_undone_once(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    await stage.shipment(order, "booked")
    await stage.carrier.fault("slow", "void", delay_seconds=1.5)
    await stage.run(order).cancel()
    await _underway(stage, order, "recall_shipments")
    await stage.run(order).cancel()
    await _stopped(stage, order)
    assert await _undone_in_order(stage, order) == ["voided", "cancelled", "payment_voided"]


async def test_a_run_stopped_while_it_takes_things_back_takes_all_of_them_back(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    await stage.shipment(order, "booked")
    await stage.payments.fault("slow", "void", delay_seconds=1.5)
    cancelling = asyncio.create_task(stage.cancel(order))
    await _underway(stage, order, "void_payment")
    await stage.run(order).cancel()
    await cancelling
    assert await stage.result(stage.run(order)) == "cancelled"
    assert await _undone_in_order(stage, order) == ["voided", "cancelled", "payment_voided"]


async def test_a_run_stopped_while_its_provider_is_away_is_undone_when_it_is_back(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    await stage.payments.fault("http_503", "authorize", times=2)
    await stage.payments.fault("http_503", "find", times=1)
    order = await stage.shop.place((mug, 1))
    await stage.waits(order, "requested")
    await stage.run(order).cancel()
    await _stopped(stage, order)


async def test_a_run_stopped_after_its_goods_have_left_goes_on(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=2, RNO=1)
    order = await stage.shop.place((mug, 3))
    gone, still = await stage.shipments(order, "booked", 2)
    await stage.travel(gone, "picked_up")
    await stage.shipment(order, "picked_up")
    await stage.run(order).cancel()

    # The goods that had not left get another label.
    await stage.shipment(order, "voided")
    again = await stage.shipment(order, "booked")
    assert again != still
    for shipment in (gone, again):
        await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.shop.stock(mug) == (0, 0)


async def test_a_label_that_the_carrier_keeps_is_given_to_a_person(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    booking = await stage.shop.one(
        "SELECT booking_reference FROM shipments WHERE id = :id", id=shipment
    )
    await _set_booking(stage, shipment, "bkg_unknown")
    await stage.run(order).cancel()

    with pytest.raises(WorkflowFailureError):
        await stage.result(stage.run(order))
    task = await stage.task(TaskKind.UNDO_FAILED, shipment)
    assert task["facts"]["code"] == "not_found"
    assert await _undone_in_order(stage, order) == ["voided", "cancelled", "payment_voided"]
    assert await stage.shop.stock(mug) == (1, 0)
    # The person voids the label at the carrier, and corrects the books.
    await stage.carrier.ask("POST", f"/bookings/{booking}/void")
    await _set_booking(stage, shipment, booking)


async def test_money_that_cannot_be_released_is_given_to_a_person(stage: Stage) -> None:
    await stage.payments.fault("drop_webhooks", times=1000)
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    await stage.shipment(order, "booked")
    reference = await stage.shop.one(
        "SELECT provider_reference FROM payments WHERE order_id = :id", id=order
    )
    await stage.payments.ask("POST", f"/sandbox/authorizations/{reference}/expire")
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"
    task = await stage.task(TaskKind.UNDO_FAILED, order)
    assert task["facts"]["failure_code"] == "authorization_expired"
    # The news comes late, and the books learn it all the same.
    await stage.payments.forget_faults()
    await stage.payments.ask("POST", f"/sandbox/authorizations/{reference}/expire")
    await stage.waits(order, "reversed")


async def test_money_whose_reservation_is_known_to_be_over_needs_no_release(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    await stage.shipment(order, "booked")
    await stage.by_itself(order, "expire")
    await stage.waits(order, "reversed")
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"
    assert ("void", "requested") not in await stage.entries(order)
    asked = "SELECT count(*)::int FROM tasks WHERE document_id = :id AND kind = 'undo_failed'"
    assert await stage.shop.one(asked, id=order) == 0


async def test_starting_the_run_of_an_ended_order_again_changes_nothing(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "delivered")
    await stage.result(stage.run(order))
    await stage.result(stage.tracking(shipment))
    before = await _everything(stage, order)

    with pytest.raises(WorkflowAlreadyStartedError):
        await _start(stage, "OrderFulfillment", order, WorkflowIDReusePolicy.REJECT_DUPLICATE)
    for workflow, document in (("OrderFulfillment", order), ("ShipmentTracking", shipment)):
        again = await _start(stage, workflow, document, WorkflowIDReusePolicy.ALLOW_DUPLICATE)
        assert await again.result() in ("completed", "delivered")
    assert await _everything(stage, order) == before


async def _underway(stage: Stage, order: OrderId, step: str) -> None:
    """Wait until the order's run takes a step."""

    async def taken() -> bool:
        try:
            description = await stage.run(order).describe()
        except RPCError:
            return False
        pending = description.raw_description.pending_activities
        return any(each.activity_type.name == step and each.state == 2 for each in pending)

    await eventually(taken)


async def _set_booking(stage: Stage, shipment: UUID, booking: str) -> None:
    async with stage.books.begin() as db:
        await SHIPMENTS.change(db, await SHIPMENTS.lock(db, shipment), booking_reference=booking)


async def _everything(stage: Stage, order: OrderId) -> Any:
    """Return all that the books say of an order."""
    return [
        await stage.shop.rows(query, id=order, run=f"order-fulfillment/{order}")
        for query in (
            "SELECT * FROM orders WHERE id = :id",
            "SELECT * FROM order_lines WHERE order_id = :id",
            "SELECT * FROM shipments WHERE order_id = :id",
            "SELECT id FROM events WHERE correlation_id = :run ORDER BY id",
            "SELECT e.id FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
            " WHERE p.order_id = :id ORDER BY e.id",
        )
    ]


async def _start(stage: Stage, workflow: str, document: UUID, reuse: WorkflowIDReusePolicy) -> Any:
    return await stage.client.start_workflow(
        workflow,
        document,
        id=(stage.run(document) if workflow == "OrderFulfillment" else stage.tracking(document)).id,
        task_queue=stage.task_queue,
        id_reuse_policy=reuse,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        result_type=str,
    )
