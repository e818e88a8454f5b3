"""Lots that time, or a label given back, has something to say about."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.events import Event, add_events
from db.inventory.lots import TODAY

EXPIRES_SOON = 30
"""So many days before the last one of a lot that is announced."""

_THERE = "EXISTS (SELECT FROM balances b WHERE b.lot_id = t.id AND b.on_hand > 0)"
# With a label goods are swapped no more, unless that is given back.
_TO_SET_ASIDE = text(
    f"""SELECT t.id, t.status FROM lots t
    WHERE t.status = 'available' AND t.expires_on < {TODAY} AND {_THERE}
    UNION ALL SELECT t.id, t.status FROM lots t
    WHERE t.status <> 'available' AND EXISTS (
        SELECT FROM reservations r WHERE r.item_id = t.item_id AND r.lot_id = t.id
            AND r.status = 'active' AND NOT EXISTS (
                SELECT FROM shipment_lines x JOIN shipments s ON s.id = x.shipment_id
                WHERE x.reservation_id = r.id
                    AND s.status NOT IN ('pending', 'voided', 'cancelled')))
    LIMIT :limit"""
)
_EXPIRING = text(
    f"""SELECT t.id FROM lots t WHERE t.status = 'available'
        AND t.expires_on BETWEEN {TODAY} AND {TODAY} + {EXPIRES_SOON}
        AND t.told_expires_on IS DISTINCT FROM t.expires_on AND {_THERE}
    ORDER BY t.expires_on, t.id LIMIT :limit"""
)
_TELL = text(
    """UPDATE lots t SET told_expires_on = t.expires_on FROM items i
    WHERE t.id = ANY (CAST(:lots AS uuid[])) AND i.id = t.item_id
        AND t.told_expires_on IS DISTINCT FROM t.expires_on
    RETURNING t.id, t.item_id, t.code, t.expires_on, i.sku, (
        SELECT sum(b.on_hand)::text FROM balances b WHERE b.lot_id = t.id) AS on_hand"""
)


async def find_to_set_aside(db: AsyncConnection, limit: int) -> Sequence[tuple[UUID, str]]:
    """Return expired lots, and those set aside of which orders hold some; with their status."""
    rows = await db.execute(_TO_SET_ASIDE, {"limit": limit})
    return [(row.id, row.status) for row in rows]


async def find_expiring(db: AsyncConnection, limit: int) -> Sequence[UUID]:
    """Return lots in stock that expire soon, of which that was not told yet."""
    return (await db.execute(_EXPIRING, {"limit": limit})).scalars().all()


async def tell_expiring(db: AsyncConnection, lots: Sequence[UUID]) -> int:
    """Announce once that lots expire soon; return of how many that was news."""
    rows = (await db.execute(_TELL, {"lots": list(lots)})).all()
    await add_events(
        db,
        [
            Event(
                "inventory.expiring",
                subject=f"{row.sku} {row.code}",
                subject_id=row.id,
                actor="system",
                correlation_id=f"lot/{row.id}",
                data={
                    "lot_id": str(row.id),
                    "item_id": str(row.item_id),
                    "expires_on": str(row.expires_on),
                    "on_hand": row.on_hand,
                },
            )
            for row in rows
        ],
    )
    return len(rows)
