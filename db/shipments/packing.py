"""What is packed by hand: the lines of a shipment with their weights, and whether it waits."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.shipments.packing_by_hand import ToPack

_LINES = text(
    """SELECT l.id, i.sku, l.quantity, i.weight_grams FROM shipment_lines l
    JOIN items i ON i.id = l.item_id WHERE l.shipment_id = :shipment ORDER BY l.id"""
)
_ASKED = text(
    """SELECT EXISTS (SELECT FROM tasks WHERE document_id = :shipment AND status = 'open'
        AND kind = 'booking_refused')"""
)


async def lines_to_pack(db: AsyncConnection, shipment_id: UUID) -> dict[UUID, ToPack]:
    """Return the lines of a locked shipment."""
    rows = await db.execute(_LINES, {"shipment": shipment_id})
    return {row.id: ToPack(*row) for row in rows}


async def is_asked_about(db: AsyncConnection, shipment_id: UUID) -> bool:
    """Whether a person is asked what becomes of a label that the carrier has refused."""
    return bool((await db.execute(_ASKED, {"shipment": shipment_id})).scalar_one())
