"""Answers to tasks: accepted from a person in the caller's transaction, or recorded by a run."""

from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.payments.answers import settle_amount
from activities.payments.review import settle_review
from activities.refunds.deciding import settle_approval, settle_failure
from activities.shipments.failed_refunds import settle_failed_refund
from activities.shipments.rebooking import settle_booking
from db.engine import Database
from db.reads.tasks import get_task
from db.tasks import TaskRow, answer_task
from domain.access import Role
from domain.documents import Document, Kind
from domain.errors import Forbidden
from domain.policy import Policy
from domain.shipments.booking import AnswerDetails, check_details
from domain.tasks import Decided, Decision, TaskKind, TaskStatus

Settle = Callable[[AsyncConnection, TaskRow, Decision], Awaitable[None]]
_SETTLED: Mapping[tuple[TaskKind, str], Settle] = {
    (TaskKind.REFUND_FAILED, Kind.SHIPMENT): settle_failed_refund,
    (TaskKind.REFUND_FAILED, Kind.REFUND): settle_failure,
    (TaskKind.REFUND_APPROVAL, Kind.REFUND): settle_approval,
}
"""Answers on which more follows than their record, by the question and what it is about."""
NO_DETAILS = AnswerDetails()
DEFAULT_POLICY = Policy()


async def accept_answer(
    db: AsyncConnection,
    decision: Decision,
    role: Role,
    details: AnswerDetails = NO_DETAILS,
    policy: Policy = DEFAULT_POLICY,
) -> Document | None:
    """Record a person's answer, with what it changes in the books.

    An answer that a run acts on is left to that: returns the document whose run it is. What the
    books refuse leaves no trace in a run. Raises NotFound, Forbidden, Malformed for details that
    do not fit the answer, and IllegalMove, which has the outcome of a task that is decided.
    """
    task = await get_task(db, decision.task_id)
    if role not in (task.role, Role.ADMIN):
        raise Forbidden(f"this task is for the role {task.role}", role=task.role)
    is_open = task.status == TaskStatus.OPEN
    offered = is_open and decision.choice in task.choices
    if offered:
        check_details(TaskKind(task.kind), decision.choice, details)
    if offered and task.kind == TaskKind.BOOKING_REFUSED:
        await settle_booking(db, task, decision, details)
        return None
    if offered and task.kind == TaskKind.FRAUD_REVIEW:
        await settle_review(db, task, decision, policy)
        return None
    if offered and (settle := _SETTLED.get((TaskKind(task.kind), task.document_type))):
        await settle(db, task, decision)
        return None
    if offered and task.asker_type is not None and task.asker_id is not None:
        return Document(Kind(task.asker_type), task.asker_id)
    if is_open and task.kind == TaskKind.PAYMENT_MISMATCH:
        await settle_amount(db, task, decision)
    else:
        await answer_task(db, decision)
    return None


class TaskActivities:
    """What a run does with a person's answer."""

    def __init__(self, books: Database) -> None:
        """Record answers in these books."""
        self._books = books

    @activity.defn
    async def decide_task(self, decision: Decision) -> Decided:
        """Record the answer, or refuse what was not offered or is decided; the first one counts."""
        async with self._books.begin() as db:
            return await answer_task(db, decision)
