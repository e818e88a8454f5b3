"""A unit as callers see it: what it is, where, and all that has happened to it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.sources import of_source
from domain.access import EVERYTHING, Reach
from domain.errors import Malformed, NotFound
from domain.items import sku_key
from domain.units import serial_key

MOST_EVENTS = 200
"""So many of the latest events are shown with a unit."""

# Whose order it is picked for, or else was sold with, decides who is told of it.
_FIND = text(
    f"""SELECT u.*, i.sku, l.code AS location, s.code AS site, o.id AS order_id,
        g.serial AS installed_in, g.position, coalesce((SELECT jsonb_agg(jsonb_build_object(
            'serial', c.serial, 'sku', k.sku, 'position', y.position, 'since', y.installed_at)
            ORDER BY y.position) FROM (SELECT * FROM installations
                WHERE parent_unit_id = u.id AND removed_at IS NULL LIMIT 200) y
            JOIN units c ON c.id = y.unit_id JOIN items k ON k.id = c.item_id), '[]')
            AS components,
        n.id AS last_line_id, x.shipment_id AS shipment_id,
        CAST(:source AS text) IS NULL OR o.id IS NULL
            OR {of_source("'order'", "o.id")} AS told
    FROM units u JOIN items i ON i.id = u.item_id
    LEFT JOIN locations l ON l.id = u.location_id LEFT JOIN sites s ON s.id = l.site_id
    LEFT JOIN LATERAL (SELECT p.serial, y.position FROM installations y
        JOIN units p ON p.id = y.parent_unit_id
        WHERE y.unit_id = u.id AND y.removed_at IS NULL) g ON true
    LEFT JOIN shipment_lines x ON x.id = u.shipment_line_id
    LEFT JOIN order_lines n ON n.id = coalesce(x.order_line_id, u.order_line_id)
    LEFT JOIN orders o ON o.id = n.order_id
    WHERE u.serial_key = :serial AND (CAST(:item AS uuid) IS NULL OR u.item_id = :item)
        AND (CAST(:sku AS text) IS NULL OR i.sku_key = :sku)
    ORDER BY u.id LIMIT 20"""
)
_HISTORY = text(
    f"""SELECT e.*, l.code AS location, s.code AS site,
        CAST(:source AS text) IS NULL OR {of_source("e.document_type", "e.document_id")} AS told
    FROM unit_events e LEFT JOIN locations l ON l.id = e.to_location_id
    LEFT JOIN sites s ON s.id = l.site_id
    WHERE e.unit_id = :unit ORDER BY e.sequence DESC LIMIT :limit"""
)


async def get_unit(
    db: AsyncConnection,
    serial: str,
    *,
    item_id: UUID | None = None,
    sku: str | None = None,
    reach: Reach = EVERYTHING,
) -> Row[Any]:
    """Return the unit with this serial; ``told`` says whether its order is within ``reach``.

    Raises NotFound, and Malformed when units of several items have the serial and none is named.
    """
    given = {"serial": serial_key(serial), "item": item_id, "sku": sku and sku_key(sku)}
    rows = (await db.execute(_FIND, {**given, "source": reach.source})).all()
    if not rows:
        raise NotFound(f"there is no unit {serial}")
    if len(rows) > 1:
        raise Malformed(
            f"units of several items have this serial: {', '.join(row.sku for row in rows)}",
            errors=[{"pointer": "/query/sku", "message": "say of which item, or by item_id"}],
        )
    return rows[0]


async def get_history(
    db: AsyncConnection, unit_id: UUID, reach: Reach = EVERYTHING
) -> tuple[Sequence[Row[Any]], bool]:
    """Return the latest events of a unit, newest first, and whether there are more of them.

    ``told`` says whether the document of an event is within ``reach``.
    """
    given = {"unit": unit_id, "limit": MOST_EVENTS + 1, "source": reach.source}
    rows = (await db.execute(_HISTORY, given)).all()
    return rows[:MOST_EVENTS], len(rows) > MOST_EVENTS
