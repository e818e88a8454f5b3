"""Shipments about which much is told and asked: their runs' histories stay short enough."""

from domain.ids import ShipmentId
from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.stage import Stage
from tests.workflows.stories import booked

K = TaskKind
ANSWERS = 200
"""So many are more than one history is meant for."""


async def _events(stage: Stage, shipment: ShipmentId) -> int:
    return int((await stage.tracking(shipment).describe()).history_length)


async def test_scans_on_the_way_leave_the_history_as_it_is(stage: Stage) -> None:
    """A carrier may report however often: only the end of a journey wakes the run."""
    order, shipment = await booked(stage)
    await stage.travel(shipment, "picked_up")
    await stage.wait_says(stage.tracking(shipment), "to deliver")
    before = await _events(stage, shipment)
    for _ in range(100):
        await stage.scan(shipment, "DP")
        await stage.scan(shipment, "A1")

    async def heard() -> bool:
        told = "SELECT count(*) FROM tracking_events e JOIN parcels p ON p.id = e.parcel_id"
        return int(await stage.shop.one(f"{told} WHERE p.shipment_id = :id", id=shipment)) >= 200

    async def nothing_is_told() -> bool:
        return int(await stage.shop.one("SELECT count(*) FROM outbox")) == 0

    await eventually(heard)
    await eventually(nothing_is_told)
    assert await _events(stage, shipment) == before
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"


async def test_a_question_that_is_answered_again_and_again_is_answered_by_new_runs(
    stage: Stage,
) -> None:
    """T03's kind: Temporal refuses the 2,001st request to a run, and all after it, for ever."""
    order, shipment = await booked(stage, "tok_capture_declined")
    await stage.travel(shipment, "picked_up")
    asked = await stage.task(K.CAPTURE_FAILED, shipment)
    first = (await stage.tracking(shipment).describe()).run_id
    for _ in range(ANSWERS):
        await stage.decide(K.CAPTURE_FAILED, shipment, "retry")
        asked = await stage.asked_again(K.CAPTURE_FAILED, shipment, asked)
    told = await stage.tracking(shipment).describe()
    assert told.run_id != first, f"its history has {told.history_length} events"
    tries = "SELECT count(*) FROM tasks WHERE document_id = :id AND outcome = 'retry'"
    assert await stage.shop.one(tries, id=shipment) == ANSWERS
    await stage.decide(K.CAPTURE_FAILED, shipment, "write_off")
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.tracking(shipment)) == "delivered"
    assert await stage.result(stage.run(order)) == "completed"
