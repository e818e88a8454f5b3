"""An order's situation in plain words: what it waits for, since when, what was tried, what next."""

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
    GetWorkflowExecutionHistoryReverseRequest,
)
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from api.orders.views import OrderView
from db.orders.waiting import waits_of
from domain.documents import Kind, run_id
from domain.errors import PartnerUnavailable
from domain.ids import OrderId
from domain.orders.status import RUNNING, OrderStatus
from domain.payments import PaymentStatus
from domain.value import Value

Answer = TypeVar("Answer")


class Wait(Value):
    """One thing that is awaited, with the attempts so far where something is being tried."""

    who: str
    what: str
    since: datetime | None
    attempts: int = 0
    last_error: str | None = None
    next_attempt_at: datetime | None = None


class RunView(Value):
    """A document's run at Temporal."""

    workflow_id: str
    status: str
    started_at: datetime | None
    history_events: int


class ProcessView(Value):
    """Where an order's process is."""

    order_id: OrderId
    number: str
    status: OrderStatus
    summary: str
    waiting_for: tuple[Wait, ...]
    runs: tuple[RunView, ...]


_WHO = {
    "dispatch": "our dispatcher",
    "task": "a person",
    "hold": "a person, to release the hold",
    "carrier": "the carrier",
}

_BROKEN_OFF = frozenset({"failed", "terminated", "timed_out", "canceled"})
"""How runs end that leave their document unfinished; the next sweep starts them anew."""


async def waiting_in_books(db: AsyncConnection, order: OrderView) -> list[Wait]:
    """Return what the books know of why the order has not ended."""
    waits = [
        Wait(
            who=_WHO[row.what],
            what=row.detail,
            since=row.since,
            attempts=row.attempts,
            last_error=row.last_error,
            next_attempt_at=row.next_attempt_at,
        )
        for row in await waits_of(db, order.id)
    ]
    unpaid = order.payment_status in (PaymentStatus.UNPAID, PaymentStatus.FAILED)
    if order.status is OrderStatus.PENDING and unpaid:
        until = f"the payment, until {order.payment_due_at:%Y-%m-%d %H:%M:%S} UTC"
        waits.append(Wait(who="the customer", what=until, since=order.placed_at))
    return waits


async def describe(client: Client, order: OrderView, waits: Sequence[Wait]) -> ProcessView:
    """Join the books with what Temporal says of the order's runs and their steps under way."""
    documents = [(Kind.ORDER, order.number)]
    documents += [(Kind.SHIPMENT, shipment.number) for shipment in order.shipments]
    runs: list[RunView] = []
    steps: list[Wait] = []
    for kind, number in documents:
        found = await _described(client, run_id(kind, number))
        if found is None:
            continue
        runs.append(_run(found))
        # A run that has ended waits for none of the steps that it left behind.
        if runs[-1].status == "running":
            steps.extend([await _step(client, found, step) for step in found.pending_activities])
        elif order.status in RUNNING and runs[-1].status in _BROKEN_OFF:
            steps.append(await _broken_off(client, found))
    # A step that is being tried says more than the general state that it is part of.
    waiting = tuple(steps) + tuple(waits)
    return ProcessView(
        order_id=order.id,
        number=order.number,
        status=order.status,
        summary=_summary(order, waiting),
        waiting_for=waiting if order.status in RUNNING or steps else (),
        runs=tuple(runs),
    )


def _summary(order: OrderView, waiting: Sequence[Wait]) -> str:
    if order.status not in RUNNING:
        return f"{order.number} is {order.status}: nothing is awaited."
    if not waiting:
        return f"{order.number} is {order.status} and being worked on."
    first = waiting[0]
    tried = f", tried {first.attempts} times" if first.attempts > 1 else ""
    return f"{order.number} is {order.status} and waits for {first.who}: {first.what}{tried}."


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
        last_error=step.last_failure.message or None,
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
        while failure.HasField("cause"):
            failure = failure.cause
        return failure.message or event.workflow_execution_terminated_event_attributes.reason
    return None


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
