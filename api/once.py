"""Requests that may be repeated safely: done once per caller and Idempotency-Key."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from fastapi import Response
from pydantic import BaseModel
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from api.idempotency import fingerprint
from db.engine import Database
from db.idempotency import (
    Claim,
    Earlier,
    claim_key,
    claim_or_take_over,
    complete,
    find_key,
    free,
)
from domain.access import Caller
from domain.errors import DomainError, KeyInProgress, KeyReused
from domain.ids import new_id

PATIENCE = 2.0
"""Seconds for which a repeated request waits for the first one's answer."""
POLL = 0.1


async def create_once(
    books: Database,
    caller: Caller,
    key: str,
    route: str,
    body: BaseModel,
    write: Callable[[AsyncConnection, UUID], Awaitable[BaseModel]],
) -> Response:
    """Create something in one transaction with its key: 201, or the first answer again.

    ``write`` gets the id to use and returns what was made; ``route`` is method and path, such as
    ``POST /customers``. Raises KeyReused and whatever ``write`` refuses with, which frees the key.
    """
    fresh = new_id()
    claim = Claim(caller.subject, key, route, fingerprint(route, body), fresh)
    async with books.begin() as db:
        known = await claim_key(db, claim)
        if isinstance(known, DomainError):
            raise known
        if isinstance(known, Earlier):
            return _created(route, known.resource_id, known.answer, replayed=True)
        made = (await write(db, fresh)).model_dump_json()
        await complete(db, caller=caller.subject, key=key, status=201, answer=made)
    return _created(route, fresh, made, replayed=False)


async def once(
    books: Database,
    caller: Caller,
    key: str | None,
    route: str,
    body: BaseModel | None,
    run: Callable[[UUID], Awaitable[BaseModel]],
    *,
    status: int = 200,
) -> Response:
    """Ask for something outside our transaction once, and keep its answer.

    ``run`` gets an id that a takeover of the same request gets again, and returns the document.
    ``route`` names method and path with the document's id. Without a key it just runs. A refusal
    or failure of ``run`` frees the key. Raises KeyReused, and KeyInProgress after waiting.
    """
    if key is None:
        return _answer((await run(new_id())).model_dump_json(), status)
    asked = fingerprint(route, body)
    deadline = time.monotonic() + PATIENCE
    while True:
        async with books.begin() as db:
            mine = await claim_or_take_over(
                db,
                caller=caller.subject,
                key=key,
                route=route,
                fingerprint=asked,
                resource_id=new_id(),
            )
            known = None if mine else await find_key(db, caller.subject, key)
        if mine is not None:
            return await _run(books, caller, key, mine, run, status)
        if known is not None and (known.route, known.fingerprint) != (route, asked):
            raise KeyReused("this Idempotency-Key belongs to a different request")
        if known is not None and known.state == "done":
            return _answer(known.answer, known.status, replayed=True)
        if time.monotonic() > deadline:
            raise KeyInProgress("a request with this Idempotency-Key is still running")
        await asyncio.sleep(POLL)


async def _run(
    books: Database,
    caller: Caller,
    key: str,
    mine: Row[Any],
    run: Callable[[UUID], Awaitable[BaseModel]],
    status: int,
) -> Response:
    place = {"caller": caller.subject, "key": key, "claimed_at": mine.created_at}
    try:
        answer = (await run(mine.resource_id)).model_dump_json()
    except BaseException:
        # Also when the request is given up: the database may be what is away, and then the claim
        # is taken over later.
        with suppress(SQLAlchemyError, OSError):
            await asyncio.shield(_free(books, place))
        raise
    async with books.begin() as db:
        await complete(db, **place, status=status, answer=answer)
    return _answer(answer, status)


async def _free(books: Database, place: Mapping[str, Any]) -> None:
    async with books.begin() as db:
        await free(db, **place)


def _created(route: str, made: UUID, body: str, *, replayed: bool) -> Response:
    path = route.partition(" ")[2]
    answer = _answer(body, 201, replayed=replayed)
    answer.headers["Location"] = f"{path}/{made}"
    return answer


def _answer(body: str, status: int, *, replayed: bool = False) -> Response:
    headers = {"Idempotent-Replayed": "true"} if replayed else None
    return Response(body, status, headers, "application/json")
