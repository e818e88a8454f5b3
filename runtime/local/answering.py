"""Whether the stack's servers answer: each is asked, because one that lives may be deaf."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx2

Question = Callable[[], Awaitable[bool]]
"""Returns whether the server answered; one that raises anything did not."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """How often a server is asked, and how many questions it may leave unanswered in a row.

    They are counted, and no clock is read: a machine that slept has asked nothing meanwhile.
    """

    every: float = 5.0
    """Seconds from one question to the next, and that an answer may take."""
    unanswered: int = 12

    @property
    def seconds(self) -> float:
        """After how long a server counts as deaf."""
        return self.every * self.unanswered

    async def lost(self, ask: Question) -> None:
        """Return once a server is deaf."""
        missed = 0
        while missed < self.unanswered:
            begun = time.monotonic()
            missed = 0 if await self._answered(ask) else missed + 1
            await asyncio.sleep(self.every - (time.monotonic() - begun))

    async def _answered(self, ask: Question) -> bool:
        try:
            async with asyncio.timeout(self.every):
                return await ask()
        except Exception:
            # Whatever was wrong, and in whichever driver: it was no answer.
            return False


HEARING = Hearing()


def over_http(url: str) -> Question:
    """Return the question whether a server of ours answers, be it that it is too busy."""

    async def ask() -> bool:
        # A connection of its own: one that is kept open may outlive the server's ear for new ones.
        async with httpx2.AsyncClient(verify=False) as client:
            await client.get(url)
        return True

    return ask
