"""The outbox notifier: wakes the dispatchers after a commit, without slowing down the request."""

import asyncio
import contextlib
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.exc import SQLAlchemyError

from db.engine import Database
from db.outbox import notify
from db.turns import asking_for

PAUSE = 0.05
"""Seconds between two notifications; what comes meanwhile is told by the next one."""


class OutboxNotifier:
    """Notifies outside the accepting transactions, because NOTIFY inside one serialises commits.

    A notification that gets lost costs nothing but the workers' next poll.
    """

    def __init__(self, books: Database) -> None:
        self._books = books
        self._ringing: asyncio.Task[None] | None = None
        self._again = False

    def notify(self) -> None:
        """Wake the dispatchers soon; returns at once."""
        if self._ringing is not None and not self._ringing.done():
            self._again = True
            return
        with asking_for(None):
            self._ringing = asyncio.create_task(self._notify())

    async def _notify(self) -> None:
        self._again = True
        while self._again:
            self._again = False
            with contextlib.suppress(SQLAlchemyError, OSError, TimeoutError):
                async with self._books.read() as db:
                    await notify(db)
            await asyncio.sleep(PAUSE)


async def _notifier(request: Request) -> OutboxNotifier:
    bell: OutboxNotifier = request.app.state.notifier
    return bell


Notifier = Annotated[OutboxNotifier, Depends(_notifier)]
"""The process's notifier of dispatchers."""
