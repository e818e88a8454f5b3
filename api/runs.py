"""What Temporal says of the runs of documents: where they are, and what they wait for."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
    GetWorkflowExecutionHistoryReverseRequest,
)
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from api.temporal import TemporalProvider
from api.views import RunView, Wait
from db.waiting import MOST_WAITS, Part
from domain.documents import run_id
from domain.errors import PartnerUnavailable
from workflows.encryption import message_of
from workflows.runs import STANDS_FROM

Answer = TypeVar("Answer")
PATIENCE = 3.0
"""Seconds that Temporal has to tell of all runs of a document: the books' half waits for that."""
_BROKEN_OFF = frozenset({"failed", "terminated", "timed_out", "canceled"})
"""How runs end that leave their document unfinished; the next sweep starts them anew."""


@dataclass
class Runs:
    """The runs of a document and of its parts, its own first, and what they wait for."""

    shown: list[RunView] = field(default_factory=list)
    steps: list[Wait] = field(default_factory=list)
    """Steps under way, and runs that have to be started again."""
    still: list[Wait] = field(default_factory=list)
    """Runs that no worker can go on with."""
    unseen: int = 0
    """How many steps are left out."""


async def look_at(temporal: TemporalProvider, parts: Sequence[Part]) -> Runs | None:
    """Return what Temporal says of the runs of these parts; None while it does not answer."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await _look_at(await temporal(), parts)
    except (PartnerUnavailable, TimeoutError):
        return None


async def _look_at(client: Client, parts: Sequence[Part]) -> Runs:
    runs = Runs()
    for part in parts:
        found = await _described(client, run_id(part.kind, part.number))
        if found is None:
            continue
        run = _run(found)
        runs.shown.append(run)
        standing = await _standing(client, found)
        if standing is not None:
            runs.still.append(standing)
        # A run that has ended waits for none of the steps that it left behind.
        if run.status == "running":
            room = MOST_WAITS - len(runs.steps)
            pending = found.pending_activities
            runs.steps.extend([await _step(client, found, step) for step in pending[:room]])
            runs.unseen += len(pending[room:])
        elif part.on_its_way and run.status in _BROKEN_OFF:
            runs.steps.append(await _broken_off(client, found))
    return runs


async def _described(client: Client, workflow_id: str) -> DescribeWorkflowExecutionResponse | None:
    return await _answered(
        client.workflow_service.describe_workflow_execution(
            DescribeWorkflowExecutionRequest(
                namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow_id)
            )
        )
    )


async def _answered(asked: Awaitable[Answer]) -> Answer | None:
    """Return Temporal's answer, None about a run that it does not know."""
    try:
        return await asked
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise PartnerUnavailable("Temporal cannot answer now; try again") from error


def _run(found: DescribeWorkflowExecutionResponse) -> RunView:
    info = found.workflow_execution_info
    return RunView(
        workflow_id=info.execution.workflow_id,
        status=WorkflowExecutionStatus(info.status).name.lower(),
        started_at=_instant(info.start_time),
        history_events=info.history_length,
    )


async def _step(
    client: Client, found: DescribeWorkflowExecutionResponse, step: PendingActivityInfo
) -> Wait:
    since = _instant(step.scheduled_time)
    if step.attempt > 1:
        # Each try moves the scheduled time on; only the history remembers the first one.
        execution = found.workflow_execution_info.execution
        since = await _first_scheduled(client, execution, step.activity_id) or since
    scheduled = step.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
    return Wait(
        who="a step of ours" if step.attempt <= 1 else "a partner or system that fails",
        what=step.activity_type.name.replace("_", " "),
        since=since,
        attempts=step.attempt - scheduled,
        last_error=await _innermost(client, step.last_failure) or None,
        next_attempt_at=_instant(step.next_attempt_schedule_time) or None,
    )


async def _broken_off(client: Client, found: DescribeWorkflowExecutionResponse) -> Wait:
    info = found.workflow_execution_info
    status = WorkflowExecutionStatus(info.status).name.lower()
    return Wait(
        who="our sweep, to start a run again",
        what=f"{info.type.name} {status.replace('_', ' ')}",
        since=_instant(info.close_time),
        last_error=await _why(client, info.execution),
    )


async def _why(client: Client, execution: WorkflowExecution) -> str | None:
    """Return the innermost reason with which a run failed, if it did."""
    for event in await _latest(client, execution, 1):
        failure = event.workflow_execution_failed_event_attributes.failure
        said = await _innermost(client, failure)
        return said or event.workflow_execution_terminated_event_attributes.reason
    return None


async def _standing(client: Client, found: DescribeWorkflowExecutionResponse) -> Wait | None:
    """Return what an open run waits for whose history no worker can go on from, if it is such."""
    task, info = found.pending_workflow_task, found.workflow_execution_info
    if task.attempt < STANDS_FROM:
        return None
    # Of many attempts that fail alike Temporal records the first one.
    said = [
        await _innermost(client, event.workflow_task_failed_event_attributes.failure)
        for event in await _latest(client, info.execution, 20)
    ]
    return Wait(
        who="a release that can go on from its history: the run stands still",
        what=f"{info.type.name} {info.execution.workflow_id}",
        since=_instant(task.original_scheduled_time) or _instant(task.scheduled_time),
        attempts=task.attempt,
        last_error=next(filter(None, said), None),
    )


async def _innermost(client: Client, failure: Failure) -> str:
    while failure.HasField("cause"):
        failure = failure.cause
    return await message_of(failure, client.data_converter)


async def _first_scheduled(
    client: Client, execution: WorkflowExecution, activity_id: str
) -> datetime | None:
    """Return when a step of a run was first due, if that is among its latest events."""
    for event in await _latest(client, execution, 100):
        if event.activity_task_scheduled_event_attributes.activity_id == activity_id:
            return _instant(event.event_time)
    return None


async def _latest(
    client: Client, execution: WorkflowExecution, count: int
) -> Sequence[HistoryEvent]:
    """Return the latest events of a run, the newest first."""
    answer = await _answered(
        client.workflow_service.get_workflow_execution_history_reverse(
            GetWorkflowExecutionHistoryReverseRequest(
                namespace=client.namespace, execution=execution, maximum_page_size=count
            )
        )
    )
    return answer.history.events if answer is not None else ()


def _instant(stamp: Any) -> datetime | None:
    return stamp.ToDatetime(tzinfo=UTC) if stamp.seconds else None
