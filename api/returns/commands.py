"""HTTP for what people decide about returns and book of them: rows, of which the run hears."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.deciding import authorize_return, cancel_return, reject_return
from activities.returns.inspecting import inspect_return
from activities.returns.receiving import finish_receiving, receive_return
from activities.returns.settling import close_return
from api.answers import keyed_response
from api.deps import Books, Serving, require
from api.fields import by_id
from api.idempotency import OptionalKey, RequiredKey, idempotent_change
from api.notifier import Notifier
from api.problems import BODY, KEYED, READ, problems
from api.returns.showing import show_closed, show_return
from api.returns.views import ClosedView, ReturnView
from domain.access import Caller
from domain.errors import CurrencyMismatch, IllegalMove, NotFound, QuantityExceeded
from domain.policy import Policy
from domain.returns.requests import CancelReturn, InspectReturn, ReceiveReturn, RejectReturn

router = APIRouter(prefix="/returns", tags=["returns"])
DECIDED = (*READ, *KEYED, NotFound, IllegalMove)
Id = Annotated[UUID, by_id("return")]


@dataclass(frozen=True)
class ReturnDecisions:
    """Writes what people decide and book about returns, and has the run hear of it."""

    books: Books
    notifier: Notifier
    services: Serving

    async def __call__(
        self,
        return_id: UUID,
        verb: str,
        caller: Caller,
        key: str | None,
        body: BaseModel | None,
        decide: Callable[[AsyncConnection, UUID], Awaitable[None]],
        show: Callable[[AsyncConnection, UUID, Caller, Policy], Awaitable[BaseModel]] = show_return,
    ) -> Response:
        """Decide once per key, and answer with the return after it."""

        async def write(db: AsyncConnection, fresh_id: UUID) -> BaseModel:
            await decide(db, fresh_id)
            return await show(db, return_id, caller, self.services.settings.policy)

        route = f"POST /returns/{return_id}/{verb}"
        done = await idempotent_change(self.books, caller, key, route, body, write)
        self.notifier.notify()
        return keyed_response(done)


Decisions = Annotated[ReturnDecisions, Depends()]


@router.post("/{return_id}/authorize", response_model=ReturnView, responses=problems(*DECIDED))
async def authorize(
    return_id: Id,
    caller: Annotated[Caller, require("returns:authorize")],
    key: OptionalKey,
    decided: Decisions,
) -> Response:
    """Let the goods of a requested return come; once is as good as twice."""

    async def decide(db: AsyncConnection, _: UUID) -> None:
        policy, actor = decided.services.settings.policy, caller.subject
        await authorize_return(db, return_id, policy, actor=actor, reach=caller.reach)

    return await decided(return_id, "authorize", caller, key, None, decide)


@router.post("/{return_id}/approve", response_model=ReturnView, responses=problems(*DECIDED))
async def approve(
    return_id: Id,
    caller: Annotated[Caller, require("returns:authorize")],
    key: OptionalKey,
    decided: Decisions,
) -> Response:
    """The same as `authorize`, by its other name."""
    return await authorize(return_id, caller, key, decided)


@router.post("/{return_id}/reject", response_model=ReturnView, responses=problems(*DECIDED, *BODY))
async def reject(
    return_id: Id,
    body: RejectReturn,
    caller: Annotated[Caller, require("returns:reject")],
    key: OptionalKey,
    decided: Decisions,
) -> Response:
    """Say no to a requested return; its units can be returned anew."""

    async def decide(db: AsyncConnection, _: UUID) -> None:
        actor, reach = caller.subject, caller.reach
        await reject_return(db, return_id, body.reason, actor=actor, reach=reach)

    return await decided(return_id, "reject", caller, key, body, decide)


@router.post("/{return_id}/cancel", response_model=ReturnView, responses=problems(*DECIDED, *BODY))
async def cancel(
    return_id: Id,
    body: CancelReturn,
    caller: Annotated[Caller, require("returns:cancel")],
    key: OptionalKey,
    decided: Decisions,
) -> Response:
    """Give a return up of which nothing has come; its units can be returned anew."""

    async def decide(db: AsyncConnection, _: UUID) -> None:
        actor, reach = caller.subject, caller.reach
        await cancel_return(db, return_id, body.reason, actor=actor, reach=reach)

    return await decided(return_id, "cancel", caller, key, body, decide)


@router.post(
    "/{return_id}/receive",
    response_model=ReturnView,
    responses=problems(*DECIDED, *BODY, QuantityExceeded),
)
async def receive(
    return_id: Id,
    body: ReceiveReturn,
    caller: Annotated[Caller, require("returns:receive")],
    key: RequiredKey,
    decided: Decisions,
) -> Response:
    """Book what a parcel held: it is added to what came before, and goes into quarantine."""

    async def decide(db: AsyncConnection, receipt_id: UUID) -> None:
        actor, reach = caller.subject, caller.reach
        await receive_return(db, return_id, receipt_id, body, actor=actor, reach=reach)

    return await decided(return_id, "receive", caller, key, body, decide)


@router.post(
    "/{return_id}/finish_receiving", response_model=ReturnView, responses=problems(*DECIDED)
)
async def finish(
    return_id: Id,
    caller: Annotated[Caller, require("returns:receive")],
    key: OptionalKey,
    decided: Decisions,
) -> Response:
    """Go on with what has come; what has not can be returned anew."""

    async def decide(db: AsyncConnection, _: UUID) -> None:
        await finish_receiving(db, return_id, actor=caller.subject, reach=caller.reach)

    return await decided(return_id, "finish_receiving", caller, key, None, decide)


@router.post(
    "/{return_id}/inspect",
    response_model=ReturnView,
    responses=problems(*DECIDED, *BODY, QuantityExceeded, CurrencyMismatch),
)
async def inspect(
    return_id: Id,
    body: InspectReturn,
    caller: Annotated[Caller, require("returns:inspect")],
    key: RequiredKey,
    decided: Decisions,
) -> Response:
    """Say what became of units that have come; with the last of them the customer gets its due."""

    async def decide(db: AsyncConnection, _: UUID) -> None:
        actor, reach = caller.subject, caller.reach
        await inspect_return(db, return_id, body, actor=actor, reach=reach)

    return await decided(return_id, "inspect", caller, key, body, decide)


@router.post("/{return_id}/close", response_model=ClosedView, responses=problems(*DECIDED))
async def close(
    return_id: Id,
    caller: Annotated[Caller, require("returns:close")],
    key: OptionalKey,
    decided: Decisions,
) -> Response:
    """Close an inspected return that has nothing open; once is as good as twice."""

    async def decide(db: AsyncConnection, _: UUID) -> None:
        policy = decided.services.settings.policy
        await close_return(db, return_id, policy, actor=caller.subject, reach=caller.reach)

    return await decided(return_id, "close", caller, key, None, decide, show_closed)
