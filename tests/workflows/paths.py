"""Every path through the processes, played once so that its history can be recorded."""

import contextlib
from collections.abc import Awaitable, Callable
from uuid import UUID

from temporalio.client import WorkflowFailureError

from domain.errors import IllegalMove
from domain.ids import OrderId, ShipmentId
from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.stage import WINDOW, Stage

Path = Callable[[Stage], Awaitable[UUID]]
"""Plays a story to its end and returns the document whose run is to be recorded."""


async def _placed(stage: Stage, token: str | None = "tok_ok", **stock: int) -> OrderId:
    stock = stock or {"AUS": 1}
    mug = await stage.shop.item(**stock)
    order = await stage.shop.place((mug, sum(stock.values())), token=token)
    await eventually(lambda: stage.exists(stage.run(order)))
    return order


async def _booked(stage: Stage, token: str = "tok_ok") -> tuple[OrderId, ShipmentId]:
    order = await _placed(stage, token)
    return order, await stage.shipment(order, "booked")


async def _finished(stage: Stage, order: OrderId) -> OrderId:
    for shipment in await stage.shipments(order, "booked"):
        await stage.travel(shipment, "delivered")
    await stage.result(stage.run(order))
    return order


async def delivered(stage: Stage) -> UUID:
    order, _ = await _booked(stage)
    return await _finished(stage, order)


async def delivered_in_two_shipments(stage: Stage) -> UUID:
    order = await _placed(stage, AUS=2, RNO=1)
    for shipment in await stage.shipments(order, "booked", 2):
        await stage.travel(shipment, "delivered")
        await stage.result(stage.tracking(shipment))
    await stage.result(stage.run(order))
    return order


async def never_paid(stage: Stage) -> UUID:
    order = await _placed(stage, None)
    await stage.pass_time(stage.run(order), WINDOW)
    await stage.result(stage.run(order))
    return order


async def declined_then_paid(stage: Stage) -> UUID:
    order = await _placed(stage, "tok_declined")
    await stage.waits(order, "failed")
    await stage.pay(order, "tok_ok")
    return await _finished(stage, order)


async def confirmed_by_customer(stage: Stage) -> UUID:
    order = await _placed(stage, "tok_action_required")
    await stage.waits(order, "action_required")
    await stage.confirm(order)
    return await _finished(stage, order)


async def held_while_pending(stage: Stage) -> UUID:
    order = await _placed(stage, None)
    hold = await stage.hold(order)
    await stage.pay(order, "tok_ok")
    await stage.wait_says(stage.run(order), "on hold")
    await stage.release(order, hold)
    return await _finished(stage, order)


async def held_before_booking(stage: Stage) -> UUID:
    await stage.carrier.fault("http_503", "book")
    order = await _placed(stage)
    await stage.order(order, "confirmed")
    hold = await stage.hold(order)
    await stage.wait_says(stage.run(order), "Waiting for a person")
    await stage.release(order, hold)
    return await _finished(stage, order)


async def booking_refused(stage: Stage) -> UUID:
    stage.refusals["book_shipment"] = False
    order = await _placed(stage)
    with contextlib.suppress(WorkflowFailureError):
        await stage.result(stage.run(order))
    return order


async def cancelled_while_pending(stage: Stage) -> UUID:
    order = await _placed(stage, None)
    await stage.cancel(order)
    await stage.result(stage.run(order))
    return order


async def cancelled_when_booked(stage: Stage) -> UUID:
    order, _ = await _booked(stage)
    await stage.cancel(order)
    await stage.result(stage.run(order))
    return order


async def cancelled_too_late(stage: Stage) -> UUID:
    order, shipment = await _booked(stage)
    await stage.carrier.fault("drop_webhooks")
    await stage.travel(shipment, "picked_up")
    with contextlib.suppress(IllegalMove):
        await stage.cancel(order)
    await stage.travel(shipment, "delivered")
    await stage.result(stage.run(order))
    return order


async def stopped_while_pending(stage: Stage) -> UUID:
    order = await _placed(stage, "tok_declined")
    await stage.wait_says(stage.run(order), "payment until")
    return await _stopped(stage, order)


async def stopped_when_booked(stage: Stage) -> UUID:
    order, _ = await _booked(stage)
    return await _stopped(stage, order)


async def stopped_too_late(stage: Stage) -> UUID:
    order = await _placed(stage, AUS=2, RNO=1)
    gone, _ = await stage.shipments(order, "booked", 2)
    await stage.travel(gone, "delivered")
    await stage.result(stage.tracking(gone))
    await stage.run(order).cancel()
    await stage.shipment(order, "voided")
    return await _finished(stage, order)


