"""What the books know of why an order has not ended."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_WAITING = text(
    """WITH documents AS (
        SELECT CAST(:order AS uuid) AS id, 'order' AS kind
        UNION ALL SELECT id, 'shipment' FROM shipments WHERE order_id = :order)
    SELECT 'dispatch' AS what, o.kind || ' of ' || o.document_type AS detail, o.created_at AS since,
        o.attempts, o.last_error, o.next_attempt_at, o.document_id
    FROM outbox o JOIN documents d ON d.id = o.document_id
    UNION ALL SELECT 'task', t.number || ': ' || t.question, t.opened_at, 0, NULL, NULL,
        t.document_id
    FROM tasks t JOIN documents d ON d.id = t.document_id WHERE t.status = 'open'
    UNION ALL SELECT 'hold', h.reason || CASE h.note WHEN '' THEN '' ELSE ': ' || h.note END,
        h.placed_at, 0, NULL, NULL, h.document_id
    FROM holds h JOIN documents d ON d.id = h.document_id WHERE h.released_at IS NULL
    UNION ALL SELECT 'carrier', s.number || ' is ' || replace(s.status, '_', ' '),
        coalesce(s.handed_over_at, s.booked_at), 0, NULL, NULL, s.id
    FROM shipments s WHERE s.order_id = :order AND s.settled_at IS NULL
        AND s.status NOT IN ('pending', 'voided', 'cancelled')
    ORDER BY since"""
)


async def waits_of(db: AsyncConnection, order_id: UUID) -> Sequence[Row[Any]]:
    """Return what is open about an order and its shipments, the oldest first."""
    return (await db.execute(_WAITING, {"order": order_id})).all()
