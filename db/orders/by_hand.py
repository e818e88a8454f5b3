"""Money of orders that moves by hand: what is under way, and what of it pays for what."""

from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.payments import STANDS, PaymentRow

BY_HAND = "e.kind = 'capture' AND e.key LIKE 'capture/' || e.payment_id || '/%'"
"""The condition that an entry ``e`` is a capture by hand."""
MOVES_BY_HAND = f"""SELECT p.order_id, e.kind, e.amount, e.recorded_at
    FROM payment_entries e JOIN payments p ON p.id = e.payment_id
    WHERE e.phase = 'requested' AND ({BY_HAND} OR e.key LIKE 'void/' || e.payment_id || '/hand/%')
        AND NOT EXISTS (SELECT FROM payment_entries d WHERE d.payment_id = e.payment_id
            AND d.kind = e.kind AND d.key = e.key AND d.phase <> 'requested')"""
"""What was asked for by hand and has no outcome yet."""
PREPAID = f"""((SELECT coalesce(sum(e.amount), 0) FROM payments p
        JOIN payment_entries e ON e.payment_id = p.id
        WHERE p.order_id = o.id AND {BY_HAND} AND {STANDS})
    - (SELECT coalesce(sum(x.prepaid_amount), 0) FROM shipments x WHERE x.order_id = o.id)
    - o.prepaid_returned_amount)::bigint"""
"""What was captured by hand for an order ``o``, and has paid for nothing yet, in minor units."""
_PREPAID = text(f"SELECT {PREPAID} FROM orders o WHERE o.id = :order")
_RETURN = text(
    "UPDATE orders SET prepaid_returned_amount = prepaid_returned_amount + :amount"
    " WHERE id = :order"
)


async def find_order_of(db: AsyncConnection, payment_id: UUID) -> UUID | None:
    """Return the order of a payment; None when there is no such payment."""
    query = select(PaymentRow.order_id).where(PaymentRow.id == payment_id)
    return (await db.execute(query)).scalar_one_or_none()


async def prepaid_of(db: AsyncConnection, order_id: UUID) -> int:
    """Return what was captured by hand for an order and has paid for nothing yet (minor units)."""
    return int((await db.execute(_PREPAID, {"order": order_id})).scalar_one())


async def return_prepaid(db: AsyncConnection, order_id: UUID, amount: int) -> None:
    """Count money that was captured by hand (minor units), and goes back, as used."""
    await db.execute(_RETURN, {"order": order_id, "amount": amount})
