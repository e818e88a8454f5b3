"""HTTP for stock: balances, the ledger, and adjustments."""

from typing import Annotated, Any
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request, Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.inventory.accepting import accept_adjustment
from activities.inventory.moving import move_stock
from activities.inventory.reversing import accept_reversal
from api.answers import keyed_response
from api.deps import Books, Db, require
from api.fields import by_id
from api.headers import LOCATED
from api.idempotency import RequiredKey, idempotent_create
from api.inventory.views import (
    AdjustmentView,
    MovementQuery,
    MovementView,
    PastStockQuery,
    PastStockView,
    StockQuery,
    StockView,
)
from api.pages import Page
from api.problems import BODY, KEYED, READ, problems
from api.rows import last_id, view
from db.inventory.past import get_past_stock
from db.inventory.reads import NO_LOT, get_movement, get_stock, search_movements
from db.inventory.tables import MovementRow
from db.pages import Window, get_page
from domain.access import Caller, Command
from domain.adjustments import AdjustStock, ReverseMovement
from domain.errors import IllegalMove, NotFound, OutOfStock
from domain.moves import MoveStock

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
    rows, more = await get_stock(
        db,
        filters,
        group_by=query.group_by,
        after=_after(query.after),
        limit=query.limit,
    )
    views = [view(StockView, row) for row in rows]
    mark = _mark(rows[-1]) if more else None
    return Page[StockView].of(views, request.url.path, query, mark)


@router.get("/on_hand", responses=problems(*READ))
async def search_on_hand(
    query: Annotated[PastStockQuery, fastapi.Query()],
    _caller: Annotated[Caller, require("inventory:read")],
    db: Db,
    request: Request,
) -> Page[PastStockView]:
    """What was where at a moment, as the movements add up; newest items first."""
    filters = query.model_dump(exclude_none=True, exclude={"limit", "after", "as_of"})
    rows, more = await get_past_stock(
        db, filters, as_of=query.as_of, after=_after(query.after), limit=query.limit
    )
    views = [view(PastStockView, row, as_of=query.as_of) for row in rows]
    mark = _mark(rows[-1]) if more else None
    return Page[PastStockView].of(views, request.url.path, query, mark)


def _after(mark: str | None) -> tuple[UUID, UUID, UUID] | None:
    if mark is None:
        return None
    item, place, *lot = [UUID(part) for part in mark.split("_")]
    # A mark of the release before names no lot.
    return item, place, [*lot, NO_LOT][0]


def _mark(row: Row[Any]) -> str:
    lot = f"_{row.lot_id}" if row.lot_id else ""
    return f"{row.item_id}_{row.place_id}{lot}"


@router.get("/movements", responses=problems(*READ))
async def search_ledger(
    query: Annotated[MovementQuery, fastapi.Query()],
    caller: Annotated[Caller, require("inventory:read")],
    db: Db,
    request: Request,
) -> Page[MovementView]:
    """The ledger, newest first; by when it occurred where that is asked for.

    An integration is told the documents of its own source.
    """
    of_moment = {"occurred_from", "occurred_to"}
    given = query.model_dump(exclude={"limit", "after", *of_moment})
    rows, more = await get_page(
        db,
        MovementRow,
        search_movements(caller.reach, **given),
        MovementRow.id,
        after=query.after,
        limit=query.limit,
        windows=[Window(MovementRow.occurred_at, query.occurred_from, query.occurred_to)],
    )
    views = [view(MovementView, row) for row in rows]
    return Page[MovementView].of(views, request.url.path, query, last_id(rows, more))


@router.get("/movements/{movement_id}", responses=problems(*READ, NotFound))
async def show_movement(
    movement_id: Annotated[UUID, by_id("movement")],
    caller: Annotated[Caller, require("inventory:read")],
    db: Db,
) -> MovementView:
    """One movement, such as that of an adjustment."""
    return view(MovementView, await get_movement(db, movement_id, caller.reach))


@router.post(
    "/adjustments",
    status_code=201,
    response_model=AdjustmentView,
    responses=LOCATED | problems(*READ, *BODY, *KEYED, NotFound, OutOfStock),
)
async def adjust(
    asked: AdjustStock,
    caller: Annotated[Caller, require("inventory:adjust")],
    key: RequiredKey,
    books: Books,
) -> Response:
    """Correct what the books say is at a location; never below what is promised."""

    async def write(db: AsyncConnection, movement_id: UUID) -> AdjustmentView:
        balance = await accept_adjustment(
            db, movement_id, asked, actor=caller.subject, reach=caller.reach
        )
        given = {"quantity": asked.quantity, "reason": asked.reason, "note": asked.note}
        return view(AdjustmentView, balance, id=movement_id, **given)

    route = "POST /inventory/adjustments"
    made = await idempotent_create(books, caller, key, route, asked, write)
    return keyed_response(made, f"/inventory/movements/{made.resource_id}")


@router.post(
    "/movements/{movement_id}/reverse",
    status_code=201,
    response_model=MovementView,
    responses=LOCATED | problems(*READ, *BODY, *KEYED, NotFound, OutOfStock, IllegalMove),
)
async def reverse(
    movement_id: Annotated[UUID, by_id("movement")],
    asked: ReverseMovement,
    caller: Annotated[Caller, require("inventory:adjust")],
    key: RequiredKey,
    books: Books,
) -> Response:
    """Take back an adjustment that was a mistake, by its opposite; once."""

    async def write(db: AsyncConnection, reversal_id: UUID) -> MovementView:
        await accept_reversal(
            db, reversal_id, movement_id, asked, actor=caller.subject, reach=caller.reach
        )
        return view(MovementView, await get_movement(db, reversal_id, caller.reach))

    route = f"POST /inventory/movements/{movement_id}/reverse"
    made = await idempotent_create(books, caller, key, route, asked, write)
    return keyed_response(made, f"/inventory/movements/{made.resource_id}")


@router.post(
    "/moves",
    status_code=201,
    response_model=MovementView,
    responses=LOCATED | problems(*READ, *BODY, *KEYED, NotFound, OutOfStock, IllegalMove),
)
async def move(
    asked: MoveStock,
    caller: Annotated[Caller, require("inventory:move")],
    key: RequiredKey,
    books: Books,
) -> Response:
    """Put goods elsewhere in their site: away, into quarantine, or (inspectors) out of it again."""

    async def write(db: AsyncConnection, movement_id: UUID) -> MovementView:
        await move_stock(
            db,
            movement_id,
            asked,
            actor=caller.subject,
            may_release=lambda: caller.require(Command.INVENTORY_INSPECT),
            reach=caller.reach,
        )
        return view(MovementView, await get_movement(db, movement_id, caller.reach))

    made = await idempotent_create(books, caller, key, "POST /inventory/moves", asked, write)
    return keyed_response(made, f"/inventory/movements/{made.resource_id}")
