"""The routes that documents of any kind have: timeline, process, holds, and requests to a run."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import fastapi
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.workflow import UpdateMethodMultiParam

from api.answers import json_response, keyed_response
from api.deps import Books, Serving, require
from api.fields import by_id
from api.idempotency import OptionalKey, RequiredKey, idempotent
from api.pages import Limit, Page, Query, page
from api.problems import BODY, KEYED, READ, problems
from api.process import LeftOut, describe, waiting_in_books
from api.refusals import TimedOut
from api.rows import shown
from api.steering import Steer
from api.views import EventView, ProcessView, Wait
from db.documents import DOCUMENTS
from db.holds import check_free, is_released, require_hold
from db.reads.timeline import get_timeline
from db.runs import get_run
from db.waiting import parts_of
from domain.access import Caller
from domain.disclosure import disclose_event
from domain.documents import PLACE_HOLD, PROCESSES, RELEASE_HOLD, Document, Kind
from domain.errors import AlreadyExists, IllegalMove, NotFound, PartnerUnavailable
from domain.holds import (
    HoldPlacement,
    HoldReason,
    HoldRelease,
    PlaceHold,
    ReleaseHold,
    check_release,
)

View = TypeVar("View", bound=BaseModel)
_NO_WORDS = ReleaseHold()

REFUSALS = (*READ, *KEYED, NotFound, IllegalMove, PartnerUnavailable)
"""What a request to a running document may answer."""


class TimelineQuery(Query):
    """Which part of a timeline."""

    limit: Limit = 100
    after: int = Field(
        default=0, ge=0, lt=2**31, description="The `sequence` of the last event seen."
    )


def timeline(router: APIRouter, kind: Kind) -> None:
    """Add ``/{id}/timeline`` for who may read documents of this kind."""

    @router.get(
        f"/{{{kind}_id}}/timeline",
        response_model=Page[EventView],
        responses=problems(*READ, NotFound),
        description=f"All that happened to the {kind}, oldest first. Read on at `next`, nothing is"
        " missed or seen twice, also of what happens meanwhile.",
    )
    async def timeline(
        document_id: Annotated[UUID, by_id(kind, f"{kind}_id")],
        query: Annotated[TimelineQuery, fastapi.Query()],
        caller: Annotated[Caller, require(f"{kind}s:read")],
        books: Books,
        request: Request,
    ) -> Response:
        document = Document(kind, document_id)
        events, more = await get_timeline(
            books, document, caller.reach, after=query.after, limit=query.limit
        )
        views = shown("EventView", partial(disclose_event, caller=caller), events)
        end = events[-1]["sequence"] if more else None
        return json_response(page(views, request.url.path, query, end))


async def _nothing_else(_db: AsyncConnection, _document_id: UUID) -> list[Wait]:
    return []


def process(
    router: APIRouter,
    kind: Kind,
    *,
    also: Callable[[AsyncConnection, UUID], Awaitable[list[Wait]]] = _nothing_else,
) -> None:
    """Add ``/{id}/process`` for who may read documents of this kind.

    ``also`` returns what only such a document may wait for.
    """

    @router.get(
        f"/{{{kind}_id}}/process",
        response_model=ProcessView,
        responses=problems(*READ, NotFound),
        description=f"What the {kind} waits for, since when, what was tried, and what comes next.",
    )
    async def process(
        document_id: Annotated[UUID, by_id(kind, f"{kind}_id")],
        caller: Annotated[Caller, require(f"{kind}s:read")],
        books: Books,
        services: Serving,
    ) -> ProcessView:
        document = Document(kind, document_id)
        async with books.read() as db:
            parts, more_parts = await parts_of(db, document, caller.reach)
            waits, more_waits = await waiting_in_books(db, document, caller)
            waits += await also(db, document_id)
        left_out = LeftOut(parts=more_parts, waits=more_waits)
        return await describe(services.temporal, document, parts, waits, caller, left_out)


Check = Callable[[AsyncConnection], Awaitable[None]]
"""Raises what the books refuse."""
Look = Callable[[AsyncConnection], Awaitable[bool]]
"""Whether what is asked for is so by now."""


@dataclass(frozen=True)
class DocumentCommands(ABC, Generic[View]):
    """Requests to the running documents of a kind: checked in the books, decided by the run.

    What the books refuse leaves no trace in the run.
    """

    books: Books
    steering: Steer

    @abstractmethod
    async def look(self, document_id: UUID, caller: Caller) -> View:
        """Return the document as it is now; raise NotFound."""

    async def ask(
        self,
        document: Document,
        caller: Caller,
        update: UpdateMethodMultiParam[[Any, Any], Any] | str,
        request: BaseModel,
        request_id: UUID,
        check: Check | None = None,
        fulfilled: Look | None = None,
    ) -> View:
        """Send a request to the document's run and return the document after it.

        Refuses before what has ended, what ``check`` refuses, and what is not the caller's. What
        ``fulfilled`` finds done, by whomever, before or after a refusal, needs no more asking.
        """
        try:
            async with self.books.read() as db:
                run = await get_run(db, document, caller.reach)
                done = fulfilled is not None and await fulfilled(db)
                if not done:
                    DOCUMENTS[document.kind].check_running(run.status)
                    if check is not None:
                        await check(db)
            # No connection is held while the run, or the look at the document, needs one.
            if not done:
                await self.steering.ask(document, update, request, request_id)
        except (IllegalMove, TimedOut, PartnerUnavailable):
            async with self.books.read() as db:
                if fulfilled is None or not await fulfilled(db):
                    raise
        return await self.look(document.id, caller)


def holds(
    router: APIRouter, kind: Kind, commands: type[DocumentCommands[View]], view: type[View]
) -> None:
    """Add ``/{id}/holds`` and ``/{id}/holds/{hold_id}/release`` for who may hold such documents.

    The kind's workflow takes the updates ``place_hold`` and ``release_hold``.
    """
    path = PROCESSES[kind].path

    @router.post(
        f"/{{{kind}_id}}/holds",
        response_model=view,
        status_code=201,
        responses=problems(*REFUSALS, *BODY, AlreadyExists),
        description=f"Stop the {kind} until the hold is released; what is under way at a partner"
        " still ends.",
    )
    async def hold(
        document_id: Annotated[UUID, by_id(kind, f"{kind}_id")],
        body: PlaceHold,
        caller: Annotated[Caller, require(f"{path}:hold")],
        key: RequiredKey,
        documents: Annotated[DocumentCommands[View], Depends(commands)],
    ) -> Response:
        document = Document(kind, document_id)

        async def run(request_id: UUID) -> View:
            placement = HoldPlacement(
                document=document,
                hold_id=request_id,
                actor=caller.subject,
                reason=body.reason,
                note=body.note,
            )
            # One with this id is ours: its answer was lost.
            check = partial(check_free, placement=placement)
            return await documents.ask(document, caller, PLACE_HOLD, placement, request_id, check)

        route = f"POST /{path}/{document_id}/holds"
        answer = await idempotent(documents.books, caller, key, route, body, run, status=201)
        return keyed_response(answer)

    @router.post(
        f"/{{{kind}_id}}/holds/{{hold_id}}/release",
        response_model=view,
        responses=problems(*REFUSALS, *BODY),
        description=f"Release one hold; with the last one the {kind} goes on. A hold `credit_limit`"
        " that was placed by a rule needs `customers:credit`, and a `note` that says why.",
    )
    async def release(
        document_id: Annotated[UUID, by_id(kind, f"{kind}_id")],
        hold_id: Annotated[UUID, by_id("hold")],
        caller: Annotated[Caller, require(f"{path}:hold")],
        key: OptionalKey,
        documents: Annotated[DocumentCommands[View], Depends(commands)],
        body: ReleaseHold = _NO_WORDS,
    ) -> Response:
        document = Document(kind, document_id)
        note = body.note
        asked = HoldRelease(document=document, hold_id=hold_id, actor=caller.subject, note=note)
        # Without a note it is the request that a release before this one knew without a body.
        given = body if note else None

        async def check(db: AsyncConnection) -> None:
            hold = await require_hold(db, hold_id, document)
            check_release(caller, HoldReason(hold.reason), hold.placed_by, note)

        async def run(request_id: UUID) -> View:
            fulfilled = partial(is_released, hold_id=hold_id, document=document)
            return await documents.ask(
                document, caller, RELEASE_HOLD, asked, request_id, check, fulfilled
            )

        route = f"POST /{path}/{document_id}/holds/{hold_id}/release"
        return keyed_response(await idempotent(documents.books, caller, key, route, given, run))
