"""Traces in the ledger: from a lot or unit to its orders and work, and back to its receipts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.sources import of_source
from domain.access import EVERYTHING, Reach

MOST = 1000
"""So many rows of each kind are shown at most."""


@dataclass(frozen=True, slots=True)
class Traced:
    """What a trace begins with: lots, and units by their ids."""

    lots: Sequence[UUID] = ()
    units: Sequence[UUID] = ()


@dataclass(slots=True)
class Trace:
    """What was found: where goods lie, what they left with or were built into, how they came."""

    stock: Sequence[Row[Any]] = ()
    shipped: Sequence[Row[Any]] = ()
    used: Sequence[Row[Any]] = ()
    received: Sequence[Row[Any]] = ()
    more: bool = field(default=False)


_REACHED = f"""(CAST(:source AS text) IS NULL OR {of_source("'order'", "o.id")})"""
_STOCK = text(
    """SELECT b.item_id, i.sku, b.lot_id, t.code AS lot, NULL AS serial, l.site_id, s.code AS site,
        b.location_id, l.code AS location, b.on_hand, b.reserved
    FROM balances b JOIN items i ON i.id = b.item_id JOIN lots t ON t.id = b.lot_id
    JOIN locations l ON l.id = b.location_id LEFT JOIN sites s ON s.id = l.site_id
    WHERE b.lot_id = ANY (CAST(:lots AS uuid[])) AND b.on_hand > 0
    UNION ALL SELECT u.item_id, i.sku, NULL, NULL, u.serial, l.site_id, s.code, u.location_id,
        l.code, 1, CASE WHEN u.shipment_line_id IS NULL THEN 0 ELSE 1 END
    FROM units u JOIN items i ON i.id = u.item_id JOIN locations l ON l.id = u.location_id
    LEFT JOIN sites s ON s.id = l.site_id
    WHERE u.id = ANY (CAST(:units AS uuid[])) AND l.kind <> ALL (ARRAY['loss', 'supplier'])
    ORDER BY site, location, lot, serial LIMIT :limit"""
)
_SHIPPED = text(
    f"""SELECT x.item_id, i.sku, x.lot_id, x.lot, x.serial, o.id AS order_id,
        o.number AS order_number, o.customer_id, s.id AS shipment_id, s.number AS shipment_number,
        s.handed_over_at, x.units
    FROM (SELECT m.item_id, m.lot_id, t.code AS lot, NULL AS serial, m.document_id,
            sum(m.quantity) AS units
        FROM movements m JOIN lots t ON t.id = m.lot_id
        WHERE m.lot_id = ANY (CAST(:lots AS uuid[])) AND m.kind = 'issue'
            AND m.document_type = 'shipment' GROUP BY 1, 2, 3, 5
        UNION ALL SELECT DISTINCT u.item_id, NULL::uuid, NULL, u.serial, e.document_id, 1::numeric
        FROM unit_events e JOIN units u ON u.id = e.unit_id
        WHERE e.unit_id = ANY (CAST(:units AS uuid[])) AND e.kind = 'sold') x
    JOIN items i ON i.id = x.item_id JOIN shipments s ON s.id = x.document_id
    JOIN orders o ON o.id = s.order_id
    WHERE {_REACHED} ORDER BY s.handed_over_at DESC, s.id, x.lot, x.serial LIMIT :limit"""
)
# What went back to stock unused is built into nothing.
_USED = text(
    """SELECT x.item_id, i.sku, x.lot_id, t.code AS lot, x.serial, w.id AS work_order_id,
        w.number AS work_order_number, w.status AS work_order_status, u.serial AS built_into,
        u.status AS unit_status, u.holder_customer_id AS customer_id, x.units
    FROM (SELECT m.document_id, m.item_id, m.lot_id, NULL AS serial,
            sum(CASE m.kind WHEN 'issue' THEN m.quantity ELSE -m.quantity END) AS units,
            NULL::uuid AS unit_id
        FROM movements m WHERE m.lot_id = ANY (CAST(:lots AS uuid[]))
            AND m.document_type = 'work_order' AND m.kind IN ('issue', 'return')
        GROUP BY 1, 2, 3
        UNION ALL SELECT n.installed_by_id, c.item_id, NULL, c.serial, 1, n.parent_unit_id
        FROM installations n JOIN units c ON c.id = n.unit_id
        WHERE n.unit_id = ANY (CAST(:units AS uuid[])) AND n.removed_at IS NULL) x
    JOIN items i ON i.id = x.item_id JOIN work_orders w ON w.id = x.document_id
    LEFT JOIN lots t ON t.id = x.lot_id LEFT JOIN units u ON u.id = coalesce(x.unit_id, w.unit_id)
    WHERE x.units > 0 ORDER BY w.id DESC, lot, x.serial LIMIT :limit"""
)
_RECEIVED = text(
    """SELECT m.item_id, i.sku, m.lot_id, t.code AS lot, NULL AS serial, m.id AS movement_id,
        m.kind, m.quantity, m.reason, m.occurred_at, t.supplier_lot, t.expires_on
    FROM movements m JOIN items i ON i.id = m.item_id JOIN lots t ON t.id = m.lot_id
    JOIN locations f ON f.id = m.from_location_id
    WHERE m.lot_id = ANY (CAST(:lots AS uuid[])) AND m.kind <> 'return'
        AND f.kind IN ('supplier', 'opening', 'loss', 'production')
    UNION ALL SELECT u.item_id, i.sku, NULL, NULL, u.serial, m.id, m.kind, 1, m.reason,
        e.occurred_at, '', NULL
    FROM unit_events e JOIN units u ON u.id = e.unit_id JOIN items i ON i.id = u.item_id
    JOIN movements m ON m.id = e.movement_id
    WHERE e.unit_id = ANY (CAST(:units AS uuid[])) AND e.kind = 'entered'
    ORDER BY occurred_at DESC, movement_id, serial LIMIT :limit"""
)
_OF_ORDER = text(
    f"""SELECT (SELECT array_agg(DISTINCT m.lot_id) FROM movements m
            JOIN shipments s ON s.id = m.document_id
            WHERE s.order_id = o.id AND m.kind = 'issue' AND m.lot_id IS NOT NULL) AS lots,
        (SELECT array_agg(DISTINCT e.unit_id) FROM unit_events e
            JOIN shipments s ON s.id = e.document_id
            WHERE s.order_id = o.id AND e.kind = 'sold') AS units
    FROM orders o WHERE o.id = :order AND {_REACHED}"""
)

# What was taken out again is in them no more, nor what went back to stock unused.
_WITH_COMPONENTS = text(
    """WITH RECURSIVE parts AS (
        SELECT unnest(CAST(:units AS uuid[])) AS id
        UNION SELECT n.unit_id FROM installations n JOIN parts p ON p.id = n.parent_unit_id
            WHERE n.removed_at IS NULL)
    SELECT (SELECT array_agg(id) FROM parts) AS units, (
        SELECT array_agg(DISTINCT x.lot_id) FROM (
            SELECT m.lot_id FROM parts p JOIN work_orders w ON w.unit_id = p.id
            JOIN movements m ON m.document_id = w.id AND m.document_type = 'work_order'
                AND m.kind IN ('issue', 'return') AND m.lot_id IS NOT NULL
            GROUP BY w.id, m.lot_id
            HAVING sum(CASE m.kind WHEN 'issue' THEN m.quantity ELSE -m.quantity END) > 0) x
        ) AS lots"""
)


async def goods_of_order(
    db: AsyncConnection, order_id: UUID, reach: Reach = EVERYTHING
) -> Traced | None:
    """Return the lots and units that have left with an order; None of one that is out of reach."""
    given = {"order": order_id, "source": reach.source}
    row = (await db.execute(_OF_ORDER, given)).one_or_none()
    return None if row is None else Traced(row.lots or (), row.units or ())


async def trace_forward(db: AsyncConnection, goods: Traced, reach: Reach = EVERYTHING) -> Trace:
    """Return where goods lie, what work used them, and the shipments within ``reach`` with them."""
    given = {"lots": list(goods.lots), "units": list(goods.units), "limit": MOST + 1}
    stock = (await db.execute(_STOCK, given)).all()
    shipped = (await db.execute(_SHIPPED, {**given, "source": reach.source})).all()
    used = (await db.execute(_USED, given)).all()
    more = max(len(stock), len(shipped), len(used)) > MOST
    return Trace(stock=stock[:MOST], shipped=shipped[:MOST], used=used[:MOST], more=more)


async def trace_back(db: AsyncConnection, goods: Traced) -> Trace:
    """Return how goods came: from suppliers, or found, or at the opening of the books.

    Units with what is built into them, at any depth: their components, and the lots that work on
    them has used.
    """
    built = (await db.execute(_WITH_COMPONENTS, {"units": list(goods.units)})).one()
    lots = {*goods.lots, *(built.lots or ())}
    given = {"lots": sorted(lots), "units": built.units or [], "limit": MOST + 1}
    received = (await db.execute(_RECEIVED, given)).all()
    return Trace(received=received[:MOST], more=len(received) > MOST)
