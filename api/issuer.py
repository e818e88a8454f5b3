"""The token issuer's public keys (JWKS), fetched when needed and kept."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx2
import jwt

from domain.errors import PartnerUnavailable

SECONDS_BETWEEN_FETCHES = 60.0
"""An unknown key id makes us ask the issuer again, but not more often than this."""
SECONDS_KEPT = 3600.0
"""A key that the issuer has withdrawn is believed for this long at most, unless it is away."""
LONGEST_FETCH = 5.0
"""Seconds after which an issuer that does not answer counts as away."""


class Issuer:
    """The keys behind a JWKS address."""

    def __init__(self, jwks_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` counts seconds."""
        self._clock = clock
        self._url = jwks_url
        self._client = httpx2.AsyncClient(timeout=LONGEST_FETCH, follow_redirects=False)
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at: float | None = None
        self._fetched_at: float | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, key_id: str) -> jwt.PyJWK | None:
        """Return the key, or None when the issuer has none of that id.

        It is the same object until the keys are fetched anew. Who comes while they are fetched
        waits for that fetch. Raises PartnerUnavailable while no keys could be fetched at all.
        """
        if key_id not in self._keys or self._stale():
            if self._fetching is None and self._may_ask():
                self._fetching = asyncio.create_task(self._fetch())
            if self._fetching is not None:
                # A request that is given up stops none of the others.
                await asyncio.shield(self._fetching)
        if self._fetched_at is None:
            raise PartnerUnavailable("the issuer's keys cannot be fetched now; try again")
        return self._keys.get(key_id)

    async def close(self) -> None:
        """Close the connection to the issuer."""
        if self._fetching is not None:
            self._fetching.cancel()
        await self._client.aclose()

    def _stale(self) -> bool:
        return self._fetched_at is None or self._clock() - self._fetched_at > SECONDS_KEPT

    def _may_ask(self) -> bool:
        # Without any keys no token can be accepted, so then it is asked more often.
        pause = SECONDS_BETWEEN_FETCHES if self._fetched_at is not None else 1.0
        return self._asked_at is None or self._clock() - self._asked_at >= pause

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(LONGEST_FETCH):
                answer = await self._client.get(self._url)
            answer.raise_for_status()
            self._keys = _usable(answer.json()["keys"])
            self._fetched_at = self._clock()
        except (httpx2.HTTPError, TimeoutError, ValueError, KeyError, TypeError, RecursionError):
            # The keys that we have stay good; without any, key() says so.
            pass
        finally:
            self._asked_at = self._clock()
            self._fetching = None


def _usable(entries: Any) -> dict[str, jwt.PyJWK]:
    """Return public signing keys by id, the first of each; anything else in the set is not for us.

    An entry that cannot be read takes none of the others away. Raises TypeError for no list.
    """
    if not isinstance(entries, list):
        raise TypeError("a key set has a list of keys")
    found: dict[str, jwt.PyJWK] = {}
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        key_id = entry.get("kid")
        symmetric = entry.get("kty") == "oct"
        if not isinstance(key_id, str) or symmetric or entry.get("use", "sig") != "sig":
            continue
        # PyJWT and the library under it let many kinds of errors through for odd values.
        with suppress(Exception):
            found.setdefault(key_id, jwt.PyJWK.from_dict(entry))
    return found
