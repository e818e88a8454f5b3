"""Batched acceptance: orders that wait together are one transaction, and a hot item one lock."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.exc import SQLAlchemyError

from activities.orders.accepting import accept_orders
from activities.orders.promising import Decision
from activities.orders.rows import Submission
from api.notifier import OutboxNotifier
from api.orders.rendering import fresh_order_json
from db.engine import Database
from db.failures import Trouble, diagnose
from db.idempotency import Answer, CallerKey, Claim
from db.orders.reads import find_by_reference
from db.turns import asking_for
from domain.errors import AlreadyExists
from domain.policy import Policy

LARGEST_BATCH = 128
BATCHES_AT_ONCE = 2


@dataclass(eq=False, slots=True)
class _Waiting:
    """A request that is not answered yet, and those after it under the same key."""

    submission: Submission
    claim: Claim
    answer: asyncio.Future[Answer]
    repeats: list["_Waiting"] = field(default_factory=list)

    @property
    def given_up(self) -> bool:
        """Whether its requests have gone; what has begun by then is still brought to its end."""
        return self.answer.done()

    def resolve(self, decision: Decision | Exception) -> None:
        if self.answer.done():
            return
        if isinstance(decision, Answer):
            self.answer.set_result(decision)
        else:
            self.answer.set_exception(decision)


class Acceptor:
    """Collects submissions while transactions run; a lone one is accepted at once.

    Durability is that of a transaction of one's own: the answer comes after the commit.
    """

    def __init__(self, books: Database, notifier: OutboxNotifier, policy: Policy) -> None:
        """Accept into these books by this policy."""
        self._books = books
        self._notifier = notifier
        self._policy = policy
        self._waiting: deque[_Waiting] = deque()
        self._first: dict[CallerKey, _Waiting] = {}
        """Who came first with each key that is queued or being decided."""
        self._batches: set[asyncio.Task[None]] = set()

    async def accept(self, submission: Submission) -> Answer:
        """Accept an order or raise its refusal; returns when that is committed."""
        assert submission.claim is not None
        one = _Waiting(submission, submission.claim, asyncio.get_running_loop().create_future())
        self._queue(one)
        self._start_batch()
        return await one.answer

    def _queue(self, one: _Waiting) -> None:
        first = self._first.setdefault(one.claim.place, one)
        if first is one:
            self._waiting.append(one)
        else:
            # It could only wait for the first one's transaction, and hold up a batch by that.
            first.repeats.append(one)

    def _start_batch(self) -> None:
        while self._waiting and len(self._batches) < BATCHES_AT_ONCE:
            taken: list[_Waiting] = []
            while self._waiting and len(taken) < LARGEST_BATCH:
                one = self._waiting.popleft()
                if one.given_up:
                    self._pass_on(one, None)
                else:
                    taken.append(one)
            if taken:
                with asking_for(None):
                    batch = asyncio.create_task(self._run(taken))
                self._batches.add(batch)
                batch.add_done_callback(self._ended)

    def _ended(self, batch: asyncio.Task[None]) -> None:
        self._batches.discard(batch)
        self._start_batch()

    async def _run(self, batch: Sequence[_Waiting]) -> None:
        try:
            await self._decide(batch)
        finally:
            # Whatever ended this batch, no request is left waiting for it.
            for one in batch:
                one.resolve(RuntimeError("the order was given up; send it again"))
                self._pass_on(one, one.answer)
        self._notifier.notify()

    async def _decide(self, batch: Sequence[_Waiting], *, again: bool = True) -> None:
        try:
            async with self._books.begin() as db:
                decisions: Sequence[Decision | Exception] = await accept_orders(
                    db, [one.submission for one in batch], self._policy, fresh_order_json
                )
        except SQLAlchemyError as error:
            if again and diagnose(error) is Trouble.DUPLICATE:
                # A key or reference was used by another process since it was looked for.
                await self._decide(batch, again=False)
                return
            if len(batch) > 1:
                # One bad order must not fail the others.
                half = len(batch) // 2
                for some in (batch[:half], batch[half:]):
                    if left := [one for one in some if not one.given_up]:
                        await self._decide(left)
                return
            decisions = [await self._explain(batch[0].submission, error)]
        except Exception as error:
            decisions = [error] * len(batch)
        for one, decision in zip(batch, decisions, strict=True):
            one.resolve(decision)

    def _pass_on(self, first: _Waiting, answer: asyncio.Future[Answer] | None) -> None:
        """Answer the repeats of a request that was accepted; decide them on their own if not."""
        self._first.pop(first.claim.place, None)
        accepted = None
        if answer is not None and not answer.cancelled() and answer.exception() is None:
            accepted = replace(answer.result(), replayed=True)
        for repeat in first.repeats:
            if accepted and repeat.claim.fingerprint == first.claim.fingerprint:
                repeat.resolve(accepted)
            else:
                self._queue(repeat)

    async def _explain(self, submission: Submission, error: SQLAlchemyError) -> Exception:
        reference = submission.order.external_reference
        if diagnose(error) is not Trouble.DUPLICATE or reference is None:
            return error
        async with self._books.read() as db:
            known = await find_by_reference(db, submission.order.origin, reference)
        if known is None:
            return error
        return AlreadyExists(
            f"{submission.order.origin} has placed {reference} before", id=str(known)
        )
