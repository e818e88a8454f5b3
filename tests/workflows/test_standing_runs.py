"""Runs that no worker can go on from are seen by whoever asks, and by whoever watches."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from relay.sweeps import Sweeper
from telemetry.metrics import REGISTRY
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.stage import Stage
from workflows import status
from workflows.runs import STANDS_FROM

STANDING = "stateset_runs_standing_still"


async def attempts(run: WorkflowHandle[Any, Any]) -> int:
    described = await run.describe()
    return int(described.raw_description.pending_workflow_task.attempt)


async def test_a_run_that_stands_still_is_named_by_its_process_and_counted_until_it_goes_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T24: after a rollback 19 of 40 runs stood still, and everything said that all was well."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    sweeper = Sweeper(stage.books, stage.client, young=timedelta())

    def unknown(*_: object, **__: object) -> None:
        raise RuntimeError("this release does not know what the history says")

    with monkeypatch.context() as rollback:
        rollback.setattr(status, "is_named_by_uuid", unknown)
        await stage.travel(shipment, "delivered")

        async def stands() -> bool:
            run = stage.tracking(shipment)
            return await stage.exists(run) and await attempts(run) >= STANDS_FROM

        await eventually(stands)
        async with calling(stage) as callers:
            process = (await callers.get(f"/orders/{order}/process", role="support")).json()
        first = process["waiting_for"][0]
        assert "stands still" in process["summary"]
        assert first["last_error"] == "this release does not know what the history says"
        assert first["attempts"] >= STANDS_FROM
        await sweeper.sweep("lost_runs")
        assert REGISTRY.get_sample_value(STANDING) == 1

    assert await stage.result(stage.run(order)) == "completed"
    await sweeper.sweep("lost_runs")
    assert REGISTRY.get_sample_value(STANDING) == 0


async def test_a_failing_step_says_its_cause_in_a_line_however_long_it_is(stage: Stage) -> None:
    """B2: of a failure with its whole chain Temporal kept "Failure exceeds size limit." alone."""
    mug = await stage.shop.item(AUS=1)
    await stage.carrier.fault("slow", "book", times=100, delay_seconds=30)
    order = await stage.shop.place((mug, 1))

    async def tried() -> str | None:
        async with calling(stage) as callers:
            process = (await callers.get(f"/orders/{order}/process", role="support")).json()
        errors = [wait["last_error"] for wait in process["waiting_for"] if wait["last_error"]]
        return errors[0] if errors else None

    said = await eventually(tried)
    assert "size limit" not in said
    assert "time" in said.lower()
    assert len(said) <= 500
    described = await stage.run(order).describe()
    [step] = described.raw_description.pending_activities
    assert not step.last_failure.HasField("cause")
    await stage.carrier.forget_faults()
