"""Mismatched amounts: what the provider moved otherwise than asked is a question to finance."""

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import ORDERS
from db.orders.tables import OrderRow
from db.payments import find_by_key
from db.tasks import open_task
from domain.documents import Document, Kind
from domain.orders.status import OrderStatus
from domain.payments import Intent, Phase
from domain.questions import RULES
from domain.tasks import TaskKind
from gateways.payments.port import PaymentResult


async def question_amount(
    db: AsyncConnection, order: OrderRow, asked: Intent, told: PaymentResult
) -> bool:
    """Keep what the provider says of a locked order's money and ask finance which amount stands.

    The outcome stays open, so nothing goes on as if the money had moved; a pending order waits as
    long as finance may take. Silent, and False, when that is asked already or was answered.
    """
    entries = await find_by_key(db, asked.key)
    if any(entry.phase == Phase.SUCCEEDED for entry in entries):
        return False
    facts = {
        "order": order.number,
        "order_id": order.id,
        "payment_id": asked.payment_id,
        "kind": asked.kind,
        "key": asked.key,
        "ours": asked.amount.model_dump(),
        "theirs": told.amount.model_dump(),
        "reference": told.reference,
    }
    about = Document(Kind.ORDER, order.id)
    if asked.shipment_id is not None:
        about = Document(Kind.SHIPMENT, asked.shipment_id)
    if asked.refund_id is not None:
        about = Document(Kind.REFUND, asked.refund_id)
    if not await open_task(db, TaskKind.PAYMENT_MISMATCH, about.kind, about.id, facts):
        return False
    if order.status == OrderStatus.PENDING:
        patience = func.now() + RULES[TaskKind.PAYMENT_MISMATCH].due_within
        await ORDERS.change(db, order, payment_due_at=func.greatest(order.payment_due_at, patience))
    await ORDERS.add_event(db, order, "payment_mismatched", "provider", facts)
    return True
