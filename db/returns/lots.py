"""Lots of returned goods: the ledger tells which ones a line was shipped from, and what is here."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.places import place_id
from domain.inventory import LocationKind


@dataclass
class LotThere:
    """So many units of a lot that an order's line was shipped from."""

    id: UUID
    code: str
    code_key: str
    units: int


# What is kept for the customer stays in quarantine, though it was inspected.
_THERE = text(
    """SELECT t.id, t.code, t.code_key, (m.units - coalesce(d.units, 0))::int AS units
    FROM (SELECT lot_id, sum(CASE to_location_id WHEN :place THEN quantity ELSE -quantity END)
            AS units
        FROM movements WHERE line_id = :line AND :place IN (from_location_id, to_location_id)
            AND lot_id IS NOT NULL AND document_id = ANY (CASE
                WHEN CAST(:return AS uuid) IS NOT NULL THEN ARRAY[CAST(:return AS uuid)]
                ELSE ARRAY(SELECT shipment_id FROM shipment_lines WHERE order_line_id = :line
                    UNION SELECT return_id FROM return_lines WHERE order_line_id = :line) END)
        GROUP BY 1) m
    JOIN lots t ON t.id = m.lot_id
    LEFT JOIN LATERAL (SELECT sum(d.quantity) AS units FROM return_dispositions d
        JOIN return_lines r ON r.id = d.return_line_id
        WHERE r.return_id = :return AND r.order_line_id = :line AND d.lot_id = t.id
            AND d.revised_at IS NULL AND d.location_id IS NULL AND d.left_at IS NULL) d ON true
    WHERE m.units > coalesce(d.units, 0)
    ORDER BY t.expires_on, t.received_on, t.id"""
)


async def lots_with_customer(db: AsyncConnection, order_line_id: UUID) -> list[LotThere]:
    """Return the lots of an order's line that have left and not come back; soonest to expire."""
    return await _there(db, order_line_id, place_id(LocationKind.CUSTOMER), None)


async def lots_in_quarantine(
    db: AsyncConnection, return_id: UUID, quarantine_id: UUID, order_line_id: UUID
) -> list[LotThere]:
    """Return the lots of a return's line that wait to be inspected; soonest to expire first."""
    return await _there(db, order_line_id, quarantine_id, return_id)


async def _there(
    db: AsyncConnection, line: UUID, place: UUID, return_id: UUID | None
) -> list[LotThere]:
    given = {"line": line, "place": place, "return": return_id}
    rows = (await db.execute(_THERE, given)).all()
    return [LotThere(*row) for row in rows]
