"""The stock ledger's other writer: reservations that are split, or hold other stock instead.

Every statement locks in the order of db/inventory/posting.py.
"""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.inventory.movements import Share, Switch

_SPLIT = text(
    """WITH given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:shares AS jsonb)) AS s(id uuid, source uuid,
            quantity numeric)),
    held AS MATERIALIZED (
        SELECT * FROM reservations WHERE id IN (SELECT source FROM given) AND status = 'active'
        ORDER BY id FOR UPDATE),
    less AS (
        UPDATE reservations r SET quantity = r.quantity - g.quantity
        FROM (SELECT source, sum(quantity) AS quantity FROM given GROUP BY 1) g
        JOIN held h ON h.id = g.source WHERE r.id = h.id)
    INSERT INTO reservations (id, item_id, location_id, lot_id, quantity, document_type,
        document_id, line_id, status, share)
    SELECT g.id, h.item_id, h.location_id, h.lot_id, g.quantity, h.document_type, h.document_id,
        h.line_id, 'active', CAST(g.id AS text)
    FROM given g JOIN held h ON h.id = g.source"""
)
# The CHECK on the balances refuses what is not free there.
_SWITCH = text(
    """WITH given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:moves AS jsonb)) AS m(id uuid, location_id uuid,
            lot_id uuid)),
    held AS MATERIALIZED (
        SELECT id, item_id, location_id, lot_id, quantity FROM reservations
        WHERE id IN (SELECT id FROM given) AND status = 'active' ORDER BY id FOR UPDATE),
    changes AS (
        SELECT item_id, location_id, lot_id, sum(s.reserved) AS reserved FROM (
            SELECT item_id, location_id, lot_id, -quantity AS reserved FROM held
            UNION ALL SELECT h.item_id, g.location_id, g.lot_id, h.quantity
                FROM held h JOIN given g USING (id)) s
        GROUP BY 1, 2, 3),
    locked AS MATERIALIZED (
        SELECT b.item_id, b.location_id, b.lot_id, c.reserved FROM balances b
        JOIN changes c ON c.item_id = b.item_id AND c.location_id = b.location_id
            AND c.lot_id IS NOT DISTINCT FROM b.lot_id
        ORDER BY b.item_id, b.location_id, b.lot_id FOR UPDATE OF b),
    balanced AS (
        UPDATE balances b SET reserved = b.reserved + l.reserved FROM locked l
        WHERE b.item_id = l.item_id AND b.location_id = l.location_id
            AND b.lot_id IS NOT DISTINCT FROM l.lot_id)
    UPDATE reservations r SET location_id = g.location_id, lot_id = g.lot_id,
        share = CAST(r.id AS text)
    FROM held h JOIN given g USING (id) WHERE r.id = h.id"""
)


async def split_reservations(db: AsyncConnection, shares: Sequence[Share]) -> None:
    """Take shares off active reservations and keep each under an id of its own.

    What is promised at a location stays the same in all.
    """
    if shares:
        await db.execute(_SPLIT, {"shares": to_json(list(shares))})


async def switch_reservations(db: AsyncConnection, switches: Sequence[Switch]) -> None:
    """Have active reservations hold other stock of their items; an IntegrityError if not free."""
    if switches:
        await db.execute(_SWITCH, {"moves": to_json(list(switches))})
