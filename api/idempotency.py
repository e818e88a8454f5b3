"""Idempotency: a request repeated under its Idempotency-Key is done once and answered alike.

The key's form, the fingerprint of what is asked under it, and the two ways of keeping an answer.
Answers are values: who serves HTTP makes a response of them.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Depends, Request
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import Headers

from api.refusals import TimedOut, Unreadable
from db.engine import Database
from db.idempotency import (
    Answer,
    Claim,
    Claimed,
    claim_key,
    claim_or_take_over,
    complete,
    find_key,
    free,
    known_answer,
    leave,
)
from db.turns import asking_for
from domain.access import Caller
from domain.errors import DomainError, KeyInProgress, KeyMissing, KeyReused
from domain.ids import new_id
from domain.sources import DIRECT, Sourced

HEADER = "Idempotency-Key"
LONGEST = 255
_KEY = rf"[!#-~]{{1,{LONGEST}}}"
PATTERN = f'^({_KEY}|"{_KEY}")$'
"""What the header may look like."""

PATIENCE = 2.0
"""Seconds for which a repeated request waits for the first one's answer."""
POLL = 0.1


def parse_key(headers: Headers) -> str:
    """Return the key, without the quotes that a structured field may have.

    1 to 255 visible ASCII characters other than quotes. Raises KeyMissing without one and
    Unreadable for two or a malformed one.
    """
    given = headers.getlist(HEADER)
    if not given:
        raise KeyMissing(f"send an {HEADER} header, so that repeating the request is safe")
    if len(given) > 1:
        raise Unreadable(f"there is more than one {HEADER} header")
    key = given[0].strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not re.fullmatch(_KEY, key):
        raise Unreadable(
            f"the {HEADER} must be 1 to {LONGEST} visible ASCII characters, none a quote"
        )
    return key


def fingerprint(route: str, body: BaseModel | None) -> str:
    """Name what is asked: ``route`` is method and path, with ids, such as ``POST /orders``.

    Computed from the parsed body, so white space, the order of members and spelled-out defaults
    make no difference.
    """
    content: Any = {} if body is None else body.model_dump(mode="json")
    canonical = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(route.encode() + b"\n" + canonical).hexdigest()


def claim_of(
    caller: Caller, key: str, route: str, body: BaseModel | None, given: BaseModel | None = None
) -> Claim:
    """Return the place of a caller's request in the idempotency record.

    ``given`` is the body as it came, if ``body`` is what became of it.
    """
    return Claim(
        caller.identity,
        key,
        route,
        fingerprint(route, body),
        former_caller=caller.former_identity,
        former_fingerprint=fingerprint(route, _as_before(given or body)),
        customer_id=caller.reach.customer_id,
    )


def _as_before(body: BaseModel | None) -> BaseModel | None:
    """Return the body as the release before read it, to which no source was ``api``."""
    if isinstance(body, Sourced) and body.source is None:
        return body.model_copy(update={"source": DIRECT})
    return body


async def required_key(request: Request) -> str:
    """Return the key; raise KeyMissing without one."""
    return parse_key(request.headers)


RequiredKey = Annotated[str, Depends(required_key)]
"""The key of a request that must have one."""


async def optional_key(request: Request) -> str | None:
    """Return the key if there is one."""
    return parse_key(request.headers) if HEADER in request.headers else None


OptionalKey = Annotated[str | None, Depends(optional_key)]
"""The key of a request that may have one."""


async def idempotent_create(
    books: Database,
    caller: Caller,
    key: str,
    route: str,
    body: BaseModel,
    write: Callable[[AsyncConnection, UUID], Awaitable[BaseModel]],
    given: BaseModel | None = None,
    *,
    status: int = 201,
) -> Answer:
    """Create something in one transaction with its key; a repeat gets the first answer.

    ``write`` gets the id to use and returns what was made; ``route`` is method and path, such as
    ``POST /customers``; ``given`` is the body as it came, if ``body`` is what became of it.
    Raises KeyReused and whatever ``write`` refuses with, which frees the key.
    """
    return await _at_once(books, claim_of(caller, key, route, body, given), write, status)


async def idempotent_change(
    books: Database,
    caller: Caller,
    key: str | None,
    route: str,
    body: BaseModel | None,
    write: Callable[[AsyncConnection, UUID], Awaitable[BaseModel]],
) -> Answer:
    """Change something in one transaction with its key, if there is one; a repeat gets the answer.

    ``write`` returns the document after the change. Raises KeyReused and whatever ``write`` refuses
    with, which frees the key.
    """
    claim = None if key is None else claim_of(caller, key, route, body)
    return await _at_once(books, claim, write, 200)


async def _at_once(
    books: Database,
    claim: Claim | None,
    write: Callable[[AsyncConnection, UUID], Awaitable[BaseModel]],
    status: int,
) -> Answer:
    fresh = new_id()
    async with books.begin() as db:
        known = None if claim is None else await claim_key(db, claim, fresh)
        if isinstance(known, DomainError):
            raise known
        if known is not None:
            return known
        made = (await write(db, fresh)).model_dump_json()
        if claim is not None:
            await complete(db, claim, status=status, answer=made)
    return Answer(fresh, made, status, replayed=False)


async def idempotent(
    books: Database,
    caller: Caller,
    key: str | None,
    route: str,
    body: BaseModel | None,
    run: Callable[[UUID], Awaitable[BaseModel]],
    *,
    status: int = 200,
) -> Answer:
    """Ask for something outside our transaction once, and keep its answer.

    ``run`` gets an id that a takeover of the same request gets again, and returns the document.
    ``route`` names method and path with the document's id. Without a key it just runs. A refusal
    frees the key; after any other failure what was asked for may have happened, so that a repeat
    takes it over with the same id. Raises KeyReused, and KeyInProgress after waiting.
    """
    if key is None:
        fresh = new_id()
        return Answer(fresh, (await run(fresh)).model_dump_json(), status, replayed=False)
    claim = claim_of(caller, key, route, body)
    deadline = time.monotonic() + PATIENCE
    while True:
        async with books.begin() as db:
            mine = await claim_or_take_over(db, claim, new_id())
            row = None if mine else await find_key(db, claim)
        if mine is not None:
            return await _run(books, claim, mine, run, status)
        known = None if row is None else known_answer(row, claim)
        if isinstance(known, Answer):
            return known
        if isinstance(known, KeyReused):
            raise known
        if time.monotonic() > deadline:
            raise KeyInProgress("a request with this Idempotency-Key is still running")
        await asyncio.sleep(POLL)


async def _run(
    books: Database,
    claim: Claim,
    mine: Claimed,
    run: Callable[[UUID], Awaitable[BaseModel]],
    status: int,
) -> Answer:
    try:
        answer = (await run(mine.resource_id)).model_dump_json()
    except BaseException as failure:
        # Also when the request is given up: the database may be what is away, and then the claim
        # is taken over later.
        refused = isinstance(failure, DomainError) and not isinstance(failure, TimedOut)
        with suppress(SQLAlchemyError, OSError):
            await asyncio.shield(_let_go(books, claim, mine.created_at, refused=refused))
        raise
    # What was done is kept, however many other requests of this caller wait.
    with asking_for(None):
        async with books.begin() as db:
            await complete(db, claim, status=status, answer=answer, claimed_at=mine.created_at)
    return Answer(mine.resource_id, answer, status, replayed=False)


async def _let_go(books: Database, claim: Claim, claimed_at: datetime, *, refused: bool) -> None:
    with asking_for(None):
        async with books.begin() as db:
            await (free if refused else leave)(db, claim, claimed_at=claimed_at)
