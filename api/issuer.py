"""The token issuer's public keys (JWKS), fetched when needed and kept."""

import asyncio
import time
from collections.abc import Callable

import httpx2
import jwt

from domain.errors import PartnerUnavailable

SECONDS_BETWEEN_FETCHES = 60.0
"""An unknown key id makes us ask the issuer again, but not more often than this."""
SECONDS_KEPT = 3600.0
"""A key that the issuer has withdrawn is believed for this long at most, unless it is away."""


class Issuer:
    """The keys behind a JWKS address."""

    def __init__(self, jwks_url: str, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` counts seconds."""
        self._clock = clock
        self._url = jwks_url
        self._client = httpx2.AsyncClient(timeout=5, follow_redirects=False)
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at: float | None = None
        self._fetched_at: float | None = None
        self._fetching = asyncio.Lock()

    async def key(self, key_id: str) -> jwt.PyJWK | None:
        """Return the key, or None when the issuer has none of that id.

        Raises PartnerUnavailable while no keys could be fetched at all.
        """
        if key_id not in self._keys or self._stale():
            async with self._fetching:
                if (key_id not in self._keys or self._stale()) and self._may_ask():
                    await self._fetch()
        if self._fetched_at is None:
            raise PartnerUnavailable("the issuer's keys cannot be fetched now; try again")
        return self._keys.get(key_id)

    async def close(self) -> None:
        """Close the connection to the issuer."""
        await self._client.aclose()

    def _stale(self) -> bool:
        return self._fetched_at is None or self._clock() - self._fetched_at > SECONDS_KEPT

    def _may_ask(self) -> bool:
        # Without any keys no token can be accepted, so then it is asked more often.
        pause = SECONDS_BETWEEN_FETCHES if self._fetched_at is not None else 1.0
        return self._asked_at is None or self._clock() - self._asked_at >= pause

    async def _fetch(self) -> None:
        self._asked_at = self._clock()
        try:
            answer = await self._client.get(self._url)
            answer.raise_for_status()
            entries = answer.json()["keys"]
            self._keys = dict(_usable(entries))
        except (httpx2.HTTPError, ValueError, KeyError, TypeError):
            # The keys that we have stay good; without any, key() says so.
            return
        self._fetched_at = self._clock()


def _usable(entries: list[dict[str, object]]) -> list[tuple[str, jwt.PyJWK]]:
    """Keep public signing keys with an id; anything else in the set is not for us."""
    found: list[tuple[str, jwt.PyJWK]] = []
    for entry in entries:
        key_id = entry.get("kid")
        symmetric = entry.get("kty") == "oct"
        if not isinstance(key_id, str) or symmetric or entry.get("use", "sig") != "sig":
            continue
        try:
            found.append((key_id, jwt.PyJWK.from_dict(entry)))
        except jwt.PyJWTError:
            continue
    return found
