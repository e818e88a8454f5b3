"""Replacement orders of returns: how far one is, and which returns could be given theirs now."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.lots import promisable
from db.orders.tables import OrderRow
from db.returns.losses import LOST_UNITS

# Lost units that support has answered for are neither with the customer nor on their way.
_REPLACEMENTS = text(
    f"""WITH chain AS (
        SELECT o.id, o.status, l.open, l.shipped,
            o.status <> 'cancelled' AND l.units > coalesce(y.lost, 0) AS stands,
            o.status = 'cancelled' AND coalesce(x.answer, 'replace') = 'replace' AS given_up
        FROM orders o CROSS JOIN LATERAL (
            SELECT sum(quantity - cancelled - shipped) AS open, sum(shipped) AS shipped,
                sum(quantity - cancelled) AS units
            FROM order_lines WHERE order_id = o.id) l
        LEFT JOIN replacement_losses x ON x.shipment_id = o.replaces_shipment_id
        LEFT JOIN LATERAL (
            SELECT sum(p.quantity) AS lost FROM shipments s
            JOIN replacement_losses x ON x.shipment_id = s.id
            CROSS JOIN LATERAL {LOST_UNITS} p WHERE s.order_id = o.id) y ON true
        WHERE o.replaces_return_id = :return)
    SELECT o.*, c.stands, c.given_up,
        EXISTS (SELECT FROM chain WHERE stands AND shipped > 0) AS has_left,
        EXISTS (SELECT FROM chain WHERE shipped > 0) AND NOT EXISTS (
            SELECT FROM chain WHERE status <> 'cancelled' AND open > 0) AS handed_over
    FROM chain c JOIN orders o ON o.id = c.id
    ORDER BY c.given_up DESC, c.stands DESC, o.placed_at DESC, o.id DESC"""
)
# What is free of an item wherever it can be sold from, as orders are served.
_FREE = f"""SELECT coalesce(sum(floor(b.on_hand - b.reserved)), 0) FROM balances b
    JOIN locations p ON p.id = b.location_id JOIN sites s ON s.id = p.site_id
    WHERE b.item_id = w.item_id AND p.sellable AND p.active AND s.active AND {promisable("b")}"""
_LACKS = f"NOT i.sellable OR i.status <> 'active' OR w.units > ({_FREE})"
_REPLACEABLE = text(
    f"""SELECT r.id, coalesce(r.inspected_at, r.authorized_at) AS since
    FROM returns r JOIN customers c ON c.id = r.customer_id
    WHERE (r.status = 'inspected' OR r.status = 'authorized'
            AND r.replacement_timing = 'in_advance')
        AND r.resolution IS NULL AND r.replacement_due_at IS NOT NULL
        AND c.status = 'active' AND NOT EXISTS (
            SELECT FROM (
                SELECT l.item_id, sum(CASE r.status WHEN 'authorized' THEN x.quantity
                    ELSE coalesce(d.accepted, 0) END) AS units
                FROM return_lines x JOIN order_lines l ON l.id = x.order_line_id
                LEFT JOIN LATERAL (SELECT sum(quantity) AS accepted FROM return_dispositions
                    WHERE return_line_id = x.id AND accepted AND revised_at IS NULL) d ON true
                WHERE x.return_id = r.id GROUP BY 1) w
            JOIN items i ON i.id = w.item_id
            WHERE {_LACKS})
    UNION ALL SELECT r.id, x.answered_at
    FROM replacement_losses x JOIN returns r ON r.id = x.return_id
    JOIN customers c ON c.id = r.customer_id
    WHERE x.settled_at IS NULL AND x.answer = 'replace' AND c.status = 'active'
        AND r.status IN ('authorized', 'received', 'inspected') AND NOT EXISTS (
            SELECT FROM (SELECT item_id, sum(quantity) AS units FROM shipment_lines
                WHERE shipment_id = x.shipment_id GROUP BY 1) w
            JOIN items i ON i.id = w.item_id WHERE {_LACKS})
    ORDER BY since, id LIMIT :limit"""
)


class ReplacementRow(OrderRow):
    """An order that replaces goods of a return."""

    __abstract__ = True
    stands: bool
    """Whether the customer has something of it, or may get it."""
    given_up: bool
    """Whether it was cancelled, and the customer is given nothing in its place so far."""
    has_left: bool
    """Whether something has left of those that stand."""
    handed_over: bool
    """Whether all has left of all of them that was not cancelled."""


async def replacements_of(db: AsyncConnection, return_id: UUID) -> Sequence[ReplacementRow]:
    """Return the orders that replace the goods of a return: first the one that says how it stands.

    That is one that was given up, if any; then the newest that stands.
    """
    found = (await db.execute(_REPLACEMENTS, {"return": return_id})).all()
    return cast(Sequence[ReplacementRow], found)


async def find_replacement(db: AsyncConnection, return_id: UUID) -> ReplacementRow | None:
    """Return the first of the orders that replace the goods of a return, if one was placed."""
    return next(iter(await replacements_of(db, return_id)), None)


async def find_replaceable(db: AsyncConnection, limit: int) -> Sequence[UUID]:
    """Return those that wait for stock which is there now: the longest waiting first."""
    return (await db.execute(_REPLACEABLE, {"limit": limit})).scalars().all()
