"""HTTP for stock: balances, the ledger, sites, and adjustments."""

from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from api.deps import Books, Db, require
from api.idempotency import RequiredKey
from api.inventory.views import (
    AdjustmentView,
    MovementQuery,
    MovementView,
    SiteQuery,
    SiteView,
    StockQuery,
    StockView,
)
from api.once import create_once
from api.pages import Page
from api.problems import BODY, KEYED, READ, problems
from api.rows import last_id, view
from db.events import add_event
from db.inventory.adjusting import adjust_stock
from db.inventory.reads import (
    fetch_stock,
    find_stock_location,
    search_movements,
    search_sites,
)
from db.inventory.tables import MovementRow, SiteRow
from db.items import find_item_id, get_item
from db.pages import fetch_page
from domain.access import Caller
from domain.adjustments import AdjustStock
from domain.errors import Malformed, NotFound, OutOfStock
from domain.quantities import plain

router = APIRouter(prefix="/inventory", tags=["inventory"])


@router.get("", responses=problems(*READ))
async def search(
    query: Annotated[StockQuery, fastapi.Query()],
    _caller: Annotated[Caller, require("inventory:read")],
    db: Db,
    request: Request,
) -> Page[StockView]:
    """Balances, newest items first; what lies where nothing is sold from is not available."""
    filters = query.model_dump(exclude_none=True, exclude={"limit", "after", "group_by"})
    item, _, place = (query.after or "").partition("_")
    rows, more = await fetch_stock(
        db,
        filters,
        group_by=query.group_by,
        after=(UUID(item), UUID(place)) if query.after else None,
        limit=query.limit,
    )
    views = [view(StockView, row) for row in rows]
    mark = f"{rows[-1].item_id}_{rows[-1].place_id}" if more else None
    return Page[StockView].of(views, request.url.path, query, mark)


@router.get("/movements", responses=problems(*READ))
async def search_ledger(
    query: Annotated[MovementQuery, fastapi.Query()],
    _caller: Annotated[Caller, require("inventory:read")],
    db: Db,
    request: Request,
) -> Page[MovementView]:
    """The ledger, newest first."""
    found = search_movements(**query.model_dump(exclude={"limit", "after"}))
    rows, more = await fetch_page(db, found, MovementRow.id, after=query.after, limit=query.limit)
    views = [view(MovementView, row) for row in rows]
    return Page[MovementView].of(views, request.url.path, query, last_id(rows, more))


@router.get("/sites", responses=problems(*READ))
async def list_sites(
    query: Annotated[SiteQuery, fastapi.Query()],
    _caller: Annotated[Caller, require("inventory:read")],
    db: Db,
    request: Request,
) -> Page[SiteView]:
    """Warehouses and plants with their locations."""
    found = search_sites(code=query.code)
    rows, more = await fetch_page(db, found, SiteRow.id, after=query.after, limit=query.limit)
    views = [view(SiteView, row, locations=row.locations or ()) for row in rows]
    return Page[SiteView].of(views, request.url.path, query, last_id(rows, more))


@router.post(
    "/adjustments",
    status_code=201,
    response_model=AdjustmentView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, OutOfStock),
)
async def adjust(
    asked: AdjustStock,
    caller: Annotated[Caller, require("inventory:adjust")],
    key: RequiredKey,
    books: Books,
) -> Response:
    """Correct what the books say is at a location; never below what is promised."""

    async def write(db: AsyncConnection, movement_id: UUID) -> AdjustmentView:
        item_id, sku = await _item(db, asked)
        balance = await adjust_stock(
            db,
            movement_id,
            asked,
            item_id=item_id,
            location_id=await _location(db, asked),
            actor=caller.subject,
        )
        await add_event(
            db,
            "inventory.adjusted",
            subject=sku,
            subject_id=movement_id,
            actor=caller.subject,
            correlation_id=f"adjustment/{movement_id}",
            data={
                "item_id": str(item_id),
                "location_id": str(balance.location_id),
                "quantity": plain(asked.quantity),
                "reason": str(asked.reason),
            },
        )
        return view(
            AdjustmentView,
            balance,
            id=movement_id,
            quantity=asked.quantity,
            reason=asked.reason,
            note=asked.note,
        )

    return await create_once(books, caller, key, "POST /inventory/adjustments", asked, write)


async def _item(db: AsyncConnection, asked: AdjustStock) -> tuple[UUID, str]:
    if asked.item_id is not None:
        return asked.item_id, (await get_item(db, asked.item_id)).sku
    assert asked.sku is not None
    item_id = await find_item_id(db, asked.sku)
    if item_id is None:
        raise NotFound(f"there is no item {asked.sku}")
    return item_id, asked.sku


async def _location(db: AsyncConnection, asked: AdjustStock) -> UUID:
    if asked.location_id is not None:
        return asked.location_id
    assert asked.site is not None
    location_id = await find_stock_location(db, asked.site)
    if location_id is None:
        raise Malformed(
            f"there is no site {asked.site} with a place for stock",
            errors=[{"pointer": "/site", "message": "unknown site"}],
        )
    return location_id
