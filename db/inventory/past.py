"""What was where: balances as of a moment, which are those of now less what has moved since."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.reads import CONDITIONS, NO_LOT
from domain.items import sku_key

MOVED_SINCE = """(SELECT coalesce(sum(
        CASE m.to_location_id WHEN b.location_id THEN m.quantity ELSE -m.quantity END), 0)
    FROM movements m WHERE m.item_id = b.item_id AND m.lot_id IS NOT DISTINCT FROM b.lot_id
        AND b.location_id IN (m.from_location_id, m.to_location_id)
        AND m.occurred_at > {})"""
"""The SQL of what has come to a balance ``b`` after a moment, less what has left it."""


async def get_past_stock(
    db: AsyncConnection,
    filters: dict[str, Any],
    *,
    as_of: datetime,
    after: tuple[UUID, UUID, UUID] | None = None,
    limit: int,
) -> tuple[Sequence[Row[Any]], bool]:
    """Return what there was at each location, and of each lot, newest items first, and if more.

    ``filters``: item_id, sku, site_id, location_id, lot_id. ``after`` is the item, the location and
    the lot (or NO_LOT) of the last row seen. Every place that has had stock has a balance.
    """
    lot = f"coalesce(b.lot_id, '{NO_LOT}'::uuid)"
    conditions = [CONDITIONS[name] for name in filters]
    if after is not None:
        conditions.append(f"(b.item_id, b.location_id, {lot}) < (:item, :place, :lot)")
    query = f"""SELECT b.*, b.there - {MOVED_SINCE.format(":as_of")} AS on_hand FROM (
            SELECT b.item_id, i.sku, l.site_id, s.code AS site, b.location_id,
                b.location_id AS place_id, l.code AS location, b.lot_id, t.code AS lot,
                b.on_hand AS there
            FROM balances b JOIN items i ON i.id = b.item_id
                JOIN locations l ON l.id = b.location_id
                LEFT JOIN sites s ON s.id = l.site_id LEFT JOIN lots t ON t.id = b.lot_id
            {"WHERE" if conditions else ""} {" AND ".join(conditions)}
            ORDER BY b.item_id DESC, b.location_id DESC, {lot} DESC LIMIT :limit) b
        ORDER BY b.item_id DESC, b.location_id DESC, {lot} DESC"""
    parameters = {**filters, "as_of": as_of, "limit": limit + 1}
    if "sku" in filters:
        parameters["sku"] = sku_key(filters["sku"])
    if after is not None:
        parameters |= dict(zip(("item", "place", "lot"), after, strict=True))
    rows = (await db.execute(text(query), parameters)).all()
    return rows[:limit], len(rows) > limit
