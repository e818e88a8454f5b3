"""The stock ledger's writer: movements, reservations and the balances that follow from them.

Only what changes reservations that stand has a module of its own (db/inventory/splitting.py).
Every statement locks in one order and so avoids deadlocks: movements by key, reservations by id,
balances by item, location and lot. Each may run again, also twice at once, without a second effect.
Whatever makes stock free tells those who wait for it (db/inventory/demand.py) by the same one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import cast
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.failures import BEGIN_AGAIN
from db.inventory.demand import told_of
from db.inventory.lots import promisable
from db.inventory.movements import (
    BY_NONE,
    ByHand,
    LinePick,
    Movement,
    Place,
    Posted,
)
from db.inventory.tables import BalanceRow
from domain.errors import OutOfStock
from domain.ids import new_id
from domain.inventory import VIRTUAL, ReservationStatus
from domain.quantities import plain

# One upsert in the order of its rows, because locking the balances that exist before adding the
# others would lock a row that another transaction has just added out of order. PostgreSQL checks
# the row to be inserted even where it is updated instead, so for a balance that exists 0 is given.
_POST = text(
    f"""WITH given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:movements AS jsonb)) AS m(id uuid, key text,
            kind text, item_id uuid, quantity numeric, from_location_id uuid, to_location_id uuid,
            reason text, document_type text, document_id uuid, line_id uuid, actor text,
            occurred_at timestamptz, reservation_id uuid, lot_id uuid, reverses_id uuid,
            balances_id uuid)),
    moved AS (
        INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id, to_location_id,
            reason, document_type, document_id, line_id, actor, occurred_at, lot_id,
            reverses_id, balances_id, unit_cost_amount, unit_cost_currency)
        SELECT id, key, kind, item_id, quantity, from_location_id, to_location_id, reason,
            document_type, document_id, line_id, actor, coalesce(occurred_at, now()), lot_id,
            reverses_id, balances_id,
            (SELECT standard_cost_amount FROM items i WHERE i.id = item_id AND kind = 'issue'),
            (SELECT standard_cost_currency FROM items i WHERE i.id = item_id AND kind = 'issue')
        FROM given ORDER BY key
        ON CONFLICT DO NOTHING
        RETURNING id, item_id, quantity, from_location_id, to_location_id, lot_id),
    held AS MATERIALIZED (
        SELECT r.* FROM (
            SELECT reservation_id FROM given JOIN moved USING (id) ORDER BY reservation_id) named,
        LATERAL (SELECT id, item_id, location_id, lot_id, quantity FROM reservations
            WHERE id = named.reservation_id AND status = 'active' FOR UPDATE) r),
    consumed AS (
        UPDATE reservations SET status = 'consumed', ended_at = now()
        WHERE id = ANY (ARRAY(SELECT id FROM held))),
    changes AS (
        SELECT item_id, location_id, lot_id, sum(s.quantity) AS on_hand, sum(s.promised) AS reserved
        FROM (
            SELECT item_id, to_location_id AS location_id, lot_id, quantity, 0 AS promised
                FROM moved
            UNION ALL SELECT item_id, from_location_id, lot_id, -quantity, 0 FROM moved
            UNION ALL SELECT item_id, location_id, lot_id, 0, -quantity FROM held) s
        JOIN locations l ON l.id = s.location_id AND l.kind <> ALL(CAST(:virtual AS text[]))
        GROUP BY 1, 2, 3),
    balanced AS (
        INSERT INTO balances AS b (item_id, location_id, lot_id, on_hand)
        SELECT item_id, location_id, lot_id, CASE WHEN EXISTS (
            SELECT FROM balances x WHERE x.item_id = c.item_id AND x.location_id = c.location_id
                AND x.lot_id IS NOT DISTINCT FROM c.lot_id)
            THEN 0 ELSE on_hand END
        FROM changes c ORDER BY item_id, location_id, lot_id
        ON CONFLICT (item_id, location_id, lot_id) DO UPDATE SET (on_hand, reserved) = (
            SELECT b.on_hand + c.on_hand, b.reserved + c.reserved FROM changes c
            WHERE c.item_id = b.item_id AND c.location_id = b.location_id
                AND c.lot_id IS NOT DISTINCT FROM b.lot_id)
        RETURNING item_id, location_id, lot_id, on_hand, reserved, counted_at >= now() AS counted),
    told AS ({told_of("SELECT item_id, location_id FROM changes WHERE on_hand > reserved")})
    SELECT made.made, balanced.* FROM (SELECT count(*) AS made FROM moved) made
    LEFT JOIN balanced ON true"""
)

_LOCK = text(
    """INSERT INTO balances AS b (item_id, location_id, lot_id, on_hand)
    SELECT DISTINCT item_id, location_id, lot_id, 0
    FROM jsonb_to_recordset(CAST(:places AS jsonb))
        AS p(item_id uuid, location_id uuid, lot_id uuid)
    ORDER BY item_id, location_id, lot_id
    ON CONFLICT (item_id, location_id, lot_id) DO UPDATE SET on_hand = b.on_hand"""
)
_COUNTED = text(
    """UPDATE balances b SET counted_at = greatest(b.counted_at, p.counted_at)
    FROM jsonb_to_recordset(CAST(:counted AS jsonb))
        AS p(item_id uuid, location_id uuid, lot_id uuid, counted_at timestamptz)
    WHERE b.item_id = p.item_id AND b.location_id = p.location_id
        AND b.lot_id IS NOT DISTINCT FROM p.lot_id"""
)

# Nothing is written unless every pick is covered.
_RESERVE = text(
    f"""WITH fresh AS (
        SELECT * FROM jsonb_to_recordset(CAST(:picks AS jsonb)) AS p(id uuid, line_id uuid,
            item_id uuid, location_id uuid, lot_id uuid, quantity numeric, share text)
        WHERE NOT EXISTS (
            SELECT FROM reservations r WHERE r.line_id = p.line_id AND r.item_id = p.item_id
                AND r.location_id = p.location_id AND r.lot_id IS NOT DISTINCT FROM p.lot_id
                AND r.share = p.share AND r.status = 'active')),
    totals AS (
        SELECT item_id, location_id, lot_id, sum(quantity) AS quantity FROM fresh GROUP BY 1, 2, 3),
    locked AS MATERIALIZED (
        SELECT b.item_id, b.location_id, b.lot_id, t.quantity,
            CASE WHEN {promisable("b")} THEN b.on_hand - b.reserved ELSE 0 END AS available
        FROM balances b JOIN totals t ON t.item_id = b.item_id AND t.location_id = b.location_id
            AND t.lot_id IS NOT DISTINCT FROM b.lot_id
        ORDER BY b.item_id, b.location_id, b.lot_id FOR UPDATE OF b),
    short AS MATERIALIZED (
        SELECT t.item_id, t.location_id, t.quantity, coalesce(l.available, 0) AS available
        FROM totals t LEFT JOIN locked l ON l.item_id = t.item_id
            AND l.location_id = t.location_id AND l.lot_id IS NOT DISTINCT FROM t.lot_id
        WHERE coalesce(l.available, 0) < t.quantity),
    made AS (
        INSERT INTO reservations (id, item_id, location_id, lot_id, quantity, document_type,
            document_id, line_id, status, share, reference, expires_at, source, reserved_by)
        SELECT id, item_id, location_id, lot_id, quantity, :type, :document, line_id, 'active',
            share, CAST(:reference AS text), CAST(:expires_at AS timestamptz),
            CAST(:source AS text), CAST(:reserved_by AS text)
        FROM fresh WHERE NOT EXISTS (SELECT FROM short)),
    promised AS (
        UPDATE balances b SET reserved = b.reserved + l.quantity FROM locked l
        WHERE b.item_id = l.item_id AND b.location_id = l.location_id
            AND b.lot_id IS NOT DISTINCT FROM l.lot_id AND NOT EXISTS (SELECT FROM short))
    SELECT coalesce(i.sku, s.item_id::text) AS sku, s.location_id, s.quantity, s.available
    FROM short s LEFT JOIN items i ON i.id = s.item_id ORDER BY 1, 2"""
)

_RELEASE = text(
    f"""WITH held AS (
        SELECT id, item_id, location_id, lot_id, quantity FROM reservations
        WHERE document_id = :document AND status = 'active'
            AND (CAST(:only AS uuid[]) IS NULL OR id = ANY (:only)) ORDER BY id FOR UPDATE),
    totals AS (
        SELECT item_id, location_id, lot_id, sum(quantity) AS quantity FROM held GROUP BY 1, 2, 3),
    locked AS MATERIALIZED (
        SELECT b.item_id, b.location_id, b.lot_id, t.quantity FROM balances b
        JOIN totals t ON t.item_id = b.item_id AND t.location_id = b.location_id
            AND t.lot_id IS NOT DISTINCT FROM b.lot_id
        ORDER BY b.item_id, b.location_id, b.lot_id FOR UPDATE OF b),
    freed AS (
        UPDATE balances b SET reserved = b.reserved - l.quantity FROM locked l
        WHERE b.item_id = l.item_id AND b.location_id = l.location_id
            AND b.lot_id IS NOT DISTINCT FROM l.lot_id),
    told AS ({told_of("SELECT item_id, location_id FROM totals")})
    UPDATE reservations r SET status = :ended, ended_at = now() FROM held
    WHERE r.id = held.id"""
)

_OPEN = text(
    """INSERT INTO balances (item_id, location_id, lot_id, on_hand)
    SELECT DISTINCT item_id, location_id, lot_id, 0
    FROM jsonb_populate_recordset(NULL::balances, CAST(:places AS jsonb))
    ORDER BY item_id, location_id, lot_id ON CONFLICT DO NOTHING"""
)
RESERVE_LOCKED = """reserved AS (
        INSERT INTO reservations (id, item_id, location_id, lot_id, quantity, document_type,
            document_id, line_id, status)
        SELECT id, item_id, location_id, lot_id, quantity, document_type, document_id, line_id,
            'active'
        FROM jsonb_populate_recordset(NULL::reservations, CAST(:reservations AS jsonb))
        RETURNING item_id, location_id, lot_id, quantity),
    promised AS (
        UPDATE balances b SET reserved = b.reserved + t.quantity
        FROM (SELECT item_id, location_id, lot_id, sum(quantity) AS quantity FROM reserved
            GROUP BY 1, 2, 3) t
        WHERE b.item_id = t.item_id AND b.location_id = t.location_id
            AND b.lot_id IS NOT DISTINCT FROM t.lot_id)"""
"""What a larger statement embeds to reserve ``:reservations`` from balances that it has locked."""


async def post(db: AsyncConnection, movements: Sequence[Movement]) -> Posted:
    """Write movements with the balances of both sides, and use up the reservations they name.

    A movement whose key is known is not made again and changes nothing. A balance that would fall
    below zero, or below what is reserved of it, is an IntegrityError, and one that was counted
    since this transaction began a conflict, unless all movements say when they occurred.
    """
    given = {"movements": to_json(list(movements)), "virtual": sorted(VIRTUAL)}
    rows = (await db.execute(_POST, given)).all()
    balances = [row for row in rows if row.item_id is not None]
    if any(row.counted for row in balances) and any(m.occurred_at is None for m in movements):
        await db.execute(BEGIN_AGAIN)
    return Posted(rows[0].made, cast(list[BalanceRow], balances))


async def lock_places(db: AsyncConnection, places: Sequence[Place]) -> None:
    """Lock balances in their order; those that there are none of yet come to be, empty."""
    await db.execute(_LOCK, {"places": to_json(list(places))})


async def note_counted(db: AsyncConnection, places: Sequence[Place]) -> None:
    """Keep the moments of counts with their locked balances, where they are the latest."""
    await db.execute(_COUNTED, {"counted": to_json(list(places))})


async def reserve(
    db: AsyncConnection,
    document_type: str,
    document_id: UUID,
    picks: Sequence[LinePick],
    by_hand: ByHand = BY_NONE,
) -> None:
    """Reserve every pick for the lines of a document, or nothing and raise OutOfStock.

    What a line holds of an item at a location is not reserved again, but as another share.
    ``by_hand`` says more of what no document holds.
    """
    wanted = [
        {
            "id": new_id(),
            "line_id": pick.line_id,
            "item_id": pick.item_id,
            "location_id": pick.location_id,
            "lot_id": pick.lot_id,
            "quantity": pick.quantity,
            "share": pick.share,
        }
        for pick in picks
    ]
    given = {"type": document_type, "document": document_id, "picks": to_json(wanted)}
    given |= asdict(by_hand)
    short = (await db.execute(_RESERVE, given)).all()
    if not short:
        return
    names = ", ".join(dict.fromkeys(row.sku for row in short))
    raise OutOfStock(
        f"not enough of {names}",
        shortages=[
            {
                "sku": row.sku,
                "location_id": str(row.location_id),
                "requested": plain(row.quantity),
                "available": plain(row.available),
            }
            for row in short
        ],
    )


async def release(
    db: AsyncConnection,
    document_id: UUID,
    only: Sequence[UUID] | None = None,
    ended: ReservationStatus = ReservationStatus.RELEASED,
) -> None:
    """Give back active reservations of a document, all or ``only`` these; once is enough.

    They are ``ended`` then.

    Who waits for it hears of that, as of what is posted.
    """
    which = None if only is None else list(only)
    await db.execute(_RELEASE, {"document": document_id, "only": which, "ended": ended})


async def open_balances(db: AsyncConnection, places: Sequence[Mapping[str, UUID | None]]) -> None:
    """Add empty balances by ``item_id``, ``location_id`` and ``lot_id``, where there are none."""
    await db.execute(_OPEN, {"places": to_json(list(places))})
