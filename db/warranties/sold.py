"""What was promised with sold goods: the term in force at their delivery, and units without one."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.items import known_by
from domain.warranties.terms import WarrantyStart


def term_at(item: str, moment: str) -> str:
    """Return the SQL of the version of a term that an item was sold with at a moment, or no row."""
    return f"""SELECT term_.* FROM (SELECT item_.code FROM item_warranty_terms item_
            WHERE item_.item_id = {item} AND item_.valid_from <= {moment}
            ORDER BY item_.valid_from DESC LIMIT 1) named_
        JOIN warranty_terms term_ ON term_.code = named_.code AND term_.valid_from <= {moment}
        ORDER BY term_.version DESC LIMIT 1"""


# A departure is booked by our clock, a delivery by the carrier's.
DELIVERED_DAYS = """(s.delivered_at AT TIME ZONE 'UTC')::date AS delivered_on,
        (least(s.handed_over_at, s.delivered_at) AT TIME ZONE 'UTC')::date AS shipped_on"""
_TERM = "t.id AS term_id, t.duration_months, t.code, t.starts"


class Sold(NamedTuple):
    """Units of an order's line, and the term that they were delivered with."""

    order_id: UUID
    order_line_id: UUID
    item_id: UUID
    customer_id: UUID
    quantity: int
    delivered_on: date
    shipped_on: date
    term_id: UUID | None
    duration_months: int | None
    term_code: str | None
    starts: str | None
    unit_id: UUID | None
    """The unit, where the item is tracked by serial."""

    def starts_on(self, starts: str | None, today: date) -> date:
        """Return the first day of the warranty, by where the term lets it begin."""
        if starts == WarrantyStart.REGISTRATION:
            return today
        return self.shipped_on if starts == WarrantyStart.SHIPMENT else self.delivered_on


# Each unit that is known by its serial, and of each line the others together.
PARTS = """SELECT x.order_line_id, x.item_id, 1 AS quantity, u.id AS unit_id
        FROM shipment_lines x JOIN units u ON u.shipment_line_id = x.id
        WHERE x.shipment_id = :shipment
        UNION ALL
        SELECT x.order_line_id, x.item_id, (sum(x.quantity) - sum(n.known))::int, NULL
        FROM shipment_lines x CROSS JOIN LATERAL (
            SELECT count(*) AS known FROM units u WHERE u.shipment_line_id = x.id) n
        WHERE x.shipment_id = :shipment GROUP BY 1, 2"""
CLAIM_BEHIND = """(WITH RECURSIVE up AS (
            SELECT r.claim_id, r.shipment_id, b.replaces_return_id FROM returns r
            JOIN orders b ON b.id = r.order_id WHERE r.id = o.replaces_return_id
            UNION ALL SELECT r.claim_id, r.shipment_id, b.replaces_return_id FROM up
            JOIN returns r ON r.id = up.replaces_return_id JOIN orders b ON b.id = r.order_id
            WHERE up.shipment_id IS NOT NULL)
        SELECT claim_id FROM up WHERE claim_id IS NOT NULL LIMIT 1)"""
"""The claim on which the goods of an order ``o`` replace others; NULL for none.

Also of what was sent again because it came back undelivered; goods that the customer exchanges
later are sold like others.
"""
NOT_ON_CLAIM = f"(o.kind <> 'replacement' OR {CLAIM_BEHIND} IS NULL)"
"""The condition that the goods of an order ``o`` do not replace others on a claim."""
_DELIVERED = text(
    f"""SELECT o.id, l.order_line_id, l.item_id, o.customer_id, l.quantity,
        {DELIVERED_DAYS}, {_TERM}, l.unit_id
    FROM shipments s JOIN orders o ON o.id = s.order_id
    JOIN ({PARTS}) l ON l.quantity > 0
    CROSS JOIN LATERAL ({term_at("l.item_id", "s.delivered_at")}) t
    WHERE s.id = :shipment AND t.starts <> 'registration' AND {NOT_ON_CLAIM}
    ORDER BY l.order_line_id, l.unit_id"""
)


async def delivered_with_term(db: AsyncConnection, shipment_id: UUID) -> Sequence[Sold]:
    """Return what a delivered shipment brought with a term that begins without being registered."""
    rows = await db.execute(_DELIVERED, {"shipment": shipment_id})
    return [Sold(*row) for row in rows]


# Units that are on their way back, or came, are the customer's no more; those in a parcel that was
# never delivered are not among the delivered ones.
_LINE = text(
    f"""SELECT l.order_id, l.id, l.item_id, o.customer_id, greatest(0, l.delivered
            - (l.coming_back + l.returned - l.undelivered) - coalesce((
                SELECT sum(w.quantity - w.cancelled) FROM warranties w
                WHERE w.order_line_id = l.id AND (w.status = 'active'
                    OR :void AND w.status = 'void' AND w.unit_id IS NULL)), 0))::int AS quantity,
        {DELIVERED_DAYS}, {_TERM}, NULL
    FROM order_lines l JOIN orders o ON o.id = l.order_id
    CROSS JOIN LATERAL (SELECT s.* FROM shipments s JOIN shipment_lines x ON x.shipment_id = s.id
        WHERE x.order_line_id = l.id AND s.settled_at IS NOT NULL AND s.delivered_at IS NOT NULL
        ORDER BY s.delivered_at DESC LIMIT 1) s
    LEFT JOIN LATERAL ({term_at("l.item_id", "s.delivered_at")}) t ON {NOT_ON_CLAIM}
    WHERE l.id = :line"""
)


async def without_warranty(db: AsyncConnection, line_id: UUID, *, void: bool) -> Sold | None:
    """Return the units of a line of a locked order that have no warranty; None before a delivery.

    With ``void`` not those without serials whose warranty is void. The term is that of the line's
    latest delivery, and may be missing.
    """
    found = (await db.execute(_LINE, {"line": line_id, "void": void})).one_or_none()
    return None if found is None else Sold(*found)


_TRACKING = text(
    f"""SELECT {known_by("l")} FROM order_lines l JOIN items i ON i.id = l.item_id
    WHERE l.id = :line"""
)


async def tracking_of_line(db: AsyncConnection, line_id: UUID) -> str:
    """Return how the units that left with an order's line are known."""
    return str((await db.execute(_TRACKING, {"line": line_id})).scalar_one())


_UNIT = text(
    """SELECT s.id IS NULL OR s.settled_at IS NOT NULL AND s.delivered_at IS NOT NULL AS delivered,
        EXISTS (SELECT FROM warranties w WHERE w.unit_id = u.id AND w.status IN ('void', 'replaced')
            AND w.order_line_id = u.order_line_id) AS void
    FROM units u LEFT JOIN shipment_lines x ON x.id = u.shipment_line_id
    LEFT JOIN shipments s ON s.id = x.shipment_id WHERE u.id = :unit"""
)


class SoldUnit(NamedTuple):
    """A unit that its customer holds."""

    delivered: bool
    """Whether it has come to the customer."""
    void: bool
    """Whether a warranty that it had with its order's line is void, or another unit has it."""


async def sold_unit(db: AsyncConnection, unit_id: UUID) -> SoldUnit:
    """Return what has become of a locked unit since it was sold."""
    return SoldUnit(*(await db.execute(_UNIT, {"unit": unit_id})).one())
