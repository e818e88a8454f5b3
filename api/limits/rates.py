"""Rate limits: token buckets by who asks, and the header fields that tell callers of them."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MOST_REMEMBERED = 20_000
"""Buckets of one rate; beyond that the one that was used the longest ago counts as full again."""


@dataclass(frozen=True)
class Rate:
    """What may be asked: ``per_second`` in the long run (0: any number), ``burst`` at once."""

    name: str
    """As `RateLimit` and `RateLimit-Policy` call it."""
    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of a rate after a request."""

    rate: Rate
    tokens: float
    allowed: bool

    @property
    def retry_after(self) -> int:
        """Seconds until one more request is allowed, at least 1."""
        return max(1, math.ceil((1 - self.tokens) / self.rate.per_second))

    def fields(self) -> list[tuple[str, str]]:
        """Return the header fields of draft-ietf-httpapi-ratelimit-headers."""
        rate = self.rate
        window = max(1, math.ceil(rate.burst / rate.per_second))
        full_in = max(0, math.ceil((rate.burst - self.tokens) / rate.per_second))
        left = max(0, int(self.tokens))
        return [
            ("RateLimit-Policy", f'"{rate.name}";q={rate.burst};w={window}'),
            ("RateLimit", f'"{rate.name}";r={left};t={full_in}'),
        ]


class Limiter(Protocol):
    """Counts requests against rates; a store that processes share can stand behind it."""

    async def take(self, rate: Rate, who: str) -> Quota:
        """Count one request of ``who``, unless it is refused."""

    async def give_back(self, rate: Rate, who: str) -> None:
        """Do not count one that was counted, after all."""


class Buckets:
    """The limiter of one process: a bucket of tokens each, filled while time passes."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, most: int = MOST_REMEMBERED
    ) -> None:
        """``clock`` counts seconds."""
        self._clock = clock
        self._most = most
        self._filled: dict[str, OrderedDict[str, tuple[float, float]]] = {}

    async def take(self, rate: Rate, who: str) -> Quota:
        """Count one request of ``who``, unless it is refused."""
        buckets = self._filled.setdefault(rate.name, OrderedDict())
        now = self._clock()
        tokens, since = buckets.pop(who, (float(rate.burst), now))
        tokens = min(float(rate.burst), tokens + (now - since) * rate.per_second)
        allowed = tokens >= 1
        if allowed:
            tokens -= 1
        buckets[who] = (tokens, now)
        if len(buckets) > self._most:
            buckets.popitem(last=False)
        return Quota(rate, tokens, allowed)

    async def give_back(self, rate: Rate, who: str) -> None:
        """Do not count one that was counted, after all."""
        buckets = self._filled.get(rate.name, OrderedDict())
        if who in buckets:
            tokens, since = buckets[who]
            buckets[who] = (min(float(rate.burst), tokens + 1), since)
