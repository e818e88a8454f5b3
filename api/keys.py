"""API keys: looked up by their hash, remembered for a moment."""

import asyncio
import re
import time
from collections.abc import Callable
from uuid import UUID

from pydantic import ValidationError

from db.access import find_live_key, hash_of
from db.engine import Database
from domain.access import Caller
from domain.errors import Unauthenticated

REMEMBERED = 5.0
"""Seconds for which a verified key is believed; so long a revoked key may still work."""
MOST_REMEMBERED = 10_000
LOOKED_UP_AT_ONCE = 2
"""Keys that were never seen valid, looked up together: made-up ones hold no more connections."""
_FORM = re.compile(r"sk_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{43}")


class ApiKeys:
    """The callers behind API keys."""

    def __init__(self, db: Database, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` counts seconds."""
        self._clock = clock
        self._db = db
        self._known: dict[str, tuple[Caller, float]] = {}
        self._asking: dict[str, asyncio.Task[Caller]] = {}
        self._refused: dict[str, float] = {}
        self._unseen = asyncio.Semaphore(LOOKED_UP_AT_ONCE)

    def remembers(self, key: str) -> bool:
        """Whether a key was valid when it was last looked up."""
        return bool(_FORM.fullmatch(key)) and hash_of(key) in self._known

    async def identify(self, key: str) -> Caller:
        """Return the caller of a live key; raises Unauthenticated."""
        if not _FORM.fullmatch(key):
            raise Unauthenticated("the credential is not valid")
        hashed = hash_of(key)
        known = self._known.get(hashed)
        if known is not None and self._clock() < known[1]:
            return known[0]
        if self._clock() < self._refused.get(hashed, 0):
            raise Unauthenticated("the credential is not valid")
        # Requests that arrive together share one question, and one that is given up stops none.
        asking = self._asking.get(hashed)
        if asking is None:
            asking = self._asking[hashed] = asyncio.create_task(
                self._look_up(hashed) if known else self._look_up_unseen(hashed)
            )
            asking.add_done_callback(lambda _: self._asking.pop(hashed, None))
        return await asyncio.shield(asking)

    async def _look_up_unseen(self, hashed: str) -> Caller:
        async with self._unseen:
            return await self._look_up(hashed)

    async def _look_up(self, hashed: str) -> Caller:
        async with self._db.read() as db:
            row = await find_live_key(db, hashed)
        if row is None:
            self._known.pop(hashed, None)
            if len(self._refused) >= MOST_REMEMBERED:
                self._refused.clear()
            self._refused[hashed] = self._clock() + REMEMBERED
            raise Unauthenticated("the credential is not valid")
        try:
            caller = Caller(
                subject=f"key:{row.name}",
                former_identity=f"key:{row.id}",
                role=row.role,
                scopes=frozenset(row.scopes),
                customer_id=None if row.customer_id is None else UUID(str(row.customer_id)),
            )
        except ValidationError as error:
            raise Unauthenticated("this key's role is not known here") from error
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[hashed] = (caller, self._clock() + REMEMBERED)
        return caller
