"""HTTP for lots: quantities of an item that share their origin and their last day."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.inventory.lots import apply_change, create_lot
from activities.inventory.setting_aside import free_lot, set_aside
from api.answers import keyed_response
from api.deps import Books, Db, require
from api.etags import IfMatch, IfNoneMatch, check_match, tagged
from api.fields import (
    Available,
    CreatedAt,
    ItemRef,
    OnHand,
    OwnId,
    Reserved,
    Sku,
    UpdatedAt,
    Version,
    by_id,
)
from api.headers import LOCATED
from api.idempotency import OptionalKey, RequiredKey, idempotent_change, idempotent_create
from api.inventory.trace import TracedShipment, TracedStock, TracedUse, trace_of
from api.pages import Page, PageQuery
from api.problems import BODY, KEYED, NOT_MODIFIED, READ, problems
from api.rows import last_id, view
from db.inventory.lots import LotRead, get_lot, lock_lot, search_lots
from db.inventory.tracing import Traced, trace_forward
from db.pages import get_page
from domain.access import Caller
from domain.errors import AlreadyExists, IllegalMove, NotFound, Stale
from domain.ids import LotId
from domain.lots import CreateLot, LotChange, LotCode, LotReason, LotStatus
from domain.value import Day, Name, Value

router = APIRouter(prefix="/inventory/lots", tags=["inventory"])

Change = Callable[[AsyncConnection], Awaitable[UUID]]
LotName = Annotated[UUID, by_id("lot")]


class LotView(Value):
    """A lot of an item, and what there is of it."""

    id: OwnId[LotId]
    item_id: ItemRef
    sku: Sku
    code: str
    """Its name, as it was first given; of the item there is one of it in whatever case."""
    supplier_lot: str
    """What its supplier calls it; empty where that is not known."""
    received_on: date
    """The day of its first receipt, by UTC."""
    expires_on: date | None
    """The last day on which its goods may leave, by UTC; null: they do not expire."""
    status: LotStatus
    """Whether its goods may be promised."""
    on_hand: OnHand
    reserved: Reserved
    available: Available
    created_at: CreatedAt
    updated_at: UpdatedAt
    version: Version


class RecallView(LotView):
    """A lot that is recalled: what of it is blocked, and which orders it has left with."""

    stock: tuple[TracedStock, ...]
    """What is there, and is promised no more."""
    shipped: tuple[TracedShipment, ...]
    """What has left, newest first."""
    used: tuple[TracedUse, ...]
    """The work that has used it, and the units that it was built into; for who may read work."""
    more: bool
    """Whether there is more of one of them than is shown."""


class LotQuery(PageQuery):
    """Which lots."""

    item_id: UUID | None = None
    """Of this item."""
    sku: Name | None = None
    """Of the item with this name for people, in any case."""
    code: LotCode | None = None
    """With this code, in any case; several items may have it."""
    status: LotStatus | None = None
    """Whether their goods may be promised."""
    expiring_before: Day | None = Field(
        default=None, description="Whose last day is before this one; expired ones included."
    )


@router.get("", responses=problems(*READ))
async def list_lots(
    query: Annotated[LotQuery, fastapi.Query()],
    _caller: Annotated[Caller, require("inventory:read")],
    db: Db,
    request: Request,
) -> Page[LotView]:
    """Newest first."""
    found = search_lots(**query.model_dump(exclude={"limit", "after"}))
    rows, more = await get_page(
        db, LotRead, found, LotRead.id, after=query.after, limit=query.limit
    )
    views = [view(LotView, row) for row in rows]
    return Page[LotView].of(views, request.url.path, query, last_id(rows, more))


@router.get("/{lot_id}", response_model=LotView, responses=NOT_MODIFIED | problems(*READ, NotFound))
async def show_lot(
    lot_id: LotName,
    _caller: Annotated[Caller, require("inventory:read")],
    db: Db,
    has: IfNoneMatch = None,
) -> Response:
    """One lot, with what there is of it."""
    row = await get_lot(db, lot_id)
    return tagged(row.version, view(LotView, row).model_dump_json().encode(), has)


@router.post(
    "",
    status_code=201,
    response_model=LotView,
    responses=LOCATED | problems(*READ, *BODY, *KEYED, AlreadyExists, NotFound),
)
async def add_lot(
    lot: CreateLot,
    caller: Annotated[Caller, require("lots:change")],
    key: RequiredKey,
    books: Books,
) -> Response:
    """Add a lot before its first goods come; else the adjustment that brings them makes it."""

    async def write(db: AsyncConnection, new_id: UUID) -> LotView:
        return view(LotView, await create_lot(db, new_id, lot, actor=caller.subject))

    made = await idempotent_create(books, caller, key, "POST /inventory/lots", lot, write)
    return keyed_response(made, f"/inventory/lots/{made.resource_id}")


@router.patch(
    "/{lot_id}",
    response_model=LotView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, Stale),
)
async def change_lot(
    lot_id: LotName,
    body: LotChange,
    caller: Annotated[Caller, require("lots:change")],
    key: OptionalKey,
    books: Books,
    meant: IfMatch = None,
) -> Response:
    """Change a lot; what is left out stays."""

    async def write(db: AsyncConnection, _: UUID) -> LotView:
        row = await lock_lot(db, lot_id)
        check_match(row.version, meant)
        await apply_change(db, row, body, actor=caller.subject)
        return view(LotView, await get_lot(db, lot_id))

    route = f"PATCH /inventory/lots/{lot_id}"
    return keyed_response(await idempotent_change(books, caller, key, route, body, write))


async def _decide(
    books: Books,
    caller: Caller,
    key: OptionalKey,
    route: str,
    body: LotReason,
    change: Change,
    *,
    traced: bool = False,
) -> Response:
    """Change a lot's status, once for a key, and answer with the lot."""

    async def write(db: AsyncConnection, _: UUID) -> LotView:
        row = await get_lot(db, await change(db))
        if not traced:
            return view(LotView, row)
        found = await trace_forward(db, Traced(lots=[row.id]), caller.reach)
        listed = trace_of(found, caller).model_dump(include={"stock", "shipped", "used", "more"})
        return view(RecallView, row, **listed)

    return keyed_response(await idempotent_change(books, caller, key, route, body, write))


