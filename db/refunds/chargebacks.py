"""Open chargebacks: neither accepted nor won in a dispute, and what waits because of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.payments import STANDS
from domain.documents import Document, Kind


class Chargeback(NamedTuple):
    """One that stands; ``amount`` in minor units."""

    order_id: UUID
    payment_id: UUID
    amount: int
    recorded_at: datetime


# A task that was opened with a chargeback, or after it, asked about that one, too.
_UNDECIDED = text(
    f"""SELECT p.order_id, e.payment_id, e.amount, e.recorded_at
    FROM payment_entries e JOIN payments p ON p.id = e.payment_id
    WHERE p.order_id = ANY(:orders) AND e.kind = 'chargeback' AND {STANDS}
        AND NOT EXISTS (SELECT FROM tasks t WHERE t.document_id = p.order_id
            AND t.kind = 'chargeback' AND t.outcome = 'accepted' AND t.opened_at >= e.recorded_at)
    ORDER BY e.id"""
).bindparams(bindparam("orders", type_=ARRAY(Uuid)))
_ANSWERED = text(
    """SELECT max(closed_at) FROM tasks
    WHERE document_id = ANY(:about) AND kind = 'refund_stopped' AND outcome = 'refund'"""
).bindparams(bindparam("about", type_=ARRAY(Uuid)))
_WAITING = text(
    """SELECT DISTINCT t.document_type, t.document_id FROM tasks t
    WHERE t.kind = 'refund_stopped' AND t.status = 'open' AND t.document_id IN (
        SELECT id FROM refunds WHERE order_id = :order
        UNION ALL SELECT x.return_id FROM return_lines x
        JOIN order_lines l ON l.id = x.order_line_id WHERE l.order_id = :order)
    ORDER BY 1, 2"""
)


async def undecided_chargebacks(db: AsyncConnection, *order_ids: UUID) -> list[Chargeback]:
    """Return the chargebacks of orders that stand and that finance has not accepted."""
    found = await db.execute(_UNDECIDED, {"orders": list(order_ids)})
    return [Chargeback(*row) for row in found]


async def let_go_at(db: AsyncConnection, *about: UUID) -> datetime | None:
    """Return when finance last let one of these refunds and returns go despite a chargeback."""
    answered: datetime | None = (await db.execute(_ANSWERED, {"about": list(about)})).scalar_one()
    return answered


async def stopped_documents(db: AsyncConnection, order_id: UUID) -> Sequence[Document]:
    """Return the refunds and returns of an order about which finance is asked."""
    rows: Sequence[Any] = (await db.execute(_WAITING, {"order": order_id})).all()
    return [Document(Kind(kind), about) for kind, about in rows]
