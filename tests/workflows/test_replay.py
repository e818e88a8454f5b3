"""Runs that began under an older version of the code go on under this one."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from domain.ids import OrderId
from tests.workflows.paths.order_fulfillment import delivered_in_two_shipments, held_while_pending
from tests.workflows.record import HISTORIES, PATHS, file_of
from tests.workflows.stage import open_stage
from workflows.plugin import WORKFLOWS, plugin

RECORDED = sorted(HISTORIES.glob("*/*.json"))


def test_every_path_of_every_process_has_a_recorded_history() -> None:
    assert set(PATHS) == {workflow.__name__ for workflow in WORKFLOWS}
    wanted = {file_of(workflow, path) for workflow, played in PATHS.items() for path in played}
    assert wanted <= set(RECORDED), "record the new paths: python -m tests.workflows.record"


def _recorded(file: Path) -> WorkflowHistory:
    """Return a history under the id of the run that it was recorded from, which the run reads."""
    plain = json.loads(file.read_text())
    begun = plain["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(begun["workflowId"], plain)


HISTORY = [pytest.param(_recorded(file), id=f"{file.parent.name}-{file.stem}") for file in RECORDED]


@pytest.mark.parametrize("history", HISTORY)
async def test_a_recorded_history_replays(history: WorkflowHistory) -> None:
    await Replayer(workflows=[], plugins=[plugin()]).replay_workflow(history)


async def test_a_worker_that_remembers_nothing_brings_orders_to_their_end(
    template_url: str, environment: WorkflowEnvironment
) -> None:
    # Every task of every run replays the run from its beginning.
    async with (
        open_stage(template_url, environment, "forgetful") as stage,
        stage.working(cached=0),
    ):
        for path in (delivered_in_two_shipments, held_while_pending):
            await stage.order(OrderId(await path(stage)), "completed")
        assert await stage.broken() == []
