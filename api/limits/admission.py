"""Admission: which requests are served now, by who asks; the others are told when to come again."""

import asyncio

from starlette.types import Scope

from api.limits.addresses import address_of, networks
from api.limits.places import Places
from api.limits.rates import Buckets, Limiter, Quota, Rate
from api.refusals import RateLimited, TooManyAtOnce
from api.settings import ApiSettings
from domain.access import Caller
from telemetry import metrics

HELD = 1.0
"""Seconds for which a refusal is held back from those who never wait: each costs them a second."""
DAY = 24 * 60 * 60
"""Seconds."""
_PATIENT = Rate("refusals", per_second=10, burst=50)
"""How many refusals are answered at once."""


class Admission:
    """The limits of one process for callers, strangers and partners."""

    def __init__(self, settings: ApiSettings, limiter: Limiter | None = None) -> None:
        """``limiter`` counts; by default this process for itself."""
        self._limiter: Limiter = Buckets() if limiter is None else limiter
        self._callers = Rate("requests", settings.caller_rate, settings.caller_burst)
        self._strangers = Rate("strangers", settings.stranger_rate, settings.stranger_burst)
        self._partners = Rate("webhooks", settings.webhook_rate, settings.webhook_burst)
        self._answers = Rate("answers", settings.caller_answers / DAY, settings.caller_answers)
        self._places = Places(settings.caller_requests, settings.max_requests)
        self._proxies = networks(settings.trusted_proxies)

    async def admit_caller(self, caller: Caller, scope: Scope) -> None:
        """Count a request of a known caller; raises RateLimited."""
        quota = await self._take(self._callers, caller.identity, "caller", scope)
        if quota is not None:
            scope["state"]["headers"] = _encoded(quota)

    async def admit_answer(self, caller: Caller, scope: Scope) -> None:
        """Count an answer that is to be kept for repeats; raises RateLimited.

        What is not kept after all is forgiven, so that repeats of one request count once.
        """
        await self._take(self._answers, caller.identity, "answers", scope)

    async def forgive_answer(self, caller: Caller) -> None:
        """Do not count an answer that was not kept: a refusal, or one that was known."""
        await self._limiter.give_back(self._answers, caller.identity)

    async def admit_partner(self, partner: str, scope: Scope) -> None:
        """Count a genuine webhook; raises RateLimited."""
        await self._take(self._partners, partner, "partner", scope)

    async def admit_stranger(self, scope: Scope) -> str | None:
        """Count a request of which nothing is known, by its address; raises RateLimited.

        Returns the address, under which it is forgiven when a known caller sent it.
        """
        address = self._place(scope)
        quota = await self._take(self._strangers, address, "stranger", scope)
        return None if quota is None else address

    async def forgive(self, address: str) -> None:
        """Do not count a request against its address, after all."""
        await self._limiter.give_back(self._strangers, address)

    async def enter(self, caller: Caller) -> None:
        """Take one of the caller's places, to be left again; raises TooManyAtOnce."""
        try:
            self._places.take(caller.identity)
        except TooManyAtOnce:
            metrics.http_limited.labels("places").inc()
            await self._hold(caller.identity)
            raise

    def leave(self, caller: Caller) -> None:
        """Leave a place."""
        self._places.leave(caller.identity)

    def _place(self, scope: Scope) -> str:
        # Failed signatures of partners count apart: strangers must not lock partners out.
        kind = "webhook " if scope["path"].startswith("/webhooks/") else ""
        return kind + address_of(scope, self._proxies)

    async def _take(self, rate: Rate, who: str, kind: str, scope: Scope) -> Quota | None:
        if not rate.per_second:
            return None
        quota = await self._limiter.take(rate, who)
        if not quota.allowed:
            metrics.http_limited.labels(kind).inc()
            scope["state"]["headers"] = _encoded(quota)
            await self._hold(f"{kind} {who}")
            after = quota.retry_after
            raise RateLimited(f"too many requests; ask again in {after} s", retry_after=after)
        return quota

    async def _hold(self, who: str) -> None:
        if not (await self._limiter.take(_PATIENT, who)).allowed:
            await asyncio.sleep(HELD)


def _encoded(quota: Quota) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in quota.fields()]
