"""Callers who ask again, under the same key, until they are answered: at one API, then another."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

from runtime.commands.shop import Answer, NoAnswer, Shop

LOOK = 0.3
"""Seconds between two looks for what must come."""
Found = TypeVar("Found")


class Refused(Exception):
    """The API refused what this caller may ask for."""


class Late(Exception):
    """What had to come did not."""


class Asking:
    """One kind of caller at all APIs, patient for so many seconds."""

    def __init__(self, shops: Sequence[Shop], patience: float) -> None:
        """Ask at these APIs, each time at the next one."""
        self._shops = itertools.cycle(shops)
        self._patience = patience
        self.waits: list[tuple[datetime, datetime]] = []
        """From when to when each caller waited for an answer, or for what had to come."""

    async def post(
        self, path: str, body: Mapping[str, Any], key: str = "", *refusals: str
    ) -> Answer:
        """Do something once; raise Refused, but for the codes of ``refusals``, or Late."""
        key = key or uuid4().hex
        with self._waiting():
            answer = await self._answered(lambda shop: shop.post(path, body, key))
        if answer.status >= 300 and answer.code not in refusals:
            raise Refused(f"POST {path}: {answer}")
        return answer

    async def get(self, path: str, **query: Any) -> Mapping[str, Any]:
        """Read; raise Refused or Late."""
        answer = await self._answered(lambda shop: shop.get(path, **query))
        if answer.status != 200:
            raise Refused(f"GET {path}: {answer}")
        return answer.body

    async def all(self, path: str, **query: Any) -> list[Mapping[str, Any]]:
        """Return all items of a list, page by page."""
        page = await self.get(path, limit=100, **query)
        found = list(page["items"])
        while page["next"]:
            page = await self.get(page["next"])
            found += page["items"]
        return found

    async def until(self, look: Callable[[], Awaitable[Found | None]], late: str) -> Found:
        """Look again and again until there is something; raise Late."""
        deadline = time.monotonic() + self._patience
        with self._waiting():
            while (found := await look()) is None:
                if time.monotonic() > deadline:
                    raise Late(late)
                await asyncio.sleep(LOOK)
        return found

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        since = datetime.now(UTC)
        yield
        self.waits.append((since, datetime.now(UTC)))

    async def _answered(self, ask: Callable[[Shop], Awaitable[Answer]]) -> Answer:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return await ask(next(self._shops))
            except NoAnswer as error:
                if time.monotonic() > deadline:
                    raise Late(str(error)) from error
