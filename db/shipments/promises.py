"""Promises of an order: its reservations, with the shipments that are to take them along."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.orders.cancelling import Promise

# What nothing takes along yet first, then what was planned last.
_PROMISES = text(
    """SELECT r.id, r.line_id, r.quantity::int AS quantity, s.id AS shipment_id,
        coalesce(s.status <> 'pending', false) AS labelled
    FROM reservations r LEFT JOIN (
        SELECT x.order_line_id, x.reservation_id, h.id, h.status
        FROM shipments h JOIN shipment_lines x ON x.shipment_id = h.id
        WHERE h.order_id = :order AND h.status NOT IN ('voided', 'cancelled')) s
        ON s.order_line_id = r.line_id AND s.reservation_id = r.id
    WHERE r.document_id = :order AND r.status = 'active'
    ORDER BY s.id DESC NULLS FIRST, r.id DESC"""
)


async def promises_of(db: AsyncConnection, order_id: UUID) -> list[Promise]:
    """Return what is reserved for a locked order, in the order in which it is best given up."""
    rows = await db.execute(_PROMISES, {"order": order_id})
    return [
        Promise(row.id, row.line_id, row.quantity, row.shipment_id, row.labelled) for row in rows
    ]
