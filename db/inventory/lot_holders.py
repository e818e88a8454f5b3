"""Who holds stock of a lot: active reservations, and the shipments that are to take it along."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Held:
    """What one reservation holds of a lot."""

    reservation_id: UUID
    order_id: UUID
    line_id: UUID
    quantity: int
    site_id: UUID
    shipment_id: UUID | None
    labelled: bool


# First come, first served with what there is otherwise.
_HELD = text(
    """SELECT r.id, r.document_id, r.line_id, r.quantity::int, l.site_id, s.id AS shipment_id,
        coalesce(s.status <> 'pending', false) AS labelled
    FROM lots t JOIN reservations r ON r.item_id = t.item_id AND r.lot_id = t.id
        AND r.status = 'active' AND r.document_type = 'order'
    JOIN locations l ON l.id = r.location_id
    LEFT JOIN (SELECT x.reservation_id, h.id, h.status FROM shipment_lines x
        JOIN shipments h ON h.id = x.shipment_id WHERE h.status NOT IN ('voided', 'cancelled')) s
        ON s.reservation_id = r.id
    WHERE t.id = :lot ORDER BY r.created_at, r.id"""
)


async def holders_of(db: AsyncConnection, lot_id: UUID) -> Sequence[Held]:
    """Return what orders hold of a lot, the oldest first."""
    return [Held(*row) for row in await db.execute(_HELD, {"lot": lot_id})]
