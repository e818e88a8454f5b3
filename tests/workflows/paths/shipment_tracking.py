"""Every path through the run of a shipment."""

import contextlib
from uuid import UUID

from temporalio.client import WorkflowFailureError

from domain.ids import OrderId, ShipmentId
from domain.tasks import TaskKind
from tests.workflows.stage import Stage
from tests.workflows.stories import booked


async def parcel_delivered(stage: Stage) -> UUID:
    order, shipment = await booked(stage)
    await stage.travel(shipment, "picked_up")
    await stage.wait_says(stage.tracking(shipment), "to deliver")
    await _finished_parcel(stage, order, shipment, "delivered")
    return shipment


async def parcel_lost_and_refunded(stage: Stage) -> UUID:
    order, shipment = await booked(stage)
    await stage.travel(shipment, "lost")
    await stage.decide(TaskKind.PARCEL_LOST, shipment, "refund")
    await stage.result(stage.run(order))
    await stage.result(stage.tracking(shipment))
    return shipment


async def parcel_brought_back(stage: Stage) -> UUID:
    order, shipment = await booked(stage)
    await stage.travel(shipment, "returned")
    await stage.result(stage.run(order))
    await stage.result(stage.tracking(shipment))
    return shipment


async def parcel_turned_up(stage: Stage) -> UUID:
    order, shipment = await booked(stage)
    await stage.travel(shipment, "lost")
    await stage.task(TaskKind.PARCEL_LOST, shipment)
    await stage.scan(shipment, "DL")
    await stage.result(stage.run(order))
    await stage.result(stage.tracking(shipment))
    return shipment


async def capture_retried_and_written_off(stage: Stage) -> UUID:
    order, shipment = await booked(stage, "tok_capture_declined")
    await stage.travel(shipment, "picked_up")
    first = await stage.task(TaskKind.CAPTURE_FAILED, shipment)
    await _finished_parcel(stage, order, shipment, "delivered", ends=False)
    await stage.decide(TaskKind.CAPTURE_FAILED, shipment, "retry")
    await stage.asked_again(TaskKind.CAPTURE_FAILED, shipment, first)
    await stage.decide(TaskKind.CAPTURE_FAILED, shipment, "write_off")
    await stage.result(stage.tracking(shipment))
    return shipment


async def tracking_stopped(stage: Stage) -> UUID:
    _, shipment = await booked(stage)
    await stage.travel(shipment, "picked_up")
    await stage.wait_says(stage.tracking(shipment), "to deliver")
    await stage.tracking(shipment).cancel()
    with contextlib.suppress(WorkflowFailureError):
        await stage.result(stage.tracking(shipment))
    return shipment


async def _finished_parcel(
    stage: Stage, order: OrderId, shipment: ShipmentId, to: str, *, ends: bool = True
) -> None:
    await stage.travel(shipment, to)
    await stage.shipment(order, to)
    if ends:
        await stage.result(stage.tracking(shipment))
