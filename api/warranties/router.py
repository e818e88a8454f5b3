"""HTTP for warranties: listed, shown, checked, registered by hand, taken back and extended."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.warranties.changing import extend_warranty, void_warranty
from activities.warranties.registering import register_by_hand
from api.answers import keyed_response
from api.deps import Books, Db, require
from api.etags import IfMatch, IfNoneMatch, check_match, tagged
from api.fields import by_id
from api.headers import LOCATED
from api.idempotency import OptionalKey, RequiredKey, idempotent_change, idempotent_create
from api.pages import DatedQuery, Page, Query
from api.problems import BODY, KEYED, NOT_MODIFIED, READ, problems
from api.rows import last_id, shown
from api.warranties.detail import WarrantyDetail, today, warranty_detail
from api.warranties.views import CoverageView, WarrantyView, promise_of, warranty_view
from db.pages import get_page
from db.warranties.reads import WarrantyRead, get_warranty, search_warranties
from db.warranties.tables import WarrantyRow
from db.warranties.writes import lock_warranty
from domain.access import Caller, Role
from domain.errors import Forbidden, IllegalMove, Malformed, NotFound, QuantityExceeded, Stale
from domain.units import Serial
from domain.value import Day, Name
from domain.warranties.coverage import best, judge
from domain.warranties.requests import (
    FOR_STAFF,
    ExtendWarranty,
    RegisterWarranty,
    VoidWarranty,
)
from domain.warranties.status import ShownStatus

router = APIRouter(prefix="/warranties", tags=["warranties"])
Id = Annotated[UUID, by_id("warranty")]
MOST_PROMISES = 100


class WarrantyQuery(DatedQuery):
    """Which warranties."""

    number: Name | None = None
    """The one with this number."""
    serial: Serial | None = None
    """Those on units with this serial, in any case."""
    customer_id: UUID | None = None
    """Those of one owner, by its `id`."""
    item_id: UUID | None = None
    """Those on one item, by its `id`."""
    order_id: UUID | None = None
    """Those on what one order brought, by its `id`."""
    status: frozenset[ShownStatus] = frozenset()
    """Those that are in one of these states today."""
    ending_before: Day | None = None
    """Those whose last day is before this one."""


class CoverageQuery(Query):
    """Which goods, and on which day."""

    serial: Serial | None = None
    """By the serial of the unit, in any case."""
    item_id: UUID | None = None
    """Of which item the unit is, where units of several items have the serial."""
    number: Name | None = None
    """By the number of a warranty on them."""
    order_line_id: UUID | None = None
    """By the line of the order that brought them."""
    on: Day | None = None
    """The day to look at, by UTC; today when left out."""

    def check_named(self) -> None:
        """Raise Malformed unless the goods are named in one way."""
        given = (self.serial, self.number, self.order_line_id)
        said = ""
        if sum(one is not None for one in given) != 1:
            said = "give serial, number or order_line_id: one of them"
        elif self.item_id is not None and self.serial is None:
            said = "item_id is given with serial"
        if said:
            raise Malformed(said, errors=[{"pointer": "/query", "message": said}])


@dataclass(frozen=True)
class Changes:
    """Writes what staff changes about warranties."""

    books: Books

    async def __call__(
        self,
        warranty_id: UUID,
        verb: str,
        caller: Caller,
        key: str | None,
        body: BaseModel,
        meant: str | None,
        change: Callable[[AsyncConnection, WarrantyRow], Awaitable[None]],
    ) -> Response:
        """Change a warranty once per key, if it is the version that was meant."""

        async def write(db: AsyncConnection, _: UUID) -> WarrantyDetail:
            await get_warranty(db, warranty_id, caller.reach)
            row = await lock_warranty(db, warranty_id)
            check_match(row.version, meant)
            await change(db, row)
            return await warranty_detail(db, warranty_id, caller)

        route = f"POST /warranties/{warranty_id}/{verb}"
        return keyed_response(await idempotent_change(self.books, caller, key, route, body, write))


@router.get("", responses=problems(*READ))
async def search(
    query: Annotated[WarrantyQuery, fastapi.Query()],
    caller: Annotated[Caller, require("warranties:read")],
    db: Db,
    request: Request,
) -> Page[WarrantyView]:
    """Newest first; a customer sees its own, an integration those on orders of its source."""
    on = today()
    found = search_warranties(
        caller.reach,
        number=query.number,
        serial=query.serial,
        customer_id=query.customer_id,
        item_id=query.item_id,
        order_id=query.order_id,
        statuses=query.status,
        today=on,
        ending_before=query.ending_before,
    )
    rows, more = await get_page(
        db,
        WarrantyRead,
        found,
        WarrantyRead.id,
        after=query.after,
        limit=query.limit,
        windows=[query.created(WarrantyRead.created_at)],
    )
    views = shown("WarrantyView", lambda row: warranty_view(row, caller, on), rows)
    return Page[WarrantyView].of(views, request.url.path, query, last_id(rows, more))


@router.get("/check", responses=problems(*READ, NotFound))
async def check(
    query: Annotated[CoverageQuery, fastapi.Query()],
    caller: Annotated[Caller, require("warranties:read")],
    db: Db,
) -> CoverageView:
    """Say whether goods are under warranty on a day, by the best of what was promised with them."""
    query.check_named()
    on = query.on or today()
    found = search_warranties(
        caller.reach,
        number=query.number,
        order_line_id=query.order_line_id,
        serial=query.serial,
        item_id=query.item_id,
    )
    rows, _ = await get_page(
        db, WarrantyRead, found, WarrantyRead.id, after=None, limit=MOST_PROMISES
    )
    if not rows:
        raise NotFound("there is no warranty on these goods")
    if len({row.item_id for row in rows}) > 1:
        raise Malformed(
            f"units of several items have this serial: {', '.join(sorted(r.sku for r in rows))}",
            errors=[{"pointer": "/query/item_id", "message": "say of which item"}],
        )
    views = [warranty_view(row, caller, today()) for row in rows]
    place = best([promise_of(row) for row in rows], on)
    verdict = judge(promise_of(rows[place]), on)
    return CoverageView(
        covered=verdict.covered,
        rule=verdict.rule,
        on=on,
        last_day=rows[place].ends_on,
        by=views.pop(place),
        others=tuple(views),
    )


@router.get(
    "/{warranty_id}",
    response_model=WarrantyDetail,
    responses=NOT_MODIFIED | problems(*READ, NotFound),
)
async def show(
    warranty_id: Id,
    caller: Annotated[Caller, require("warranties:read")],
    db: Db,
    has: IfNoneMatch = None,
) -> Response:
    """One warranty with the verdict for today, its claims, and the chain of replacements."""
    found = await warranty_detail(db, warranty_id, caller)
    return tagged(found.version, found.model_dump_json().encode(), has)


@router.post(
    "",
    status_code=201,
    response_model=WarrantyDetail,
    responses=LOCATED | problems(*READ, *BODY, *KEYED, NotFound, QuantityExceeded, IllegalMove),
)
async def register(
    body: RegisterWarranty,
    caller: Annotated[Caller, require("warranties:register")],
    key: RequiredKey,
    books: Books,
) -> Response:
    """Register units that a delivery did not: of a line of an order, or with a proof of purchase.

    Customers register what their own orders brought, such as under a term that starts with the
    registration. What was bought elsewhere staff registers, who has seen the proof.
    """
    staff = caller.role in (Role.SUPPORT, Role.ADMIN)
    if not staff:
        for field in FOR_STAFF:
            if getattr(body, field) is not None:
                raise Forbidden(f"only staff may give {field}", field=field)

    async def write(db: AsyncConnection, new_id: UUID) -> WarrantyDetail:
        await register_by_hand(
            db, new_id, body, actor=caller.subject, reach=caller.reach, staff=staff
        )
        return await warranty_detail(db, new_id, caller)

    made = await idempotent_create(books, caller, key, "POST /warranties", body, write)
    return keyed_response(made, f"/warranties/{made.resource_id}")


@router.post(
    "/{warranty_id}/void",
    response_model=WarrantyDetail,
    responses=problems(*READ, *BODY, *KEYED, NotFound, IllegalMove, Stale),
)
async def void(
    warranty_id: Id,
    body: VoidWarranty,
    caller: Annotated[Caller, require("warranties:void")],
    key: OptionalKey,
    changed: Annotated[Changes, Depends()],
    meant: IfMatch = None,
) -> Response:
    """Take an active warranty back, for a reason; it stays to be seen."""

    async def change(db: AsyncConnection, row: WarrantyRow) -> None:
        await void_warranty(db, row, body, actor=caller.subject)

    return await changed(warranty_id, "void", caller, key, body, meant, change)


@router.post(
    "/{warranty_id}/extend",
    response_model=WarrantyDetail,
    responses=problems(*READ, *BODY, *KEYED, NotFound, IllegalMove, Stale),
)
async def extend(
    warranty_id: Id,
    body: ExtendWarranty,
    caller: Annotated[Caller, require("warranties:extend")],
    key: RequiredKey,
    changed: Annotated[Changes, Depends()],
    meant: IfMatch = None,
) -> Response:
    """Let an active warranty hold longer: all of its months are counted from its first day."""

    async def change(db: AsyncConnection, row: WarrantyRow) -> None:
        await extend_warranty(db, row, body, actor=caller.subject)

    return await changed(warranty_id, "extend", caller, key, body, meant, change)
