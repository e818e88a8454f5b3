"""Accepting what waits together by one transaction: a hot item then costs one lock a batch."""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from api.doorbell import Doorbell
from api.orders.acceptance import Answered, Decision, accept_orders
from api.orders.rows import Submission
from db.engine import Database
from db.orders.reads import find_by_reference
from domain.errors import AlreadyExists, DomainError

LARGEST_BATCH = 64
BATCHES_AT_ONCE = 2

Waiting = tuple[Submission, asyncio.Future[Answered]]


class Acceptor:
    """Collects submissions while transactions run; a lone one is accepted at once.

    Durability is that of a transaction of one's own: the answer comes after the commit.
    """

    def __init__(self, books: Database, doorbell: Doorbell, payment_window: timedelta) -> None:
        """Accept into these books; unpaid orders wait for ``payment_window``."""
        self._books = books
        self._doorbell = doorbell
        self._payment_window = payment_window
        self._waiting: deque[Waiting] = deque()
        self._batches: set[asyncio.Task[None]] = set()

    async def accept(self, submission: Submission) -> Answered:
        """Accept an order or raise its refusal; returns when that is committed."""
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append((submission, answer))
        self._start_batch()
        return await answer

    def _start_batch(self) -> None:
        if self._waiting and len(self._batches) < BATCHES_AT_ONCE:
            batch = asyncio.create_task(self._run(self._take()))
            self._batches.add(batch)
            batch.add_done_callback(self._ended)

    def _ended(self, batch: asyncio.Task[None]) -> None:
        self._batches.discard(batch)
        self._start_batch()

    def _take(self) -> list[Waiting]:
        """Take what waits; of one caller's key only the first: a repeat waits for its answer."""
        taken: list[Waiting] = []
        later: list[Waiting] = []
        seen: set[tuple[str, str]] = set()
        while self._waiting and len(taken) < LARGEST_BATCH:
            one = self._waiting.popleft()
            if one[1].done():
                continue
            place = (one[0].caller, one[0].key)
            (later if place in seen else taken).append(one)
            seen.add(place)
        self._waiting.extendleft(reversed(later))
        return taken

    async def _run(self, batch: Sequence[Waiting]) -> None:
        try:
            decisions = await self._accept([submission for submission, _ in batch])
        except SQLAlchemyError as error:
            if len(batch) == 1:
                _resolve(batch[0][1], await self._explain(batch[0][0], error))
                return
            # One bad order must not fail the others.
            for one in batch:
                await self._run([one])
            return
        except Exception as error:
            for _, answer in batch:
                _resolve(answer, error)
            return
        for (_, answer), decision in zip(batch, decisions, strict=True):
            _resolve(answer, decision)
        self._doorbell.ring()

    async def _accept(self, submissions: Sequence[Submission]) -> list[Decision]:
        async with self._books.begin() as db:
            return await accept_orders(db, submissions, self._payment_window)

    async def _explain(self, submission: Submission, error: SQLAlchemyError) -> Exception:
        reference = submission.order.external_reference
        if not isinstance(error, IntegrityError) or reference is None:
            return error
        async with self._books.read() as db:
            known = await find_by_reference(db, submission.order.source, reference)
        if known is None:
            return error
        return AlreadyExists(
            f"{submission.order.source} has placed {reference} before", id=str(known)
        )


def _resolve(answer: asyncio.Future[Answered], decision: Decision | Exception) -> None:
    if answer.done():
        return
    if isinstance(decision, DomainError | Exception):
        answer.set_exception(decision)
    else:
        answer.set_result(decision)
