"""Telling the workers that there is something to dispatch, without slowing down who asked."""

import asyncio
import contextlib
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.exc import SQLAlchemyError

from db.engine import Database
from db.outbox import ring

PAUSE = 0.05
"""Seconds between two rings; whatever comes meanwhile is told by the next one."""


class Doorbell:
    """Rings outside the accepting transactions, because NOTIFY inside one serialises commits.

    A ring that gets lost costs nothing but the workers' next poll.
    """

    def __init__(self, books: Database) -> None:
        self._books = books
        self._ringing: asyncio.Task[None] | None = None
        self._again = False

    def ring(self) -> None:
        """Wake the dispatchers soon; returns at once."""
        if self._ringing is not None and not self._ringing.done():
            self._again = True
            return
        self._ringing = asyncio.create_task(self._ring())

    async def _ring(self) -> None:
        self._again = True
        while self._again:
            self._again = False
            with contextlib.suppress(SQLAlchemyError, OSError, TimeoutError):
                async with self._books.read() as db:
                    await ring(db)
            await asyncio.sleep(PAUSE)


async def _doorbell(request: Request) -> Doorbell:
    bell: Doorbell = request.app.state.doorbell
    return bell


AtDoor = Annotated[Doorbell, Depends(_doorbell)]
"""The process's doorbell."""
