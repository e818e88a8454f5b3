"""HTTP for items."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.items.accepting import create_item
from activities.items.changing import apply_change
from api.answers import keyed_response
from api.deps import Books, Db, require
from api.etags import IfMatch, IfNoneMatch, check_match, tagged
from api.fields import (
    WITHHELD,
    Available,
    CreatedAt,
    KeptMetadata,
    OnHand,
    OwnId,
    Reserved,
    SiteRef,
    Sku,
    UpdatedAt,
    Version,
    by_id,
)
from api.headers import LOCATED
from api.idempotency import OptionalKey, RequiredKey, idempotent_change, idempotent_create
from api.pages import DatedQuery, Page
from api.problems import BODY, KEYED, NOT_MODIFIED, READ, problems
from api.rows import last_id, money, view, view_for
from db.inventory.reads import get_availability
from db.items import ItemRead, get_item, search_items
from db.pages import get_page
from domain.access import Caller, Command
from domain.errors import AlreadyExists, InUse, NotFound, Stale
from domain.ids import ItemId
from domain.items import CreateItem, ItemChange, ItemStatus, Rate, Tracking
from domain.money import Money
from domain.value import Name, Value

router = APIRouter(prefix="/items", tags=["items"])


class ItemView(Value):
    """An item with the list prices that are valid now."""

    id: OwnId[ItemId]
    sku: Sku
    name: str
    """What it is, as it stands on orders."""
    status: ItemStatus
    """Whether new orders may name it."""
    sellable: bool
    """Whether it is for sale at all, or only stocked."""
    tax_rate: Rate
    """The share of the price that comes on top as tax: `0.08` is 8 %."""
    weight_grams: int
    """Of one unit."""
    return_window_days: int | None
    """For so many days after its delivery a unit may come back; 0: never; null: as the company's
    setting says."""
    restocking_fee_rate: Rate
    """The share of the money for a returned unit that is kept: `0.15` is 15 %."""
    tracking: Tracking
    """Whether its units are known by their serials or lots, or only counted."""
    min_shelf_life_days: int
    """So many days before its last one a lot of it is promised no more."""
    warranty_term: str | None
    """The code of the warranty term that it is sold with; null: none."""
    backorderable: bool
    """Whether orders with `shortage_policy` `backorder` may wait for it."""
    standard_cost: Money | None = Field(
        description=f"What a unit is worth to the company; null: it is not known. {WITHHELD}"
    )
    serial_at_shipping: bool
    """Whether its units, which are only counted in stock, are scanned when they leave."""
    prices: tuple[Money, ...]
    """List prices without tax, one per currency in which it is sold."""
    metadata: KeptMetadata
    created_at: CreatedAt
    updated_at: UpdatedAt
    version: Version


class SiteStock(Value):
    """What a site has of an item."""

    site_id: SiteRef
    site: str
    """The site's code."""
    on_hand: OnHand
    reserved: Reserved
    available: Available


class ItemDetail(ItemView):
    """An item with what each site has of it."""

    stock: tuple[SiteStock, ...] | None = Field(
        description=f"What each site that has any of it has. {WITHHELD}"
    )
    more_stock: bool | None = Field(
        description="Whether more sites have it than are shown here; all are at"
        f" `/inventory?group_by=site&item_id=`. {WITHHELD}"
    )


class ItemQuery(DatedQuery):
    """Which items."""

    sku: Name | None = None
    """The one with this name for people, in any case."""
    status: ItemStatus | None = None
    """Whether new orders may name them."""


@router.get("", responses=problems(*READ))
async def search(
    query: Annotated[ItemQuery, fastapi.Query()],
    caller: Annotated[Caller, require("items:read")],
    db: Db,
    request: Request,
) -> Page[ItemView]:
    """Newest first."""
    found = search_items(sku=query.sku, status=query.status)
    rows, more = await get_page(
        db,
        ItemRead,
        found,
        ItemRead.id,
        after=query.after,
        limit=query.limit,
        windows=[query.created(ItemRead.created_at)],
    )
    views = [_shown(row, caller) for row in rows]
    return Page[ItemView].of(views, request.url.path, query, last_id(rows, more))


@router.get(
    "/{item_id}",
    response_model=ItemDetail,
    responses=NOT_MODIFIED | problems(*READ, NotFound),
)
async def show(
    item_id: Annotated[UUID, by_id("item")],
    caller: Annotated[Caller, require("items:read")],
    db: Db,
    has: IfNoneMatch = None,
) -> Response:
    """One item, with its stock per site."""
    row = await get_item(db, item_id)
    stock, more = await get_availability(db, item_id)
    sites = [view(SiteStock, site) for site in stock]
    prices = _prices(row.prices)
    detail = view_for(caller, "item", ItemDetail, row, prices=prices, stock=sites, more_stock=more)
    return tagged(row.version, detail.model_dump_json().encode(), has)


@router.post(
    "",
    status_code=201,
    response_model=ItemView,
    responses=LOCATED | problems(*READ, *BODY, *KEYED, AlreadyExists, NotFound),
)
async def create(
    item: CreateItem,
    caller: Annotated[Caller, require("items:create")],
    key: RequiredKey,
    books: Books,
) -> Response:
    """Add an item with its prices; a SKU belongs to one item, in whatever case."""

    async def write(db: AsyncConnection, new_id: UUID) -> ItemView:
        row = await create_item(db, new_id, item, actor=caller.subject)
        return _shown(row, caller)

    made = await idempotent_create(books, caller, key, "POST /items", item, write)
    return keyed_response(made, f"/items/{made.resource_id}")


@router.patch(
    "/{item_id}",
    response_model=ItemView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, Stale, InUse),
)
async def change(
    item_id: Annotated[UUID, by_id("item")],
    body: ItemChange,
    caller: Annotated[Caller, require("items:change")],
    key: OptionalKey,
    books: Books,
    meant: IfMatch = None,
) -> Response:
    """Change an item or its prices; what is left out stays. `status` needs `items:discontinue`."""
    if body.status is not None:
        caller.require(Command.ITEMS_DISCONTINUE)

    async def write(db: AsyncConnection, _: UUID) -> ItemView:
        item = await get_item(db, item_id, to_change=True)
        check_match(item.version, meant)
        await apply_change(db, item, body, actor=caller.subject)
        row = await get_item(db, item_id)
        # Behind a change that began later the new prices hold from a moment after this one.
        fresh = {price.currency: price.amount for price in body.prices or ()}
        return _shown(row, caller, fresh)

    route = f"PATCH /items/{item_id}"
    return keyed_response(await idempotent_change(books, caller, key, route, body, write))


def _shown(row: ItemRead, caller: Caller, fresh: Mapping[str, int] | None = None) -> ItemView:
    prices = _prices({**row.prices, **(fresh or {})})
    return view_for(caller, "item", ItemView, row, prices=prices)


def _prices(prices: Mapping[str, int]) -> list[dict[str, Any] | None]:
    return [money(amount, currency) for currency, amount in sorted(prices.items())]
