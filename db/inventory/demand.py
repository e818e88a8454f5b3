"""Waiting demand in the books: what lines lack, in the order in which they are served.

A kind of document whose lines may wait for stock is one more row of `SOURCES`. That module is read
by the stock ledger, so nothing that it imports may import that: it is SQL, and no more.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.inventory.lots import find_promisable, promisable
from db.orders.backorders import AWAITED
from db.work_orders.wanted import PARTS_AWAITED
from domain.demand import Demand, Free
from domain.documents import Document, Kind, Signal

SOURCES: tuple[str, ...] = (AWAITED, PARTS_AWAITED)
"""Each selects document_type, document_id, line_id, item_id, site_id (NULL: any), quantity (what is
lacking), all_or_none, priority (a lower one is served first), needed_by and created_at."""

_HELD = """EXISTS (SELECT FROM holds h
        WHERE h.document_id = d.document_id AND h.released_at IS NULL)"""
WAITING = f"""SELECT d.* FROM ({" UNION ALL ".join(SOURCES)}) d
    WHERE d.quantity > 0 AND NOT {_HELD}"""
"""Selects all demand that may be served, which a hold stops."""

_PLACES = """balances b JOIN locations l ON l.id = b.location_id JOIN sites s ON s.id = l.site_id
        AND l.sellable AND l.active AND s.active"""
_SOME = f"""{promisable("b")} AND CASE WHEN d.all_or_none THEN b.on_hand > b.reserved
        ELSE b.on_hand - b.reserved >= 1 END"""
SERVABLE = f"""SELECT s.id, s.code AS number, min(d.created_at) AS since
    FROM ({WAITING}) d JOIN {_PLACES} ON b.item_id = d.item_id AND {_SOME}
    WHERE d.site_id IS NULL OR d.site_id = s.id GROUP BY s.id, s.code"""
"""Selects id, number and ``since`` of the sites that have some of what is waited for."""


def told_of(freed: str) -> str:
    """Return the SQL that tells the reviews of sites of stock that has become free there.

    ``freed`` selects item_id and location_id. Nothing is written where nobody waits for the item.
    """
    return f"""INSERT INTO outbox (kind, document_type, document_id, payload)
        SELECT DISTINCT 'signal', '{Kind.SITE}', l.site_id,
            jsonb_build_object('signal', CAST('{Signal.STOCK_CHANGED}' AS text))
        FROM ({freed}) f JOIN locations l ON l.id = f.location_id AND l.sellable
        WHERE EXISTS (SELECT FROM ({WAITING}) d WHERE d.item_id = f.item_id
            AND (d.site_id IS NULL OR d.site_id = l.site_id))"""


# Of those who take what there is no more are looked at than may get something of an item.
_QUEUE = text(
    f"""SELECT document_type, document_id, line_id, item_id, quantity, all_or_none FROM (
        SELECT d.*, row_number() OVER (
            PARTITION BY d.item_id ORDER BY priority, needed_by NULLS LAST, created_at, document_id,
            line_id) AS nth
        FROM ({WAITING}) d WHERE (d.site_id IS NULL OR d.site_id = :site)
            AND (d.all_or_none OR EXISTS (SELECT FROM {_PLACES}
                WHERE b.item_id = d.item_id AND s.id = :site AND {_SOME}))) d
    WHERE all_or_none OR nth <= :most
    ORDER BY priority, needed_by NULLS LAST, created_at, document_id, line_id"""
)
_FREE = """SELECT b.item_id, b.location_id, b.lot_id, b.on_hand - b.reserved AS free, l.code
    FROM jsonb_array_elements_text(CAST(:items AS jsonb)) AS w(id)
        JOIN balances b ON b.item_id = w.id::uuid JOIN locations l ON l.id = b.location_id
        JOIN sites s ON s.id = l.site_id
    WHERE l.site_id = :site AND l.sellable AND l.active AND s.active
    ORDER BY b.item_id, b.location_id, b.lot_id"""
_LOOK = text(_FREE)
# Balances are locked in the one order that avoids deadlocks: by item, location and lot.
_LOCK = text(f"{_FREE} FOR UPDATE OF b")
_IS_SERVABLE = text(f"SELECT EXISTS (SELECT FROM ({SERVABLE}) x WHERE x.id = :site)")
_WAKE = text(
    f"""INSERT INTO outbox (kind, document_type, document_id, payload)
    SELECT DISTINCT 'signal', '{Kind.SITE}', s.id,
        jsonb_build_object('signal', CAST('{Signal.STOCK_CHANGED}' AS text))
    FROM ({WAITING}) d JOIN {_PLACES} ON b.item_id = d.item_id AND {_SOME}
    WHERE d.document_id = :document AND (d.site_id IS NULL OR d.site_id = s.id)"""
)


async def queue_at(db: AsyncConnection, site_id: UUID, most: int) -> list[Demand]:
    """Return who waits for what a site has, first come first served.

    Of one item at most so many of those who take what there is.
    """
    rows = await db.execute(_QUEUE, {"site": site_id, "most": most})
    return [Demand(Document(Kind(kind), document_id), *rest) for kind, document_id, *rest in rows]


async def free_at(
    db: AsyncConnection, site_id: UUID, items: Sequence[UUID], *, lock: bool
) -> list[Free]:
    """Return what a site has free of these items, in the order in which orders are promised it.

    Locked to be given; lots are looked up after that, as for new orders.
    """
    given = {"site": site_id, "items": to_json(sorted(set(items)))}
    rows = (await db.execute(_LOCK if lock else _LOOK, given)).all()
    lots: dict[UUID | None, tuple[date, date]] = {None: (date.min, date.max)}
    known = await find_promisable(db, {row.lot_id for row in rows if row.lot_id is not None})
    lots.update(known.items())

    def turn(row: Any) -> tuple[date, date, str, str]:
        received_on, expires_on = lots[row.lot_id]
        return expires_on, received_on, row.code, str(row.lot_id)

    found = sorted((row for row in rows if row.lot_id in lots), key=turn)
    return [Free(row.item_id, row.location_id, row.free, row.lot_id) for row in found]


async def is_servable(db: AsyncConnection, site_id: UUID) -> bool:
    """Whether a site has some of what is waited for."""
    return bool((await db.execute(_IS_SERVABLE, {"site": site_id})).scalar_one())


async def review_for(db: AsyncConnection, document_id: UUID) -> None:
    """Have the sites looked at that have something of what a document waits for."""
    await db.execute(_WAKE, {"document": document_id})


_FREED = text(told_of("SELECT item_id, location_id FROM balances WHERE lot_id = :lot"))


async def review_lot(db: AsyncConnection, lot_id: UUID) -> None:
    """Have the sites looked at that have some of a lot for which somebody waits."""
    await db.execute(_FREED, {"lot": lot_id})
