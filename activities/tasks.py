"""Answers to tasks: accepted from a person in the caller's transaction, or recorded by a run."""

from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.claims.deciding import settle_claim_review
from activities.inventory.counting import settle_count
from activities.orders.backorders import settle_backorder
from activities.payments.answers import settle_amount
from activities.payments.confirming import settle_refused_capture
from activities.payments.receiving import settle_overpaid
from activities.payments.review import settle_review
from activities.refunds.deciding import settle_approval, settle_failure
from activities.refunds.paying_out import settle_pay_out
from activities.refunds.stopping import settle_chargeback, settle_stopped
from activities.returns.deciding import settle_label, settle_return_review
from activities.returns.keeping import settle_kept_goods
from activities.returns.lacking import settle_no_stock
from activities.returns.leaving import settle_leaving, settle_send_back
from activities.returns.losing import settle_lost_goods
from activities.returns.receiving import settle_receiving
from activities.returns.refurbishing import settle_refurbished
from activities.returns.repairing import settle_failed_repair
from activities.returns.settling import settle_unserved
from activities.returns.stopping import settle_stopped_return
from activities.returns.undelivered import settle_undeliverable
from activities.shipments.losing import settle_loss
from activities.shipments.older_refunds import settle_failed_refund
from activities.shipments.rebooking import settle_booking
from activities.shipments.settlement import check_given
from activities.warranties.requesting import WARRANTY, settle_registration
from db.engine import Database
from db.inventory.counting import COUNT
from db.reads.tasks import get_task
from db.tasks import TaskRow, answer_task
from domain.access import Role
from domain.documents import Document, Kind
from domain.errors import Forbidden, IllegalMove
from domain.policy import Policy
from domain.questions import RULES
from domain.shipments.booking import AnswerDetails, check_details
from domain.tasks import Decided, Decision, TaskKind, TaskStatus

Settle = Callable[[AsyncConnection, TaskRow, Decision], Awaitable[None]]
SettleByDetails = Callable[[AsyncConnection, TaskRow, Decision, AnswerDetails], Awaitable[None]]
SettleByPolicy = Callable[[AsyncConnection, TaskRow, Decision, Policy], Awaitable[None]]
_SETTLED: Mapping[tuple[TaskKind, str], Settle] = {
    (TaskKind.CAPTURE_REFUSED, Kind.ORDER): settle_refused_capture,
    (TaskKind.BACKORDER_REVIEW, Kind.ORDER): settle_backorder,
    (TaskKind.SHORTAGE_REVIEW, Kind.ORDER): settle_backorder,
    (TaskKind.OVERPAID, Kind.ORDER): settle_overpaid,
    (TaskKind.PAY_OUT, Kind.REFUND): settle_pay_out,
    (TaskKind.REFUND_FAILED, Kind.SHIPMENT): settle_failed_refund,
    (TaskKind.REFUND_FAILED, Kind.REFUND): settle_failure,
    (TaskKind.REFUND_APPROVAL, Kind.REFUND): settle_approval,
    (TaskKind.CHARGEBACK, Kind.ORDER): settle_chargeback,
    (TaskKind.REFUND_STOPPED, Kind.REFUND): settle_stopped,
    (TaskKind.REFUND_STOPPED, Kind.RETURN): settle_stopped_return,
    (TaskKind.FINISH_RECEIVING, Kind.RETURN): settle_receiving,
    (TaskKind.REFURBISHMENT, Kind.RETURN): settle_refurbished,
    (TaskKind.REPAIR_FAILED, Kind.RETURN): settle_failed_repair,
    (TaskKind.RETURN_UNSERVED, Kind.RETURN): settle_unserved,
    (TaskKind.KEPT_GOODS, Kind.RETURN): settle_kept_goods,
    (TaskKind.LABEL_REFUSED, Kind.RETURN): settle_label,
    (TaskKind.RETURN_PARCEL_LOST, Kind.RETURN): settle_lost_goods,
    (TaskKind.WARRANTY_REGISTRATION, WARRANTY): settle_registration,
    (TaskKind.COUNT_REVIEW, COUNT): settle_count,
}
"""Answers on which more follows than their record, by the question and what it is about."""
_DETAILED: Mapping[tuple[TaskKind, str], SettleByDetails] = {
    (TaskKind.UNDELIVERABLE, Kind.RETURN): settle_undeliverable,
    (TaskKind.REJECTED_GOODS, Kind.RETURN): settle_leaving,
    (TaskKind.RETURN_TO_SUPPLIER, Kind.RETURN): settle_leaving,
    (TaskKind.SEND_BACK_FAILED, Kind.RETURN): settle_send_back,
}
"""Those of which an answer may say more than its choice."""
_BY_POLICY: Mapping[TaskKind, SettleByPolicy] = {
    TaskKind.FRAUD_REVIEW: settle_review,
    TaskKind.RETURN_REVIEW: settle_return_review,
    TaskKind.NO_REPLACEMENT_STOCK: settle_no_stock,
    TaskKind.REPLACEMENT_LOST: settle_loss,
    TaskKind.CLAIM_REVIEW: settle_claim_review,
}
"""Those whose consequences depend on what the company has decided."""
NO_DETAILS = AnswerDetails()
DEFAULT_POLICY = Policy()


def _check_role(task: TaskRow, role: Role) -> None:
    """Raise Forbidden where a task is for others, IllegalMove where it is another release's."""
    if task.kind not in RULES:
        raise IllegalMove("another release has asked this: only that one knows its answers")
    rule = RULES[TaskKind(task.kind)]
    # Who was asked first may still answer what was put to an admin.
    escalated = task.role == Role.ADMIN and rule.escalate_after
    if role not in (task.role, Role.ADMIN, rule.role if escalated else ""):
        raise Forbidden(f"this task is for the role {task.role}", role=task.role)


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
    _check_role(task, role)
    is_open = task.status == TaskStatus.OPEN
    offered = is_open and decision.choice in task.choices
    if offered:
        check_details(TaskKind(task.kind), decision.choice, details)
        await check_given(db, task, decision)
    if offered and task.kind == TaskKind.BOOKING_REFUSED:
        await settle_booking(db, task, decision, details)
        return None
    detailed = _DETAILED.get((TaskKind(task.kind), task.document_type))
    if offered and detailed is not None:
        await detailed(db, task, decision, details)
        return None
    if offered and (by_policy := _BY_POLICY.get(TaskKind(task.kind))):
        await by_policy(db, task, decision, policy)
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
