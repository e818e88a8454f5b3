"""HTTP for claims on warranties: filed and judged, shown, decided, appealed and given up."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.claims.accepting import file_claim
from activities.claims.deciding import (
    add_evidence,
    appeal_claim,
    approve_claim,
    deny_claim,
    withdraw_claim,
)
from api.answers import keyed_response
from api.claims.views import ClaimView, claim_view
from api.deps import Books, Db, Serving, require
from api.documents import process, timeline
from api.etags import IfNoneMatch, tagged
from api.fields import by_id
from api.idempotency import OptionalKey, RequiredKey, idempotent_change, idempotent_create
from api.notifier import Notifier
from api.pages import DatedQuery, Page
from api.problems import BODY, KEYED, NOT_MODIFIED, READ, problems
from api.rows import last_id, shown
from db.claims.reads import ClaimRead, get_claim, search_claims
from db.pages import get_page
from domain.access import Caller, Command
from domain.claims.requests import (
    AddEvidence,
    AppealClaim,
    ApproveClaim,
    DenyClaim,
    FileClaim,
    WithdrawClaim,
)
from domain.claims.status import ClaimStatus
from domain.documents import Kind
from domain.errors import AlreadyExists, IllegalMove, NotFound, QuantityExceeded
from domain.policy import Policy
from domain.units import Serial
from domain.value import Name

router = APIRouter(prefix="/warranties/claims", tags=["claims"])
Id = Annotated[UUID, by_id("claim")]


class ClaimQuery(DatedQuery):
    """Which claims."""

    number: Name | None = None
    """The one with this number."""
    serial: Serial | None = None
    """Those on units with this serial, in any case, and those that such units settle."""
    customer_id: UUID | None = None
    """Those of one owner, by its `id`."""
    order_id: UUID | None = None
    """Those on what one order brought, by its `id`."""
    warranty_id: UUID | None = None
    """Those on one warranty, by its `id`."""
    status: frozenset[ClaimStatus] = frozenset()
    """Those in one of these states."""
    goodwill: bool | None = None
    """Those that were approved as goodwill, or only others."""
    overdue: bool | None = None
    """Those whose evidence, or the answer to a question about them, is late; or only others."""


@dataclass(frozen=True)
class Decisions:
    """Writes what becomes of claims, and has their runs hear of it."""

    books: Books
    notifier: Notifier
    services: Serving

    async def __call__(
        self,
        claim_id: UUID,
        verb: str,
        caller: Caller,
        key: str | None,
        body: BaseModel,
        decide: Callable[[AsyncConnection, Policy], Awaitable[None]],
    ) -> Response:
        """Decide once per key, and answer with the claim after it."""

        async def write(db: AsyncConnection, _: UUID) -> ClaimView:
            await decide(db, self.services.settings.policy)
            return await _show(db, claim_id, caller)

        route = f"POST /warranties/claims/{claim_id}/{verb}"
        done = await idempotent_change(self.books, caller, key, route, body, write)
        self.notifier.notify()
        return keyed_response(done)


Decided = Annotated[Decisions, Depends()]
File = Annotated[Caller, require("claims:file")]
Decide = Annotated[Caller, require("claims:decide")]
_DECISION = problems(*READ, *BODY, *KEYED, NotFound, IllegalMove)
_ANEW = problems(*READ, *BODY, *KEYED, NotFound, IllegalMove, AlreadyExists, QuantityExceeded)


@router.get("", responses=problems(*READ))
async def search(
    query: Annotated[ClaimQuery, fastapi.Query()],
    caller: Annotated[Caller, require("claims:read")],
    db: Db,
    request: Request,
) -> Page[ClaimView]:
    """Newest first; a customer sees its own, an integration those on orders of its source."""
    found = search_claims(
        caller.reach,
        number=query.number,
        serial=query.serial,
        customer_id=query.customer_id,
        order_id=query.order_id,
        warranty_id=query.warranty_id,
        statuses=query.status,
        goodwill=query.goodwill,
        overdue=query.overdue,
        costs=caller.may(Command.COSTS_READ),
    )
    rows, more = await get_page(
        db,
        ClaimRead,
        found,
        ClaimRead.id,
        after=query.after,
        limit=query.limit,
        windows=[query.created(ClaimRead.created_at)],
    )
    views = shown("ClaimView", lambda row: claim_view(row, caller), rows)
    return Page[ClaimView].of(views, request.url.path, query, last_id(rows, more))


@router.get(
    "/{claim_id}", response_model=ClaimView, responses=NOT_MODIFIED | problems(*READ, NotFound)
)
async def show(
    claim_id: Id,
    caller: Annotated[Caller, require("claims:read")],
    db: Db,
    has: IfNoneMatch = None,
) -> Response:
    """One claim with how it was judged, the return of its goods and what replaces them."""
    found = await _show(db, claim_id, caller)
    return tagged(found.version, found.model_dump_json().encode(), has)


@router.post(
    "",
    status_code=201,
    response_model=ClaimView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, AlreadyExists, QuantityExceeded),
)
async def create(
    body: FileClaim,
    caller: File,
    key: RequiredKey,
    books: Books,
    notifier: Notifier,
    services: Serving,
) -> Response:
    """Claim a fault of goods under warranty; it is judged at once.

    What is not covered is recorded and denied, with the rule that says so, and may be appealed.
    """

    async def write(db: AsyncConnection, claim_id: UUID) -> ClaimView:
        policy, reach = services.settings.policy, caller.reach
        await file_claim(db, claim_id, body, policy, actor=caller.subject, reach=reach)
        return await _show(db, claim_id, caller)

    made = await idempotent_create(books, caller, key, "POST /warranties/claims", body, write)
    notifier.notify()
    return keyed_response(made, f"/warranties/claims/{made.resource_id}")


@router.post("/{claim_id}/evidence", response_model=ClaimView, responses=_DECISION)
async def evidence(
    claim_id: Id, body: AddEvidence, caller: File, key: OptionalKey, decided: Decided
) -> Response:
    """Show the fault of a claim that is under review; one that waits for it is judged again."""

    async def decide(db: AsyncConnection, policy: Policy) -> None:
        actor, reach = caller.subject, caller.reach
        await add_evidence(db, claim_id, body, policy, actor=actor, reach=reach)

    return await decided(claim_id, "evidence", caller, key, body, decide)


@router.post("/{claim_id}/approve", response_model=ClaimView, responses=_ANEW)
async def approve(
    claim_id: Id, body: ApproveClaim, caller: Decide, key: OptionalKey, decided: Decided
) -> Response:
    """Promise a replacement or the money: the goods come in by a return, under a label of ours.

    The first approval counts. A claim that was denied is approved as goodwill, with a `note`.
    """

    async def decide(db: AsyncConnection, policy: Policy) -> None:
        actor, reach = caller.subject, caller.reach
        await approve_claim(db, claim_id, body, policy, actor=actor, reach=reach)

    return await decided(claim_id, "approve", caller, key, body, decide)


@router.post("/{claim_id}/deny", response_model=ClaimView, responses=_DECISION)
async def deny(
    claim_id: Id, body: DenyClaim, caller: Decide, key: OptionalKey, decided: Decided
) -> Response:
    """Say no to a claim under review, for a reason; the customer may appeal once."""

    async def decide(db: AsyncConnection, _: Policy) -> None:
        await deny_claim(db, claim_id, body, actor=caller.subject, reach=caller.reach)

    return await decided(claim_id, "deny", caller, key, body, decide)


@router.post("/{claim_id}/appeal", response_model=ClaimView, responses=_ANEW)
async def appeal(
    claim_id: Id, body: AppealClaim, caller: File, key: OptionalKey, decided: Decided
) -> Response:
    """Have support look at a denied claim again: once, within 30 days."""

    async def decide(db: AsyncConnection, _: Policy) -> None:
        await appeal_claim(db, claim_id, body, actor=caller.subject, reach=caller.reach)

    return await decided(claim_id, "appeal", caller, key, body, decide)


@router.post("/{claim_id}/withdraw", response_model=ClaimView, responses=_DECISION)
async def withdraw(
    claim_id: Id, body: WithdrawClaim, caller: File, key: OptionalKey, decided: Decided
) -> Response:
    """Give a claim up before its goods come in; its return is cancelled with it."""

    async def decide(db: AsyncConnection, _: Policy) -> None:
        await withdraw_claim(db, claim_id, body, actor=caller.subject, reach=caller.reach)

    return await decided(claim_id, "withdraw", caller, key, body, decide)


timeline(router, Kind.CLAIM)
process(router, Kind.CLAIM)


async def _show(db: AsyncConnection, claim_id: UUID, caller: Caller) -> ClaimView:
    costs = caller.may(Command.COSTS_READ)
    return claim_view(await get_claim(db, claim_id, caller.reach, costs=costs), caller)
