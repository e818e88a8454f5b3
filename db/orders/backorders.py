"""Backordered units: what lines still lack is computed, and only that they lack some is kept."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

LACKING = """(l.quantity - l.cancelled - l.shipped - coalesce((
            SELECT sum(r.quantity) FROM reservations r WHERE r.document_id = l.order_id
                AND r.line_id = l.id AND r.status = 'active'), 0))::int"""
"""The SQL of how many open units of a line ``l`` are not reserved."""
BACKORDERED = f"CASE WHEN l.short_since IS NULL THEN 0 ELSE {LACKING} END"
"""The same, at no cost for the many lines that lack none."""
AWAITED = f"""SELECT 'order' AS document_type, o.id AS document_id, l.id AS line_id, l.item_id,
        NULL::uuid AS site_id, CAST({LACKING} AS numeric) AS quantity, false AS all_or_none,
        o.priority, o.promised_on AS needed_by, o.placed_at AS created_at
    FROM order_lines l JOIN orders o ON o.id = l.order_id
    WHERE l.short_since IS NOT NULL AND o.status = 'confirmed' AND o.cancel_requested_at IS NULL"""
"""Selects what confirmed orders lack, as waiting demand."""
WAITED = timedelta(days=7)
"""After so long it is told that an order still waits for stock, and again as often."""
SHORT = f"""SELECT o.id, min(l.short_since) AS since, false AS abroad, jsonb_build_object(
        'order', o.number, 'order_id', o.id, 'backordered', sum({LACKING}),
        'skus', jsonb_agg(l.sku ORDER BY l.position)) AS facts
    FROM order_lines l JOIN orders o ON o.id = l.order_id
    WHERE l.short_since IS NOT NULL AND o.status = 'confirmed' AND o.cancel_requested_at IS NULL
    GROUP BY o.id"""
"""Selects the orders that wait for stock, each since it does."""
_WEEKS = f"floor(extract(epoch FROM now() - s.since) / {WAITED.total_seconds():.0f})"
STILL_SHORT = f"""SELECT s.id, s.since + interval '{WAITED.total_seconds():.0f} seconds'
        * greatest({_WEEKS} - 1, 0) AS since, s.abroad, s.facts FROM ({SHORT}) s"""
"""The same, each since the last time that it was to be told."""
_IS_SHORT = text(
    """SELECT EXISTS (SELECT FROM order_lines
        WHERE order_id = :order AND short_since IS NOT NULL)"""
)
_SETTLE = text(
    f"""UPDATE order_lines l SET short_since = NULL
    WHERE l.order_id = :order AND l.short_since IS NOT NULL AND {LACKING} <= 0"""
)
_UNITS = text(
    f"""SELECT coalesce(sum({LACKING}), 0) FROM order_lines l
    WHERE l.order_id = :order AND l.short_since IS NOT NULL"""
)
_BY_LINE = text(
    f"""SELECT l.id, {LACKING} AS units FROM order_lines l
    WHERE l.order_id = :order AND l.short_since IS NOT NULL AND {LACKING} > 0
    ORDER BY l.position"""
)


async def backordered_by_line(db: AsyncConnection, order_id: UUID) -> Mapping[UUID, int]:
    """Return how many units of each line of an order wait for stock."""
    return {row.id: row.units for row in await db.execute(_BY_LINE, {"order": order_id})}


async def is_short(db: AsyncConnection, order_id: UUID) -> bool:
    """Whether an order waits for stock."""
    return bool((await db.execute(_IS_SHORT, {"order": order_id})).scalar_one())


async def settle_short(db: AsyncConnection, order_id: UUID) -> None:
    """Have those lines of a locked order wait no more that lack nothing now."""
    await db.execute(_SETTLE, {"order": order_id})


async def backordered_units(db: AsyncConnection, order_id: UUID) -> int:
    """Return how many units of an order wait for stock."""
    return int((await db.execute(_UNITS, {"order": order_id})).scalar_one())


_MARK = text(
    """UPDATE order_lines SET short_since = coalesce(short_since, now())
    WHERE id = ANY (CAST(:lines AS uuid[]))"""
)


async def mark_short(db: AsyncConnection, lines: Sequence[UUID]) -> None:
    """Have lines of locked orders wait for stock, from now on if they do not already."""
    await db.execute(_MARK, {"lines": list(lines)})
