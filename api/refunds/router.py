"""HTTP for refunds: money asked to go back, who lets it go, and where it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.refunds.accepting import preview_refund, request_refund
from activities.refunds.deciding import approve_refund, cancel_refund, retry_refund
from api.answers import keyed_response
from api.deps import Books, Db, Serving, require
from api.documents import process, timeline
from api.etags import IfNoneMatch, tagged
from api.fields import by_id
from api.idempotency import OptionalKey, RequiredKey, idempotent_change, idempotent_create
from api.notifier import Notifier
from api.pages import DatedQuery, Page
from api.problems import BODY, KEYED, NOT_MODIFIED, READ, problems
from api.refunds.views import PreviewView, RefundView, preview_view, refund_view
from api.rows import last_id, shown
from db.pages import get_page
from db.refunds.reads import PARTS_SIZE, RefundRead, get_refund, search_refunds
from domain.access import Caller
from domain.documents import Kind
from domain.errors import (
    AmountExceeded,
    CurrencyMismatch,
    IllegalMove,
    NotFound,
    QuantityExceeded,
    SamePerson,
)
from domain.refunds.requests import CancelRefund, RefundParts, RequestRefund
from domain.refunds.status import RefundStatus
from domain.value import Name

router = APIRouter(prefix="/refunds", tags=["refunds"])
EXCEEDED = (AmountExceeded, QuantityExceeded, CurrencyMismatch)


class RefundQuery(DatedQuery):
    """Which refunds."""

    order_id: UUID | None = None
    """Those of one order, by its `id`."""
    return_id: UUID | None = None
    """Those for what one return brought, by its `id`."""
    shipment_id: UUID | None = None
    """Those for one shipment whose goods never arrived, by its `id`."""
    number: Name | None = None
    """The one with this number."""
    status: frozenset[RefundStatus] = frozenset()
    """Those in one of these states."""


@dataclass(frozen=True)
class Decisions:
    """Writes what people decide about refunds, and has the run hear of it."""

    books: Books
    notifier: Notifier

    async def __call__(
        self,
        refund_id: UUID,
        verb: str,
        caller: Caller,
        key: str | None,
        body: BaseModel | None,
        decide: Callable[[AsyncConnection], Awaitable[None]],
    ) -> Response:
        """Decide once per key, and answer with the refund after it."""

        async def write(db: AsyncConnection, _: UUID) -> RefundView:
            await decide(db)
            return await _show(db, refund_id, caller)

        route = f"POST /refunds/{refund_id}/{verb}"
        done = await idempotent_change(self.books, caller, key, route, body, write)
        self.notifier.notify()
        return keyed_response(done)


@router.get("", responses=problems(*READ))
async def search(
    query: Annotated[RefundQuery, fastapi.Query()],
    caller: Annotated[Caller, require("refunds:read")],
    db: Db,
    request: Request,
) -> Page[RefundView]:
    """Newest first; a customer, and an integration, sees those of its own orders."""
    found = search_refunds(
        caller.reach,
        order_id=query.order_id,
        return_id=query.return_id,
        shipment_id=query.shipment_id,
        number=query.number,
        statuses=query.status,
    )
    rows, more = await get_page(
        db,
        RefundRead,
        found,
        RefundRead.id,
        after=query.after,
        limit=query.limit,
        windows=[query.created(RefundRead.created_at)],
        parts=PARTS_SIZE,
    )
    views = shown("RefundView", lambda row: refund_view(row, caller), rows)
    return Page[RefundView].of(views, request.url.path, query, last_id(rows, more))


@router.get(
    "/{refund_id}", response_model=RefundView, responses=NOT_MODIFIED | problems(*READ, NotFound)
)
async def show(
    refund_id: Annotated[UUID, by_id("refund")],
    caller: Annotated[Caller, require("refunds:read")],
    db: Db,
    has: IfNoneMatch = None,
) -> Response:
    """One refund with its lines."""
    found = await _show(db, refund_id, caller)
    return tagged(found.version, found.model_dump_json().encode(), has)


@router.post(
    "/preview",
    response_model=PreviewView,
    responses=problems(*READ, *BODY, NotFound, *EXCEEDED),
)
async def preview(
    body: RefundParts, caller: Annotated[Caller, require("refunds:request")], db: Db
) -> PreviewView:
    """Say what a refund would give back and from which payments; refused as the refund would be."""
    currency, due, tenders = await preview_refund(db, body, caller.reach)
    return preview_view(body.order_id, currency, due, tenders)


@router.post(
    "",
    status_code=201,
    response_model=RefundView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, *EXCEEDED),
)
async def create(
    body: RequestRefund,
    caller: Annotated[Caller, require("refunds:request")],
    key: RequiredKey,
    books: Books,
    notifier: Notifier,
    services: Serving,
) -> Response:
    """Ask for money to go back: delivered goods, shipping, or goodwill without goods.

    Above the limit another person approves it first. What no one payment can give becomes several
    refunds; the answer is the first of them, and the others name it as their parent.
    """

    async def write(db: AsyncConnection, refund_id: UUID) -> RefundView:
        policy = services.settings.policy
        actor, reach = caller.subject, caller.reach
        await request_refund(db, refund_id, body, policy, actor=actor, reach=reach)
        return await _show(db, refund_id, caller)

    made = await idempotent_create(books, caller, key, "POST /refunds", body, write)
    notifier.notify()
    return keyed_response(made, "/refunds")


@router.post(
    "/{refund_id}/approve",
    response_model=RefundView,
    responses=problems(*READ, *KEYED, NotFound, IllegalMove, SamePerson),
)
async def approve(
    refund_id: Annotated[UUID, by_id("refund")],
    caller: Annotated[Caller, require("refunds:approve")],
    key: OptionalKey,
    decided: Annotated[Decisions, Depends()],
) -> Response:
    """Approve a refund that another person has requested; once is as good as twice."""

    async def decide(db: AsyncConnection) -> None:
        await approve_refund(db, refund_id, actor=caller.subject, reach=caller.reach)

    return await decided(refund_id, "approve", caller, key, None, decide)


@router.post(
    "/{refund_id}/cancel",
    response_model=RefundView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, IllegalMove),
)
async def cancel(
    refund_id: Annotated[UUID, by_id("refund")],
    body: CancelRefund,
    caller: Annotated[Caller, require("refunds:cancel")],
    key: OptionalKey,
    decided: Annotated[Decisions, Depends()],
) -> Response:
    """Give a refund up before the provider is asked, or after it has failed."""

    async def decide(db: AsyncConnection) -> None:
        reason, reach = body.reason, caller.reach
        await cancel_refund(db, refund_id, reason, actor=caller.subject, reach=reach)

    return await decided(refund_id, "cancel", caller, key, body, decide)


@router.post(
    "/{refund_id}/retry",
    response_model=RefundView,
    responses=problems(*READ, *KEYED, NotFound, IllegalMove, AmountExceeded),
)
async def retry(
    refund_id: Annotated[UUID, by_id("refund")],
    caller: Annotated[Caller, require("refunds:retry")],
    key: OptionalKey,
    decided: Annotated[Decisions, Depends()],
) -> Response:
    """Have the provider asked once more for a refund that failed."""

    async def decide(db: AsyncConnection) -> None:
        await retry_refund(db, refund_id, actor=caller.subject, reach=caller.reach)

    return await decided(refund_id, "retry", caller, key, None, decide)


timeline(router, Kind.REFUND)
process(router, Kind.REFUND)


async def _show(db: AsyncConnection, refund_id: UUID, caller: Caller) -> RefundView:
    return refund_view(await get_refund(db, refund_id, caller.reach), caller)
