"""Promises of an order: its reservations, with their shipments, and what waits for stock."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.orders.backorders import LACKING
from domain.orders.cancelling import Promise

# What waits for stock first, then what nothing takes along yet, then what was planned last.
_PROMISES = text(
    f"""SELECT NULL::uuid AS id, l.id AS line_id, {LACKING} AS quantity,
        NULL::uuid AS shipment_id, false AS labelled, true AS waits
    FROM order_lines l WHERE l.order_id = :order AND l.short_since IS NOT NULL
    UNION ALL SELECT r.id, r.line_id, r.quantity::int AS quantity, s.id AS shipment_id,
        coalesce(s.status <> 'pending', false) AS labelled, false AS waits
    FROM reservations r LEFT JOIN (
        SELECT x.order_line_id, x.reservation_id, h.id, h.status
        FROM shipments h JOIN shipment_lines x ON x.shipment_id = h.id
        WHERE h.order_id = :order AND h.status NOT IN ('voided', 'cancelled')) s
        ON s.order_line_id = r.line_id AND s.reservation_id = r.id
    WHERE r.document_id = :order AND r.status = 'active'
    ORDER BY waits DESC, shipment_id DESC NULLS FIRST, id DESC"""
)


async def promises_of(db: AsyncConnection, order_id: UUID) -> list[Promise]:
    """Return what is promised to a locked order, in the order in which it is best given up."""
    rows = await db.execute(_PROMISES, {"order": order_id})
    return [
        Promise(row.id, row.line_id, row.quantity, row.shipment_id, row.labelled) for row in rows
    ]
