"""The Temporal client of the HTTP front: connected on first use, and allowed to be away."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError

from domain.errors import PartnerUnavailable

TemporalProvider = Callable[[], Awaitable[Client]]
"""Returns the client; raises PartnerUnavailable while Temporal cannot be reached."""

PATIENCE = timedelta(seconds=3)


class LazyClient:
    """Connects once, when the client is first needed; a failed attempt is made again next time."""

    def __init__(self, connect: TemporalProvider) -> None:
        self._connect = connect
        self._client: Client | None = None
        self._connecting = asyncio.Lock()

    async def __call__(self) -> Client:
        """Return the connected client."""
        if self._client is None:
            async with self._connecting:
                if self._client is None:
                    self._client = await self._try()
        return self._client

    async def _try(self) -> Client:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                return await self._connect()
        except (RuntimeError, RPCError, OSError) as error:
            raise PartnerUnavailable("Temporal cannot be reached now; try again") from error
