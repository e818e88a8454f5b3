"""HTTP for returns: what may come back, what comes, what arrived and what became of it."""

from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.accepting import preview_return, request_return
from activities.returns.withdrawing import record_withdrawal
from api.answers import keyed_response
from api.deps import Books, Db, Serving, require
from api.documents import process, timeline
from api.etags import IfNoneMatch, tagged
from api.fields import by_id
from api.idempotency import RequiredKey, idempotent_create
from api.notifier import Notifier
from api.pages import OffsetQuery, Page
from api.problems import BODY, KEYED, NOT_MODIFIED, READ, problems
from api.returns.estimates import EstimateView, estimate_view
from api.returns.showing import show_return
from api.returns.views import ReturnView, return_view
from api.rows import last_id, shown
from db.pages import get_page
from db.returns.reads import PARTS_SIZE, ReturnRead, search_returns
from domain.access import Caller, Role
from domain.documents import Kind
from domain.errors import (
    CurrencyMismatch,
    Forbidden,
    NotFound,
    QuantityExceeded,
    WindowClosed,
)
from domain.returns.requests import (
    RequestReturn,
    ReturnParts,
)
from domain.returns.status import ReturnKind, ReturnStatus, ShipBack
from domain.value import Name

router = APIRouter(prefix="/returns", tags=["returns"])
REFUSED = (NotFound, QuantityExceeded, WindowClosed, CurrencyMismatch)
Id = Annotated[UUID, by_id("return")]


class ReturnQuery(OffsetQuery):
    """Which returns."""

    order_id: UUID | None = None
    """Those with goods of one order, by its `id`."""
    customer_id: UUID | None = None
    """Those of one customer, by its `id`."""
    number: Name | None = None
    """The one with this number."""
    kind: ReturnKind | None = None
    """Those of one kind, such as the undeliverable parcels."""
    status: frozenset[ReturnStatus] = frozenset()
    """Those in one of these states."""
    overdue: bool | None = None
    """Authorized ones whose goods should have come by now, or only others."""


@router.get("", responses=problems(*READ))
async def search(
    query: Annotated[ReturnQuery, fastapi.Query()],
    caller: Annotated[Caller, require("returns:read")],
    db: Db,
    request: Request,
) -> Page[ReturnView]:
    """Newest first; a customer, and an integration, sees those of its own orders."""
    found = search_returns(
        caller.reach,
        order_id=query.order_id,
        customer_id=query.customer_id,
        number=query.number,
        kind=query.kind,
        statuses=query.status,
        overdue=query.overdue,
    )
    rows, more = await get_page(
        db,
        ReturnRead,
        found,
        ReturnRead.id,
        after=query.after,
        limit=query.limit,
        offset=query.offset or 0,
        windows=[query.created(ReturnRead.created_at)],
        parts=PARTS_SIZE,
    )
    views = shown("ReturnView", lambda row: return_view(row, caller), rows)
    return Page[ReturnView].numbered(views, request.url.path, query, last_id(rows, more))


@router.get(
    "/{return_id}", response_model=ReturnView, responses=NOT_MODIFIED | problems(*READ, NotFound)
)
async def show(
    return_id: Id,
    caller: Annotated[Caller, require("returns:read")],
    db: Db,
    services: Serving,
    has: IfNoneMatch = None,
) -> Response:
    """One return with its lines, what became of the units, and what it gives or would give."""
    found = await show_return(db, return_id, caller, services.settings.policy)
    return tagged(found.version, found.model_dump_json().encode(), has)


@router.post("/preview", response_model=EstimateView, responses=problems(*READ, *BODY, *REFUSED))
async def preview(
    body: ReturnParts,
    caller: Annotated[Caller, require("returns:request")],
    db: Db,
    services: Serving,
) -> EstimateView:
    """Say what a return would give back if all of it came and were accepted; refused as it is."""
    dues = await preview_return(db, body, services.settings.policy, caller.reach)
    return estimate_view(dues)


@router.post(
    "",
    status_code=201,
    response_model=ReturnView,
    responses=problems(*READ, *BODY, *KEYED, *REFUSED),
)
async def create(
    body: RequestReturn,
    caller: Annotated[Caller, require("returns:request")],
    key: RequiredKey,
    books: Books,
    notifier: Notifier,
    services: Serving,
) -> Response:
    """Ask for delivered goods to come back: authorized at once by the rules, or put to support.

    Each unit is on one return at most. What goes back is for what is accepted when it is here.
    A consumer's withdrawal is declared with `POST /withdrawals`; staff alone records one here, such
    as from a letter: it is in effect at once, and acknowledged.
    """
    staff = caller.role in (Role.SUPPORT, Role.ADMIN)
    if not staff:
        _check_own(body)

    async def write(db: AsyncConnection, return_id: UUID) -> ReturnView:
        policy, actor, reach = services.settings.policy, caller.subject, caller.reach
        if body.is_by_right:
            dues = await record_withdrawal(db, return_id, body, policy, actor=actor, reach=reach)
        else:
            dues = await request_return(
                db, return_id, body, policy, actor=actor, reach=reach, staff=staff
            )
        return await show_return(db, return_id, caller, policy, dues)

    made = await idempotent_create(books, caller, key, "POST /returns", body, write)
    notifier.notify()
    return keyed_response(made, "/returns")


def _check_own(body: RequestReturn) -> None:
    """Raise Forbidden for what only staff may ask."""
    if body.kind is ReturnKind.WITHDRAWAL:
        raise Forbidden(
            "declare a withdrawal with POST /withdrawals, and confirm it there: only staff may"
            " record one that it was told of otherwise",
            field="kind",
            route="/withdrawals",
        )
    for field, given in (
        ("late_reason", body.late_reason is not None),
        ("ship_back", body.ship_back is ShipBack.NONE),
    ):
        if given:
            raise Forbidden(f"only staff may give {field} so", field=field)


timeline(router, Kind.RETURN)
process(router, Kind.RETURN)
