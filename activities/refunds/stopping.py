"""Stopped refunds: what waits while a chargeback stands, is asked about, and goes on after it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.refunds.deciding import cancel_refund, check_kept
from db.documents import ORDERS
from db.orders.tables import OrderRow
from db.outbox import signal
from db.refunds.chargebacks import (
    Chargeback,
    let_go_at,
    stopped_documents,
    undecided_chargebacks,
)
from db.refunds.tables import RefundRow
from db.refunds.writes import lock_refund
from db.tasks import TaskRow, answer_task, cancel_tasks, open_task
from domain.answers import StoppedAnswer
from domain.documents import PROCESSES, Document, Kind
from domain.money import Money
from domain.refunds.stops import LettingGo, is_stopped
from domain.tasks import Decision, TaskKind


async def stop_refund(db: AsyncConnection, order: OrderRow, refund: RefundRow) -> bool:
    """Whether a locked approved refund waits because of a chargeback; then finance is asked.

    What was asked is taken back once the dispute is won or the loss accepted.
    """
    against = [
        each
        for each in await undecided_chargebacks(db, order.id)
        if each.payment_id == refund.payment_id
    ]
    about = [refund.id] + ([refund.return_id] if refund.return_id else [])
    letting_go = LettingGo(
        source=refund.source,
        created_at=refund.created_at,
        approved_by=refund.approved_by,
        approved_at=refund.approved_at,
        failed_at=refund.failed_at,
        answered_at=await let_go_at(db, *about) if against else None,
    )
    if not is_stopped(letting_go, (each.recorded_at for each in against)):
        await cancel_tasks(db, refund.id, TaskKind.REFUND_STOPPED)
        return False
    amount = Money(amount=refund.amount, currency=refund.currency)
    facts = {
        "refund": refund.number,
        "order_id": order.id,
        "amount": amount.model_dump(),
        **charged_back_of(against, refund.currency),
    }
    told = f"{refund.number} of {amount} waits."
    await open_task(db, TaskKind.REFUND_STOPPED, Kind.REFUND, refund.id, facts, told=told)
    return True


def charged_back_of(against: list[Chargeback], currency: str) -> Mapping[str, Any]:
    """Return what the facts of a question tell of the chargebacks that it is asked because of."""
    money = Money(amount=sum(each.amount for each in against), currency=currency)
    return {"charged_back": money.model_dump()}


async def settle_stopped(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Let a stopped refund go, or give it up, as finance answered.

    Raises AmountExceeded when the payment cannot give it, and IllegalMove for what was not offered
    or is decided.
    """
    order, refund = await lock_refund(db, task.document_id)
    await answer_task(db, decision)
    if decision.choice == StoppedAnswer.BANK_PAID:
        reason = decision.note or "the cardholder's bank has paid the customer"
        await cancel_refund(db, refund.id, reason, actor=decision.actor)
        return
    await check_kept(db, order, refund)
    await _wake(db, Document(Kind.REFUND, refund.id))


async def settle_chargeback(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Record whether the loss is accepted; what waits for that looks again."""
    await ORDERS.lock(db, task.document_id)
    await answer_task(db, decision)
    await wake_stopped(db, task.document_id)


async def wake_stopped(db: AsyncConnection, order_id: UUID) -> None:
    """Have all refunds and returns that a chargeback of an order has stopped look again."""
    for document in await stopped_documents(db, order_id):
        await _wake(db, document)


async def _wake(db: AsyncConnection, document: Document) -> None:
    await signal(db, document, PROCESSES[document.kind].signals[0])
