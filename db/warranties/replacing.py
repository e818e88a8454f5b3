"""What goods that replace others on a claim are under warranty for: what theirs has left."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.warranties.sold import CLAIM_BEHIND, DELIVERED_DAYS, PARTS
from db.warranties.tables import WarrantyRow

# Of a unit every promise to its owner that held on the day of the fault, and in any case the one
# that was claimed: also one that was over, where support was obliging, but none that is void.
_REPLACING = text(
    f"""SELECT o.id, l.order_line_id, l.item_id, o.customer_id, l.quantity, l.unit_id,
        {DELIVERED_DAYS}, c.id AS claim_id, w.id AS replaces_id, w.term_id, w.term_code,
        w.duration_months, w.ends_on, t.replacement_rule, t.minimum_days
    FROM shipments s JOIN orders o ON o.id = s.order_id AND o.kind = 'replacement'
    JOIN claims c ON c.id = {CLAIM_BEHIND}
    JOIN warranties w ON w.id = c.warranty_id AND w.status <> 'void'
        OR w.unit_id = c.unit_id AND w.customer_id = c.customer_id
        AND w.status IN ('active', 'replaced') AND w.starts_on <= c.failed_on
        AND coalesce(w.ends_on >= c.failed_on, true)
    JOIN warranty_terms t ON t.id = w.term_id
    JOIN ({PARTS}) l ON l.quantity > 0
    WHERE s.id = :shipment
    ORDER BY l.order_line_id, l.unit_id, w.id = c.warranty_id DESC, w.id"""
)
_CLAIM = text(
    f"""SELECT {CLAIM_BEHIND} FROM shipments s JOIN orders o ON o.id = s.order_id
    WHERE s.id = :shipment AND o.kind = 'replacement'"""
)
_ON_UNIT = text(
    """SELECT w.* FROM claims c JOIN warranties w ON w.unit_id = c.unit_id AND w.status = 'active'
        AND w.customer_id = c.customer_id
    WHERE c.id = :claim ORDER BY w.id FOR UPDATE OF w"""
)
_STILL_COUNTED = text(
    """SELECT w.*, (c.quantity - coalesce((SELECT sum(d.quantity) FROM return_dispositions d
            JOIN return_lines x ON x.id = d.return_line_id JOIN returns r ON r.id = x.return_id
            WHERE r.claim_id = c.id AND d.accepted AND d.revised_at IS NULL
                AND r.status = 'closed'), 0))::int AS kept
    FROM claims c JOIN warranties w ON w.id = c.warranty_id AND w.status = 'active'
    WHERE c.id = :claim AND c.unit_id IS NULL FOR UPDATE OF w"""
)


class Replacing(NamedTuple):
    """Units that a shipment has delivered in the place of others, and what those were promised."""

    order_id: UUID
    order_line_id: UUID
    item_id: UUID
    customer_id: UUID
    quantity: int
    unit_id: UUID | None
    delivered_on: date
    shipped_on: date
    claim_id: UUID
    replaces_id: UUID
    term_id: UUID
    term_code: str
    duration_months: int | None
    ends_on: date | None
    """The last day of what is replaced."""
    replacement_rule: str
    minimum_days: int | None


async def replacing_on_claim(db: AsyncConnection, shipment_id: UUID) -> Sequence[Replacing]:
    """Return what a delivered shipment brought on a claim, by each warranty that goes on."""
    return [Replacing(*row) for row in await db.execute(_REPLACING, {"shipment": shipment_id})]


async def claim_behind(db: AsyncConnection, shipment_id: UUID) -> UUID | None:
    """Return the claim on which the goods of a shipment replace others; None for none."""
    found = await db.execute(_CLAIM, {"shipment": shipment_id})
    return found.scalar_one_or_none()


async def lock_on_unit(db: AsyncConnection, claim_id: UUID) -> Sequence[WarrantyRow]:
    """Lock and return the owner's active warranties on the unit of a claim."""
    return cast(Sequence[WarrantyRow], (await db.execute(_ON_UNIT, {"claim": claim_id})).all())


async def lock_still_counted(db: AsyncConnection, claim_id: UUID) -> tuple[WarrantyRow | None, int]:
    """Lock and return the active warranty of a claim on goods without serials.

    With how many of the claimed units no closed return has taken: the customer has them.
    """
    row = (await db.execute(_STILL_COUNTED, {"claim": claim_id})).one_or_none()
    return (None, 0) if row is None else (cast(WarrantyRow, row), row.kept)
