"""Turns: a few may do a thing at once, each caller its share, and who had least goes next.

Fair queueing by start time: what a turn takes is charged to its caller, and of those who wait the
one that was charged least comes first. Whoever comes anew starts where the others are, so that no
credit is saved up, and one small request waits for few of many large ones.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar

MOST_REMEMBERED = 10_000


class NoTurn(TimeoutError):
    """The caller's own requests took all of its turns for too long."""


class Turns:
    """So many turns at once, of them so many of one caller."""

    def __init__(
        self,
        together: int,
        each: int,
        *,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``patience`` is for how many seconds a turn is waited for."""
        self.together = together
        self.each = each
        self._patience = patience
        self._clock = clock
        self._taken: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._charged: dict[str, float] = {}
        self._now = 0.0
        """What whoever had the latest turn was charged by then."""

    async def take(self, caller: str) -> float:
        """Wait for a turn; returns when it began, to be given to ``leave``. Raises NoTurn."""
        if self._free(caller) and not any(map(self._free, self._waiting)):
            self._begin(caller)
            return self._clock()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(caller, deque()).append(turn)
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.leave(caller, self._clock())
            else:
                self._forget(caller, turn)
            if isinstance(error, TimeoutError):
                raise NoTurn from None
            raise
        return self._clock()

    def leave(self, caller: str, since: float) -> None:
        """End a turn; who had least is next."""
        self._charged[caller] = self._charged.get(caller, self._now) + self._clock() - since
        self._taken[caller] -= 1
        if not self._taken[caller]:
            del self._taken[caller]
        self._call_next()
        if len(self._charged) > MOST_REMEMBERED:
            self._charged = {
                who: charged for who, charged in self._charged.items() if charged > self._now
            }

    def _free(self, caller: str) -> bool:
        return self._taken.total() < self.together and self._taken[caller] < self.each

    def _begin(self, caller: str) -> None:
        self._taken[caller] += 1
        self._now = self._charged[caller] = self._start_of(caller)

    def _start_of(self, caller: str) -> float:
        return max(self._now, self._charged.get(caller, 0.0))

    def _call_next(self) -> None:
        while callers := [caller for caller in self._waiting if self._free(caller)]:
            caller = min(callers, key=self._start_of)
            turn = self._waiting[caller].popleft()
            if not self._waiting[caller]:
                del self._waiting[caller]
            if not turn.done():
                self._begin(caller)
                turn.set_result(None)

    def _forget(self, caller: str, turn: asyncio.Future[None]) -> None:
        waiting = self._waiting.get(caller)
        if waiting is not None and turn in waiting:
            waiting.remove(turn)
            if not waiting:
                del self._waiting[caller]


class Asking:
    """For whom something is asked, and whether a turn was taken for it already."""

    def __init__(self, caller: str) -> None:
        self.caller = caller
        self.held = 0


_asking: ContextVar[Asking | None] = ContextVar("asking", default=None)


@contextmanager
def asking_for(caller: str | None) -> Iterator[None]:
    """Charge what is asked in the block to this caller; None: to no one, as what serves all is."""
    token = _asking.set(None if caller is None else Asking(caller))
    try:
        yield
    finally:
        _asking.reset(token)


@asynccontextmanager
async def in_turn(turns: Turns) -> AsyncIterator[None]:
    """Have a turn of whom it is asked for; one request never waits for a second turn of its own."""
    asking = _asking.get()
    if asking is None or asking.held:
        yield
        return
    began = await turns.take(asking.caller)
    asking.held += 1
    try:
        yield
    finally:
        asking.held -= 1
        turns.leave(asking.caller, began)
