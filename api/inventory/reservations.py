"""HTTP for reservations: what is promised to whom, and what is held by hand."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.inventory.holding import release_by_hand, reserve_by_hand
from api.answers import keyed_response
from api.deps import Books, Db, require
from api.fields import CreatedAt, ItemRef, OwnId, SiteRef, Sku, by_id
from api.headers import LOCATED
from api.idempotency import OptionalKey, RequiredKey, idempotent_change, idempotent_create
from api.pages import Page, PageQuery
from api.problems import BODY, KEYED, READ, problems
from api.rows import last_id, view
from db.inventory.reservations import get_reservation, reservations_of, search_reservations
from db.inventory.tables import ReservationRow
from db.pages import get_page
from domain.access import Caller
from domain.errors import IllegalMove, NotFound, OutOfStock
from domain.ids import LocationId, LotId
from domain.inventory import ReservationStatus
from domain.quantities import Quantity
from domain.reservations import ReleaseReservation, ReserveStock
from domain.value import Name, Value

router = APIRouter(prefix="/inventory/reservations", tags=["inventory"])


class ReservationView(Value):
    """Units of an item at a place that are promised to a document, or held by hand."""

    id: OwnId[UUID]
    item_id: ItemRef
    sku: Sku
    site_id: SiteRef
    location_id: LocationId
    """Where they lie."""
    lot_id: LotId | None
    """Of which lot; null of items without lots."""
    lot: str | None
    """The lot's code."""
    quantity: Quantity
    """Units."""
    document_type: str
    """What kind of document holds them, such as `order`; `manual`: held by hand."""
    document_id: UUID | None = Field(
        description="Which one, or the request by hand that this is a part of; null for callers who"
        " may not see it."
    )
    line_id: UUID | None
    """Which line of it; null where `document_id` is."""
    status: ReservationStatus
    """`consumed`: the goods have left, or were used."""
    reference: str | None
    """What they are held for by hand; null of documents, and where `document_id` is."""
    expires_at: datetime | None
    """When what is held by hand is let go by itself; null of documents."""
    reserved_by: str | None
    """Who holds them by hand; null of documents, and where `document_id` is."""
    created_at: CreatedAt
    ended_at: datetime | None
    """When it ended, in whatever way; null while it is active."""


class ReservationQuery(PageQuery):
    """Which reservations."""

    item_id: UUID | None = None
    """Of this item."""
    sku: Name | None = None
    """Of the item with this name for people, in any case."""
    site_id: UUID | None = None
    """At this site."""
    lot_id: UUID | None = None
    """Of this lot."""
    document_type: Name | None = None
    """Of this kind of document, such as `order`, `work_order` or `manual`."""
    document_id: UUID | None = None
    """Of this document, or of this request by hand."""
    status: ReservationStatus = ReservationStatus.ACTIVE
    """In this state."""


class HeldView(Value):
    """What is held by one request: a part for each shelf and lot that it is taken from."""

    items: tuple[ReservationView, ...]
    """Each is let go by itself."""


@router.get("", responses=problems(*READ))
async def search_reserved(
    query: Annotated[ReservationQuery, fastapi.Query()],
    caller: Annotated[Caller, require("inventory:read")],
    db: Db,
    request: Request,
) -> Page[ReservationView]:
    """What is promised, newest first; an integration is told the documents of its own source."""
    found = search_reservations(caller.reach, **query.model_dump(exclude={"limit", "after"}))
    rows, more = await get_page(
        db, ReservationRow, found, ReservationRow.id, after=query.after, limit=query.limit
    )
    views = [view(ReservationView, row) for row in rows]
    return Page[ReservationView].of(views, request.url.path, query, last_id(rows, more))


@router.post(
    "",
    status_code=201,
    response_model=HeldView,
    responses=LOCATED | problems(*READ, *BODY, *KEYED, NotFound, OutOfStock),
)
async def reserve(
    asked: ReserveStock,
    caller: Annotated[Caller, require("inventory:reserve")],
    key: RequiredKey,
    books: Books,
) -> Response:
    """Hold units at a site for a reference, until they are let go or a moment has come."""

    async def write(db: AsyncConnection, document_id: UUID) -> HeldView:
        source = caller.reach.source
        await reserve_by_hand(db, document_id, asked, actor=caller.subject, source=source)
        rows = await reservations_of(db, document_id)
        return HeldView(items=tuple(view(ReservationView, row) for row in rows))

    made = await idempotent_create(books, caller, key, "POST /inventory/reservations", asked, write)
    return keyed_response(made, f"/inventory/reservations?document_id={made.resource_id}")


@router.post(
    "/{reservation_id}/release",
    response_model=ReservationView,
    responses=problems(*READ, *KEYED, *BODY, NotFound, IllegalMove),
)
async def let_go(
    reservation_id: Annotated[UUID, by_id("reservation")],
    asked: ReleaseReservation,
    caller: Annotated[Caller, require("inventory:reserve")],
    key: OptionalKey,
    books: Books,
) -> Response:
    """Let go of what is held by hand; what a document holds it lets go itself."""

    async def write(db: AsyncConnection, _: UUID) -> ReservationView:
        await release_by_hand(
            db, reservation_id, asked.reason, actor=caller.subject, reach=caller.reach
        )
        return view(ReservationView, await get_reservation(db, reservation_id, caller.reach))

    route = f"POST /inventory/reservations/{reservation_id}/release"
    return keyed_response(await idempotent_change(books, caller, key, route, asked, write))
