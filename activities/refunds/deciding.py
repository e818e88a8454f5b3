"""People's decisions about refunds: use cases in the caller's transaction.

Each moves the refund and has its run look again; the first decision counts.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.refunds.settling import tell_return
from db.documents import REFUNDS
from db.orders.tables import OrderRow
from db.outbox import signal
from db.refunds.refundable import paid_order
from db.refunds.tables import RefundRow
from db.refunds.writes import lock_refund, refund_lines_of
from db.tasks import TaskRow, answer_task, cancel_tasks, open_task
from domain.access import EVERYTHING, Reach
from domain.answers import ApprovalAnswer, RefundAnswer
from domain.documents import Document, Kind, Signal
from domain.errors import AmountExceeded, IllegalMove, NotFound, SamePerson
from domain.money import Money
from domain.refunds.status import RefundStatus
from domain.tasks import Decision, TaskKind

_APPROVED = frozenset({RefundStatus.APPROVED, RefundStatus.SUBMITTED, RefundStatus.SUCCEEDED})


async def ask_for_approval(db: AsyncConnection, refund: RefundRow) -> None:
    """Ask finance for a second pair of eyes on a new refund."""
    amount = Money(amount=refund.amount, currency=refund.currency)
    facts = {
        "refund": refund.number,
        "order_id": refund.order_id,
        "amount": amount.model_dump(),
        "reason": refund.reason,
        "requested_by": refund.requested_by,
    }
    told = f"{refund.number} of {amount}: {refund.reason.rstrip('.')}."
    await open_task(db, TaskKind.REFUND_APPROVAL, Kind.REFUND, refund.id, facts, told=told)


async def approve_refund(
    db: AsyncConnection, refund_id: UUID, *, actor: str, reach: Reach = EVERYTHING
) -> None:
    """Let a refund go; once is as good as twice.

    Raises NotFound, SamePerson for who asked for it, and IllegalMove for one that is not requested.
    """
    _, refund = await _lock(db, refund_id, reach)
    if refund.status in _APPROVED:
        return
    _require(refund, RefundStatus.REQUESTED)
    if refund.requested_by == actor:
        raise SamePerson(
            "another person than who asked for a refund approves it", rule="refund_limit"
        )
    await REFUNDS.move(db, refund, RefundStatus.APPROVED, actor, approved_by=actor)
    await _go_on(db, refund)


async def cancel_refund(
    db: AsyncConnection, refund_id: UUID, reason: str, *, actor: str, reach: Reach = EVERYTHING
) -> None:
    """Give a refund up that the provider has not been asked for, or has refused.

    Once is as good as twice. Raises NotFound, and IllegalMove past the point of no return.
    """
    _, refund = await _lock(db, refund_id, reach)
    if refund.status == RefundStatus.CANCELLED:
        return
    data = {"reason": reason}
    await REFUNDS.move(db, refund, RefundStatus.CANCELLED, actor, data, cancel_reason=reason)
    await _go_on(db, refund)
    await tell_return(db, refund)


async def retry_refund(
    db: AsyncConnection, refund_id: UUID, *, actor: str, reach: Reach = EVERYTHING
) -> None:
    """Have the provider asked once more, under a key of its own, for a refund that failed.

    Raises NotFound, IllegalMove for one that has not failed, and AmountExceeded when what it needs
    was given back otherwise meanwhile.
    """
    order, refund = await _lock(db, refund_id, reach)
    _require(refund, RefundStatus.FAILED)
    await REFUNDS.move(db, refund, RefundStatus.APPROVED, actor)
    await check_kept(db, order, refund)
    await _go_on(db, refund)


async def check_kept(db: AsyncConnection, order: OrderRow, refund: RefundRow) -> None:
    """Raise AmountExceeded when what a promised refund needs is there no more (payments R6)."""
    paid = await paid_order(db, order, refund.shipment_id)
    lines = [paid.lines[line.order_line_id] for line in await refund_lines_of(db, refund.id)]
    payment = next((one for one in paid.payments if one.id == refund.payment_id), None)
    short = [line.amount - line.refunded_amount for line in lines]
    short += [paid.shipping_left] if refund.shipping_amount else []
    short += [payment.refundable if payment else -refund.amount]
    if min(short) < 0 or any(line.refunded_units > line.units for line in lines):
        left = Money(amount=max(0, refund.amount + min(short)), currency=refund.currency)
        raise AmountExceeded(f"{left} of it can still be given back", remaining=left.model_dump())


async def settle_approval(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Approve or refuse a refund as finance answered.

    Raises SamePerson for who asked for it, and IllegalMove for what was not offered or is decided.
    """
    # The order first, as everybody locks who moves its money.
    await lock_refund(db, task.document_id)
    await answer_task(db, decision)
    if decision.choice == ApprovalAnswer.APPROVE:
        await approve_refund(db, task.document_id, actor=decision.actor)
    else:
        reason = decision.note or "not approved"
        await cancel_refund(db, task.document_id, reason, actor=decision.actor)


async def settle_failure(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Try a refund once more, or give it up, as finance answered.

    Raises AmountExceeded, and IllegalMove for what was not offered or is decided.
    """
    await lock_refund(db, task.document_id)
    await answer_task(db, decision)
    if decision.choice == RefundAnswer.RETRY:
        await retry_refund(db, task.document_id, actor=decision.actor)
    else:
        reason = decision.note or "the customer gets the money in another way"
        await cancel_refund(db, task.document_id, reason, actor=decision.actor)


async def _lock(db: AsyncConnection, refund_id: UUID, reach: Reach) -> tuple[OrderRow, RefundRow]:
    order, refund = await lock_refund(db, refund_id)
    if not reach.covers(order.customer_id, order.source):
        raise NotFound(f"there is no refund {refund_id}")
    return order, refund


def _require(refund: RefundRow, status: RefundStatus) -> None:
    if refund.status != status:
        raise IllegalMove(
            f"the refund is {refund.status}, not {status}",
            current_status=refund.status,
            allowed=[],
        )


async def _go_on(db: AsyncConnection, refund: RefundRow) -> None:
    """Take back what was asked about the refund, and have its run look at it again."""
    asked = (TaskKind.REFUND_APPROVAL, TaskKind.REFUND_FAILED, TaskKind.REFUND_STOPPED)
    await cancel_tasks(db, refund.id, *asked, TaskKind.PAY_OUT)
    await signal(db, Document(Kind.REFUND, refund.id), Signal.PAYMENT_REPORTED)