@router.post(
    "/{lot_id}/quarantine",
    response_model=LotView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, IllegalMove),
)
async def quarantine_lot(
    lot_id: LotName,
    body: LotReason,
    caller: Annotated[Caller, require("lots:inspect")],
    key: OptionalKey,
    books: Books,
) -> Response:
    """Take all of a lot off sale until it is released; what orders hold of it is swapped."""

    async def change(db: AsyncConnection) -> UUID:
        await set_aside(db, lot_id, LotStatus.QUARANTINED, body.reason, actor=caller.subject)
        return lot_id

    route = f"POST /inventory/lots/{lot_id}/quarantine"
    return await _decide(books, caller, key, route, body, change)


@router.post(
    "/{lot_id}/recall",
    response_model=RecallView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, IllegalMove),
)
async def recall_lot(
    lot_id: LotName,
    body: LotReason,
    caller: Annotated[Caller, require("lots:inspect")],
    key: OptionalKey,
    books: Books,
) -> Response:
    """Take all of a lot off sale for good; what orders hold of it is swapped."""

    async def change(db: AsyncConnection) -> UUID:
        await set_aside(db, lot_id, LotStatus.RECALLED, body.reason, actor=caller.subject)
        return lot_id

    route = f"POST /inventory/lots/{lot_id}/recall"
    return await _decide(books, caller, key, route, body, change, traced=True)


@router.post(
    "/{lot_id}/release",
    response_model=LotView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, IllegalMove),
)
async def release_lot(
    lot_id: LotName,
    body: LotReason,
    caller: Annotated[Caller, require("lots:inspect")],
    key: OptionalKey,
    books: Books,
) -> Response:
    """Put a lot in quarantine on sale again; not one that has expired."""

    async def change(db: AsyncConnection) -> UUID:
        await free_lot(db, lot_id, LotStatus.AVAILABLE, body.reason, actor=caller.subject)
        return lot_id

    route = f"POST /inventory/lots/{lot_id}/release"
    return await _decide(books, caller, key, route, body, change)


@router.post(
    "/{lot_id}/withdraw_recall",
    response_model=LotView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, IllegalMove),
)
async def withdraw_recall_lot(
    lot_id: LotName,
    body: LotReason,
    caller: Annotated[Caller, require("lots:withdraw")],
    key: OptionalKey,
    books: Books,
) -> Response:
    """Take a recall back: the lot is in quarantine then."""

    async def change(db: AsyncConnection) -> UUID:
        await free_lot(db, lot_id, LotStatus.QUARANTINED, body.reason, actor=caller.subject)
        return lot_id

    route = f"POST /inventory/lots/{lot_id}/withdraw_recall"
    return await _decide(books, caller, key, route, body, change)
