"""Renewals of payments: authorizations that end before the goods have left are made anew."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.payments import STANDS, PaymentRow
from domain.ids import new_id
from domain.payments import RENEWED, RENEWED_WITHIN

# What has a renewal, or was replaced by another card, is its run to finish.
_ENDING = text(
    f"""SELECT DISTINCT p.order_id FROM payments p JOIN orders o ON o.id = p.order_id
    WHERE p.authorization_expires_at > now()
        AND p.authorization_expires_at <= now() + CAST(:within AS interval)
        AND o.status IN ('pending', 'confirmed') AND o.cancel_requested_at IS NULL
        AND EXISTS (SELECT FROM order_lines l
            WHERE l.order_id = o.id AND l.quantity > l.shipped + l.cancelled)
        AND (SELECT sum(CASE e.kind WHEN 'authorization' THEN e.amount
                WHEN 'refund' THEN 0 WHEN 'chargeback' THEN 0 ELSE -e.amount END)
            FROM payment_entries e WHERE e.payment_id = p.id AND {STANDS}) > 0
        AND NOT EXISTS (SELECT FROM payments r WHERE r.renews = p.id)
        AND NOT EXISTS (SELECT FROM payment_entries e
            WHERE e.payment_id = p.id AND e.key = 'void/' || p.id || '/{RENEWED}')
        AND NOT EXISTS (SELECT FROM outbox m WHERE m.document_id = o.id)
    LIMIT :limit"""
)


async def find_ending(db: AsyncConnection, limit: int) -> Sequence[UUID]:
    """Return orders with money to be renewed: its time ends soon and goods have not left."""
    given = {"within": RENEWED_WITHIN, "limit": limit}
    return (await db.execute(_ENDING, given)).scalars().all()


async def record_renewal(db: AsyncConnection, renewed: PaymentRow, amount: int) -> None:
    """Add the payment that renews another one's authorization, for ``amount`` minor units."""
    await db.execute(
        insert(PaymentRow).values(
            id=new_id(),
            order_id=renewed.order_id,
            provider=renewed.provider,
            method=renewed.method,
            amount=amount,
            currency=renewed.currency,
            renews=renewed.id,
            created_by="system",
        )
    )
