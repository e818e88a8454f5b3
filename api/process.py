"""The process of a document: what it waits for, since when, what was tried, what next."""

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection
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

from api.views import ProcessView, RunView, Wait
from db.waiting import MOST_WAITS, Part, waits_of
from domain.access import Caller
from domain.disclosure import disclose, wait_withheld
from domain.documents import Document, run_id
from domain.errors import PartnerUnavailable
from workflows.runs import STANDS_FROM

Answer = TypeVar("Answer")


_PERSON = "a person"
_WHO = {
    "dispatch": "our dispatcher",
    "task": _PERSON,
    "hold": f"{_PERSON}, to release the hold",
    "stock": "new stock",
}

_BROKEN_OFF = frozenset({"failed", "terminated", "timed_out", "canceled"})
"""How runs end that leave their document unfinished; the next sweep starts them anew."""


class LeftOut(NamedTuple):
    """How many of a document's parts, and of its waits in the books, are not told of."""

    parts: int
    waits: int


async def waiting_in_books(
    db: AsyncConnection, document: Document, caller: Caller
) -> tuple[list[Wait], int]:
    """Return what the books know of why the document has not ended, as the caller may see it.

    And how much of that is left out.
    """
    known, left_out = await waits_of(db, document)
    waits = [
        _shown(
            wait.what,
            Wait(
                who=_WHO.get(wait.what, f"the {wait.what}"),
                what=wait.detail,
                since=wait.since,
                attempts=wait.attempts,
                last_error=wait.last_error,
                next_attempt_at=wait.next_attempt_at,
            ),
            caller,
        )
        for wait in known
    ]
    return waits, left_out


def _shown(what: str, wait: Wait, caller: Caller) -> Wait:
    instead = wait_withheld(what, caller)
    if instead is None:
        return wait
    return Wait(who=wait.who, what=instead, since=wait.since)


async def describe(
    client: Client,
    document: Document,
    parts: Sequence[Part],
    waits: Sequence[Wait],
    caller: Caller,
    left_out: LeftOut,
) -> ProcessView:
    """Join the books with what Temporal says of the runs of the document and its parts.

    What the caller may not see of the runs is withheld; ``waits`` are as that one may see them.
    """
    runs: list[RunView] = []
    steps: list[Wait] = []
    still: list[Wait] = []
    unseen = 0
    for part in parts:
        found = await _described(client, run_id(part.kind, part.number))
        if found is None:
            continue
        runs.append(_run(found))
        standing = await _standing(client, found)
        if standing is not None:
            still.append(_shown("step", standing, caller))
        # A run that has ended waits for none of the steps that it left behind.
        if runs[-1].status == "running":
            room = MOST_WAITS - len(steps)
            pending = found.pending_activities
            steps.extend([await _step(client, found, step) for step in pending[:room]])
            unseen += len(pending[room:])
        elif part.on_its_way and runs[-1].status in _BROKEN_OFF:
            steps.append(await _broken_off(client, found))
    itself = parts[0]
    steps = [_shown("step", step, caller) for step in steps]
    # What stands still hears no answer. Then people, for they alone may end it; then a step that
    # is being tried, which says more than the general state that it is part of.
    asked = [wait for wait in waits if wait.who.startswith(_PERSON)]
    others = [wait for wait in waits if wait not in asked]
    waiting = (*still, *asked, *steps, *others) if itself.on_its_way or still or steps else ()
    return ProcessView(
        document_type=document.kind,
        document_id=document.id,
        number=itself.number,
        status=itself.status,
        summary=_summary(itself, waiting),
        waiting_for=waiting,
        waits_left_out=left_out.waits + unseen if waiting else 0,
        parts_left_out=left_out.parts,
        **disclose("process", {"runs": tuple(runs)}, caller),
    )


def _summary(document: Part, waiting: Sequence[Wait]) -> str:
    so_far = f"{document.number} is {document.status.replace('_', ' ')}"
    if not document.on_its_way:
        return f"{so_far}: nothing is awaited."
    if not waiting:
        return f"{so_far} and being worked on."
    first = waiting[0]
    tried = f", tried {first.attempts} times" if first.attempts > 1 else ""
    return f"{so_far} and waits for {first.who}: {first.what}{tried}."


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
        last_error=_innermost(step.last_failure) or None,
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
        return _innermost(failure) or event.workflow_execution_terminated_event_attributes.reason
    return None


async def _standing(client: Client, found: DescribeWorkflowExecutionResponse) -> Wait | None:
    """Return what an open run waits for whose history no worker can go on from, if it is such."""
    task, info = found.pending_workflow_task, found.workflow_execution_info
    if task.attempt < STANDS_FROM:
        return None
    # Of many attempts that fail alike Temporal records the first one.
    failures = (
        event.workflow_task_failed_event_attributes.failure
        for event in await _latest(client, info.execution, 20)
    )
    return Wait(
        who="a release that can go on from its history: the run stands still",
        what=f"{info.type.name} {info.execution.workflow_id}",
        since=_instant(task.original_scheduled_time) or _instant(task.scheduled_time),
        attempts=task.attempt,
        last_error=next(filter(None, map(_innermost, failures)), None),
    )


def _innermost(failure: Failure) -> str:
    while failure.HasField("cause"):
        failure = failure.cause
    return failure.message


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
