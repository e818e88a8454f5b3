"""Warranties of goods that went back: by unit where it is known, else by how many are too many."""

from collections.abc import Mapping, Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.claims.tables import ClaimRow
from db.warranties.tables import WarrantyRow
from domain.warranties.status import WarrantyStatus

# The last that the return did to a unit: not a step back into quarantine, nor one to its customer.
# A unit that something else has happened to since knows its disposition no more: it was accepted,
# or turned up again in our stock.
TAKEN = """FROM return_lines x JOIN returns r ON r.id = x.return_id AND r.shipment_id IS NULL
    JOIN warranties w ON w.order_line_id = x.order_line_id AND w.status = 'active'
    JOIN units u ON u.id = w.unit_id
    JOIN LATERAL (SELECT e.kind, e.reason, e.line_id FROM unit_events e
        WHERE e.unit_id = u.id AND e.document_id = r.id ORDER BY e.sequence DESC LIMIT 1) e
        ON e.line_id = x.id AND e.kind IN ('moved', 'lost') AND e.reason <> 'revised'
    LEFT JOIN return_dispositions d ON d.id = u.disposition_id AND d.return_line_id = x.id
    WHERE coalesce(d.accepted, true)"""
"""The SQL of active warranties ``w`` on units ``u`` that returns ``r`` have taken for good."""

UNITS = """(count(DISTINCT unit_id)
            + coalesce(sum(quantity - cancelled) FILTER (WHERE unit_id IS NULL), 0))"""
"""The SQL of how many units warranties are on: one may be promised several things."""

_TAKEN = text(f"SELECT w.* {TAKEN} AND r.id = :return ORDER BY w.id FOR UPDATE OF w")


async def lock_taken(db: AsyncConnection, return_id: UUID) -> Sequence[WarrantyRow]:
    """Lock and return the active warranties on the units that a locked return took for good."""
    return cast(Sequence[WarrantyRow], (await db.execute(_TAKEN, {"return": return_id})).all())


_TOO_MANY = text(
    f"""SELECT l.id, (w.units - (l.delivered - b.units))::int AS units FROM order_lines l
    CROSS JOIN LATERAL (SELECT {UNITS} AS units FROM warranties
        WHERE order_line_id = l.id AND status = 'active') w
    CROSS JOIN LATERAL (SELECT coalesce(sum(d.quantity), 0) AS units
        FROM return_dispositions d JOIN return_lines x ON x.id = d.return_line_id
        JOIN returns r ON r.id = x.return_id
        WHERE x.order_line_id = l.id AND d.accepted AND d.revised_at IS NULL
            AND r.shipment_id IS NULL AND (r.status = 'closed' OR r.id = :return)) b
    WHERE l.id IN (SELECT order_line_id FROM return_lines WHERE return_id = :return)
        AND w.units > l.delivered - b.units
    ORDER BY l.id"""
)


async def too_many(db: AsyncConnection, return_id: UUID) -> Mapping[UUID, int]:
    """Return how many more units of a locked return's lines are under warranty than are left.

    By order line; left are the delivered units without those that were accepted back, by it or by
    a return that is closed.
    """
    rows = await db.execute(_TOO_MANY, {"return": return_id})
    return {row.id: row.units for row in rows}


# What ends first goes first: the customer keeps the later end.
_COUNTED = (
    select(WarrantyRow.__table__)
    .where(WarrantyRow.status == WarrantyStatus.ACTIVE, WarrantyRow.unit_id.is_(None))
    .order_by(WarrantyRow.ends_on.nulls_last(), WarrantyRow.id)
    .with_for_update()
)


async def lock_counted(
    db: AsyncConnection, line_id: UUID, claim_id: UUID | None
) -> Sequence[WarrantyRow]:
    """Lock and return an order line's active warranties on units without serials.

    That of the claim before others, for which the goods came, if any; then those that end first.
    """
    query = _COUNTED.where(WarrantyRow.order_line_id == line_id)
    rows = cast(list[WarrantyRow], list((await db.execute(query)).all()))
    if claim_id is not None:
        claimed = select(ClaimRow.warranty_id).where(ClaimRow.id == claim_id)
        first = (await db.execute(claimed)).scalar_one()
        rows.sort(key=lambda row: row.id != first)
    return rows