async def undo_failed(stage: Stage) -> UUID:
    order, _ = await _booked(stage)
    stage.refusals["recall_shipments"] = True
    return await _stopped(stage, order)


async def remainder_voided(stage: Stage) -> UUID:
    order, shipment = await _booked(stage, "tok_capture_declined")
    await stage.travel(shipment, "delivered")
    await stage.decide(TaskKind.CAPTURE_FAILED, shipment, "write_off")
    await stage.result(stage.run(order))
    return order


async def started_again_by_its_last_signal(stage: Stage) -> UUID:
    order, shipment = await _booked(stage)
    await stage.run(order).terminate("lost")
    await stage.travel(shipment, "delivered")
    await stage.order(order, "completed")
    await stage.result(stage.run(order))
    return order


async def started_again_after_its_end(stage: Stage) -> UUID:
    order, _ = await _booked(stage)
    await _finished(stage, order)
    ended = stage.run(order)
    await stage.client.start_workflow(
        "OrderFulfillment", order, id=ended.id, task_queue=stage.task_queue
    )
    await stage.result(ended)
    return order


async def parcel_delivered(stage: Stage) -> UUID:
    order, shipment = await _booked(stage)
    await stage.travel(shipment, "picked_up")
    await stage.wait_says(stage.tracking(shipment), "to deliver")
    await _finished_parcel(stage, order, shipment, "delivered")
    return shipment


async def parcel_lost(stage: Stage) -> UUID:
    order, shipment = await _booked(stage)
    await stage.travel(shipment, "lost")
    await stage.decide(TaskKind.PARCEL_LOST, shipment, "refund")
    await stage.result(stage.run(order))
    await stage.result(stage.tracking(shipment))
    return shipment


async def parcel_returned(stage: Stage) -> UUID:
    order, shipment = await _booked(stage)
    await stage.travel(shipment, "returned")
    await stage.decide(TaskKind.UNDELIVERABLE, shipment, "refund")
    await stage.result(stage.run(order))
    await stage.result(stage.tracking(shipment))
    return shipment


async def parcel_turned_up(stage: Stage) -> UUID:
    order, shipment = await _booked(stage)
    await stage.travel(shipment, "lost")
    await stage.task(TaskKind.PARCEL_LOST, shipment)
    await stage.scan(shipment, "DL")
    await stage.result(stage.run(order))
    await stage.result(stage.tracking(shipment))
    return shipment


async def capture_retried_and_written_off(stage: Stage) -> UUID:
    order, shipment = await _booked(stage, "tok_capture_declined")
    await stage.travel(shipment, "picked_up")
    first = await stage.task(TaskKind.CAPTURE_FAILED, shipment)
    await _finished_parcel(stage, order, shipment, "delivered", ends=False)
    await stage.decide(TaskKind.CAPTURE_FAILED, shipment, "retry")

    async def asked_again() -> bool:
        task = await stage.task(TaskKind.CAPTURE_FAILED, shipment)
        return bool(task["id"] != first["id"])

    await eventually(asked_again)
    await stage.decide(TaskKind.CAPTURE_FAILED, shipment, "write_off")
    await stage.result(stage.tracking(shipment))
    return shipment


async def tracking_stopped(stage: Stage) -> UUID:
    _, shipment = await _booked(stage)
    await stage.travel(shipment, "picked_up")
    await stage.wait_says(stage.tracking(shipment), "to deliver")
    await stage.tracking(shipment).cancel()
    with contextlib.suppress(WorkflowFailureError):
        await stage.result(stage.tracking(shipment))
    return shipment


async def _stopped(stage: Stage, order: OrderId) -> OrderId:
    await stage.run(order).cancel()
    with contextlib.suppress(WorkflowFailureError):
        await stage.result(stage.run(order))
    return order


async def _finished_parcel(
    stage: Stage, order: OrderId, shipment: ShipmentId, to: str, *, ends: bool = True
) -> None:
    await stage.travel(shipment, to)
    await stage.shipment(order, to)
    if ends:
        await stage.result(stage.tracking(shipment))


PATHS: dict[str, tuple[Path, ...]] = {
    "OrderFulfillment": (
        delivered,
        delivered_in_two_shipments,
        never_paid,
        declined_then_paid,
        confirmed_by_customer,
        held_while_pending,
        held_before_booking,
        booking_refused,
        cancelled_while_pending,
        cancelled_when_booked,
        cancelled_too_late,
        stopped_while_pending,
        stopped_when_booked,
        stopped_too_late,
        undo_failed,
        remainder_voided,
        started_again_by_its_last_signal,
        started_again_after_its_end,
    ),
    "ShipmentTracking": (
        parcel_delivered,
        parcel_lost,
        parcel_returned,
        parcel_turned_up,
        capture_retried_and_written_off,
        tracking_stopped,
    ),
}
