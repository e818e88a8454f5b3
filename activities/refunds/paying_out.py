"""Refunds of money that no provider holds: a person sends it, and says so."""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.refunds.deciding import cancel_refund, check_kept
from activities.refunds.settling import settle_refund
from db.documents import ORDERS, REFUNDS
from db.outbox import signal
from db.payments import record_entry
from db.refunds.tables import RefundRow
from db.refunds.writes import lock_refund
from db.tasks import TaskRow, answers_first, open_task
from domain.answers import PayOutAnswer
from domain.documents import Document, Kind, Signal
from domain.money import Money
from domain.payments import EntryKind, Phase, refund_key
from domain.refunds.status import RefundStatus
from domain.tasks import Decision, TaskKind


async def ask_to_pay_out(db: AsyncConnection, refund: RefundRow) -> None:
    """Have finance send the money of an approved refund; silent while that is asked."""
    amount = Money(amount=refund.amount, currency=refund.currency)
    facts = {
        "refund": refund.number,
        "order_id": refund.order_id,
        "amount": amount.model_dump(),
        "reason": refund.reason,
    }
    told = f"{refund.number} of {amount}: {refund.reason.rstrip('.')}."
    await open_task(db, TaskKind.PAY_OUT, Kind.REFUND, refund.id, facts, told=told)


async def settle_pay_out(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Book that a person has sent a refund's money, or give the refund up, as finance answered.

    Raises AmountExceeded when what it needs is there no more, and IllegalMove for what was not
    offered or is decided.
    """
    order, refund = await lock_refund(db, task.document_id)
    if not await answers_first(db, decision):
        return
    if decision.choice != PayOutAnswer.PAID:
        reason = decision.note or "the customer gets the money in another way"
        await cancel_refund(db, refund.id, reason, actor=decision.actor)
        return
    await check_kept(db, order, refund)
    attempt = refund.attempt + 1
    await REFUNDS.move(db, refund, RefundStatus.SUBMITTED, decision.actor, attempt=attempt)
    amount = Money(amount=refund.amount, currency=refund.currency).model_dump()
    data = {"payment_id": refund.payment_id, "kind": EntryKind.REFUND, "amount": amount}
    event = ORDERS.event(order, "payment_refunded", decision.actor, data)
    for phase in (Phase.REQUESTED, Phase.SUCCEEDED):
        await record_entry(
            db,
            refund.payment_id,
            EntryKind.REFUND,
            phase,
            refund_key(refund.id, attempt),
            refund.amount,
            refund_id=refund.id,
            event=event if phase is Phase.SUCCEEDED else None,
        )
    refund = await REFUNDS.lock(db, refund.id)
    await settle_refund(db, refund, refund.amount, None, actor=decision.actor)
    await signal(db, Document(Kind.REFUND, refund.id), Signal.PAYMENT_REPORTED)
