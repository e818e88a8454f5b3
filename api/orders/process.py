"""An order's situation in plain words: what it waits for, since when, what was tried, what next."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    DescribeWorkflowExecutionResponse,
)
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from api.orders.views import OrderView
from db.orders.waiting import waits_of
from domain.errors import PartnerUnavailable
from domain.ids import OrderId
from domain.orders.status import RUNNING, OrderStatus
from domain.payments import PaymentStatus
from domain.value import Value
from workflows.attributes import run_id


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
    documents: list[tuple[str, UUID]] = [("OrderFulfillment", order.id)]
    documents += [("ShipmentTracking", shipment.id) for shipment in order.shipments]
    runs: list[RunView] = []
    steps: list[Wait] = []
    for workflow, document_id in documents:
        found = await _described(client, run_id(workflow, document_id))
        if found is not None:
            runs.append(_run(found))
            steps.extend(_steps(found))
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
    try:
        return await client.workflow_service.describe_workflow_execution(
            DescribeWorkflowExecutionRequest(
                namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow_id)
            )
        )
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


def _steps(found: DescribeWorkflowExecutionResponse) -> list[Wait]:
    return [
        Wait(
            who="a step of ours" if step.attempt <= 1 else "a partner or system that fails",
            what=step.activity_type.name.replace("_", " "),
            since=_instant(step.scheduled_time),
            attempts=step.attempt,
            last_error=step.last_failure.message or None,
            next_attempt_at=_instant(step.next_attempt_schedule_time) or None,
        )
        for step in found.pending_activities
    ]


def _instant(stamp: Any) -> datetime | None:
    return stamp.ToDatetime(tzinfo=UTC) if stamp.seconds else None
