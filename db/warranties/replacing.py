"""What goods that replace others on a claim are under warranty for: what theirs has left."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.warranties.sold import DELIVERED_DAYS, PARTS

# Of a unit every promise that held on the day of the fault, and in any case the one that was
# claimed: also one that was over, where support was obliging.
_REPLACING = text(
    f"""SELECT o.id, l.order_line_id, l.item_id, o.customer_id, l.quantity, l.unit_id,
        {DELIVERED_DAYS}, w.id AS replaces_id, w.term_id, w.term_code, w.duration_months,
        w.extended_months, w.ends_on, t.replacement_rule, t.minimum_days
    FROM shipments s JOIN orders o ON o.id = s.order_id
    JOIN returns r ON r.id = o.replaces_return_id JOIN claims c ON c.id = r.claim_id
    JOIN warranties w ON w.id = c.warranty_id OR w.unit_id = c.unit_id
        AND w.status IN ('active', 'replaced') AND w.starts_on <= c.failed_on
        AND coalesce(w.ends_on >= c.failed_on, true)
    JOIN warranty_terms t ON t.id = w.term_id
    JOIN ({PARTS}) l ON l.quantity > 0
    WHERE s.id = :shipment ORDER BY l.order_line_id, l.unit_id, w.id"""
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
    replaces_id: UUID
    term_id: UUID
    term_code: str
    duration_months: int | None
    extended_months: int
    ends_on: date | None
    """The last day of what is replaced."""
    replacement_rule: str
    minimum_days: int | None


async def replacing_on_claim(db: AsyncConnection, shipment_id: UUID) -> Sequence[Replacing]:
    """Return what a delivered shipment brought on a claim, by each warranty that goes on."""
    return [Replacing(*row) for row in await db.execute(_REPLACING, {"shipment": shipment_id})]
