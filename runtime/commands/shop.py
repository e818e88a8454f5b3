"""A shop's side of the API: requests under keys, sent again while the answer is unknown."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx2

_AGAIN = frozenset({429, 502, 503, 504})
_IN_PROGRESS = "key_in_progress"
PATIENCE = 60.0


class NoAnswer(Exception):
    """The API could not be reached, or was too busy, for as long as one was patient."""


@dataclass(frozen=True)
class Answer:
    """What the API said."""

    status: int
    body: Mapping[str, Any]
    replayed: bool = False

    @property
    def code(self) -> str:
        """The stable name of a refusal; empty for an answer that is none."""
        return str(self.body.get("code", "")) if self.status >= 400 else ""

    def __str__(self) -> str:
        return f"{self.status} {self.code} {self.body.get('detail', '')}".strip()


class Shop:
    """A caller with one API key; ``async with`` keeps its connections."""

    def __init__(
        self,
        api_url: str,
        api_key: str,
        *,
        connections: int = 16,
        patience: float = PATIENCE,
        longest: float = 30,
    ) -> None:
        """Call this API under this key, with at most so many requests at a time.

        ``patience`` is how many seconds it is asked again for, ``longest`` how many one answer may
        take.
        """
        self._patience = patience
        self._http = httpx2.AsyncClient(
            base_url=api_url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=longest,
            limits=httpx2.Limits(
                max_connections=connections, max_keepalive_connections=connections
            ),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, **query: Any) -> Answer:
        """Read. Raises NoAnswer."""
        return await self._ask("GET", path, params=query or None)

    async def post(self, path: str, body: Mapping[str, Any], key: str) -> Answer:
        """Do something once: the key makes it safe to ask again. Raises NoAnswer."""
        return await self._ask("POST", path, json=body, headers={"Idempotency-Key": key})

    async def _ask(self, method: str, path: str, **how: Any) -> Answer:
        deadline = time.monotonic() + self._patience
        pause = 0.1
        while True:
            try:
                response = await self._http.request(method, path, **how)
            except httpx2.TransportError as error:
                said = f"{type(error).__name__} {error}"
                after = pause
            else:
                answer = _answer(response)
                if response.status_code not in _AGAIN and answer.code != _IN_PROGRESS:
                    return answer
                said = str(answer)
                given = response.headers.get("Retry-After", "")
                after = max(pause, float(given) if given.isdigit() else 0)
            if time.monotonic() + after > deadline:
                raise NoAnswer(f"{method} {path}: {said}")
            await asyncio.sleep(after)
            pause = min(pause * 2, 5)


def _answer(response: httpx2.Response) -> Answer:
    try:
        body = response.json()
    except ValueError:
        body = {"detail": response.text[:200]}
    return Answer(
        response.status_code,
        body if isinstance(body, dict) else {"items": body},
        "Idempotent-Replayed" in response.headers,
    )
