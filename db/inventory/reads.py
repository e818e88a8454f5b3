"""What is where: balances, the ledger and the sites, as lists show them."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, case, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from db.inventory.lots import PROMISABLE, LotRow, promisable
from db.inventory.tables import LocationRow, MovementRow, SiteRow
from db.items import ItemRow, item_of
from db.sources import of_source
from domain.access import EVERYTHING, Reach
from domain.errors import IllegalMove, NotFound
from domain.inventory import VIRTUAL, LocationKind
from domain.items import sku_key


class Grouping(StrEnum):
    """What balances are added up by."""

    LOCATION = "location"
    SITE = "site"
    ITEM = "item"


NO_LOT = UUID(int=0)
"""Stands for the lot of what has none where rows are put into order."""
_NO_LOT = f"'{NO_LOT}'::uuid"
_UNPLACED = (
    "NULL::uuid AS location_id, NULL AS location, NULL AS location_kind, NULL::uuid AS lot_id,"
    " NULL AS lot, NULL::date AS expires_on"
)

# The place and the lot that a row is about, what is shown of it, and what else it is grouped by.
_PLACES = {
    Grouping.LOCATION: (
        "b.location_id",
        f"coalesce(b.lot_id, {_NO_LOT})",
        "l.site_id, s.code AS site, b.location_id, l.code AS location, l.kind AS location_kind,"
        " b.lot_id, t.code AS lot, t.expires_on",
        ", l.site_id, s.code, b.location_id, l.code, l.kind, b.lot_id, t.code, t.expires_on",
    ),
    Grouping.SITE: (
        "l.site_id",
        _NO_LOT,
        f"l.site_id, s.code AS site, {_UNPLACED}",
        ", l.site_id, s.code",
    ),
    Grouping.ITEM: (
        "b.item_id",
        _NO_LOT,
        f"NULL::uuid AS site_id, NULL AS site, {_UNPLACED}",
        "",
    ),
}
CONDITIONS = {
    "item_id": "b.item_id = :item_id",
    "sku": "i.sku_key = :sku",
    "site_id": "l.site_id = :site_id",
    "location_id": "b.location_id = :location_id",
    "lot_id": "b.lot_id = :lot_id",
    # What is free of the item at the site has come down to its reorder point.
    "low_stock": f""":low_stock = EXISTS (
        SELECT FROM reorder_rules r
        WHERE r.item_id = b.item_id AND r.site_id = l.site_id AND r.active
          AND r.reorder_point >= (
            SELECT coalesce(sum(x.on_hand - x.reserved), 0)
            FROM balances x JOIN locations y ON y.id = x.location_id
            WHERE x.item_id = b.item_id AND y.site_id = l.site_id AND y.sellable AND y.active
                AND {promisable("x")}))""",
}


async def get_stock(
    db: AsyncConnection,
    filters: dict[str, Any],
    *,
    group_by: Grouping = Grouping.LOCATION,
    after: tuple[UUID, UUID, UUID] | None = None,
    limit: int,
) -> tuple[Sequence[Row[Any]], bool]:
    """Return balances or their sums, newest items first, and whether there are more than ``limit``.

    ``filters``: item_id, sku, site_id, location_id, lot_id, low_stock. ``after`` is the
    ``item_id``, ``place_id`` and lot (or NO_LOT) of the last row seen. What lies where nothing is
    sold from is not available, nor what is of a lot that may not be promised.
    """
    place, lot, shown, grouped = _PLACES[group_by]
    conditions = [CONDITIONS[name] for name in filters]
    if group_by is Grouping.SITE:
        conditions.append("l.site_id IS NOT NULL")
    if after is not None:
        conditions.append(f"(b.item_id, {place}, {lot}) < (:after_item, :after_place, :after_lot)")
    query = f"""SELECT b.item_id, i.sku, coalesce({place}, b.item_id) AS place_id, {shown},
            sum(b.on_hand) AS on_hand, sum(b.reserved) AS reserved,
            sum(CASE WHEN l.sellable AND l.active AND s.active
                    AND (b.lot_id IS NULL OR {PROMISABLE})
                THEN b.on_hand - b.reserved ELSE 0 END) AS available
        FROM balances b JOIN items i ON i.id = b.item_id JOIN locations l ON l.id = b.location_id
            LEFT JOIN sites s ON s.id = l.site_id LEFT JOIN lots t ON t.id = b.lot_id
        {"WHERE" if conditions else ""} {" AND ".join(conditions)}
        GROUP BY b.item_id, i.sku{grouped}
        ORDER BY b.item_id DESC, {place} DESC, {lot} DESC LIMIT :limit"""
    parameters = {**filters, "limit": limit + 1}
    if "sku" in filters:
        parameters["sku"] = sku_key(filters["sku"])
    if after is not None:
        parameters |= dict(zip(("after_item", "after_place", "after_lot"), after, strict=True))
    rows = (await db.execute(text(query), parameters)).all()
    return rows[:limit], len(rows) > limit


_REVERSAL = aliased(MovementRow)


def search_movements(
    reach: Reach = EVERYTHING,
    *,
    item_id: UUID | None = None,
    sku: str | None = None,
    location_id: UUID | None = None,
    document_id: UUID | None = None,
    lot_id: UUID | None = None,
    kind: str | None = None,
) -> Select[Any]:
    """Select movements with their SKU.

    Stock is common to all sources; what document it moved for is shown within ``reach`` only.
    """
    document = _named(MovementRow.__table__.c.document_id, reach)
    columns = (
        _named(column, reach) if column.name in ("document_id", "line_id") else column
        for column in MovementRow.__table__.c
    )
    query = (
        select(
            *columns,
            ItemRow.sku,
            LotRow.code.label("lot"),
            select(_REVERSAL.id)
            .where(_REVERSAL.reverses_id == MovementRow.id)
            .scalar_subquery()
            .label("reversed_by_id"),
        )
        .join(ItemRow, ItemRow.id == MovementRow.item_id)
        .outerjoin(LotRow, LotRow.id == MovementRow.lot_id)
    )
    wanted = (
        (item_id, MovementRow.item_id == item_id),
        (sku, MovementRow.item_id == item_of(sku or "")),
        (
            location_id,
            (MovementRow.from_location_id == location_id)
            | (MovementRow.to_location_id == location_id),
        ),
        (document_id, document == document_id),
        (lot_id, MovementRow.lot_id == lot_id),
        (kind, MovementRow.kind == kind),
    )
    return query.where(*(condition for value, condition in wanted if value is not None))


async def get_movement(
    db: AsyncConnection, movement_id: UUID, reach: Reach = EVERYTHING
) -> Row[Any]:
    """Return a movement with its SKU, as lists show it to this ``reach``; raise NotFound."""
    query = search_movements(reach).where(MovementRow.id == movement_id)
    found: Row[Any] | None = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no movement {movement_id}")
    return found


def _named(column: ColumnElement[Any], reach: Reach) -> ColumnElement[Any]:
    """Return a column that names a movement's document, or NULL for one out of reach."""
    if reach.source is None:
        return column
    own = text(of_source("movements.document_type", "movements.document_id"))
    return case((own.bindparams(source=reach.source), column)).label(column.name)


MOST_SITES = 1000
"""So many sites' stock is shown with an item."""


async def get_availability(
    db: AsyncConnection, item_id: UUID, limit: int = MOST_SITES
) -> tuple[Sequence[Row[Any]], bool]:
    """Return on hand, reserved and available of one item per site, and whether there are more."""
    return await get_stock(db, {"item_id": item_id}, group_by=Grouping.SITE, limit=limit)


async def find_stock_location(db: AsyncConnection, site_code: str) -> UUID | None:
    """Return the first location of a site that is sold from."""
    query = (
        select(LocationRow.id)
        .join(SiteRow, SiteRow.id == LocationRow.site_id)
        .where(SiteRow.code == site_code, LocationRow.kind == "stock", LocationRow.active)
        .order_by(LocationRow.code)
        .limit(1)
    )
    return (await db.execute(query)).scalar_one_or_none()


async def quarantine_of(db: AsyncConnection, site_id: UUID) -> UUID:
    """Return the first location of a site for goods that must not be sold yet.

    A site without one raises NoResultFound, which a step retries until there is one.
    """
    found: UUID = (await db.execute(_first_of(site_id, LocationKind.QUARANTINE))).scalar_one()
    return found


async def place_at(db: AsyncConnection, site_id: UUID, kind: LocationKind) -> UUID:
    """Return the first active location of a kind at a site; raise IllegalMove without one."""
    query = _first_of(site_id, kind).where(LocationRow.active)
    found: UUID | None = (await db.execute(query)).scalar_one_or_none()
    if found is None:
        why = f"the site has no active location of the kind {kind}"
        raise IllegalMove(why, current_status="", allowed=[])
    return found


async def get_place(db: AsyncConnection, location_id: UUID, *, active: bool = False) -> LocationRow:
    """Return a location, if so wanted one that is in use; raise NotFound."""
    query = select(LocationRow.__table__).where(LocationRow.id == location_id)
    found = (await db.execute(query)).one_or_none()
    if found is None or (active and not found.active):
        raise NotFound(f"there is no location {location_id} that is in use")
    return cast(LocationRow, found)


_STOCKED = text("SELECT kind, now() AS now FROM locations WHERE id = :location AND active")


async def get_stocked(db: AsyncConnection, location_id: UUID) -> Row[Any]:
    """Return the ``kind`` of an active location that holds stock, and ``now``; raise NotFound."""
    found = (await db.execute(_STOCKED, {"location": location_id})).one_or_none()
    if found is None or LocationKind(found.kind) in VIRTUAL:
        raise NotFound(f"there is no location {location_id} that holds stock")
    return found


async def site_of_location(db: AsyncConnection, location_id: UUID) -> UUID | None:
    """Return the site of a location; None for the company's places without one."""
    query = select(LocationRow.site_id).where(LocationRow.id == location_id)
    return (await db.execute(query)).scalar_one_or_none()


def _first_of(site_id: UUID, kind: LocationKind) -> Select[Any]:
    query = select(LocationRow.id).where(LocationRow.site_id == site_id, LocationRow.kind == kind)
    return query.order_by(LocationRow.code).limit(1)
