"""How tests wait for what must come: they look again until it is there."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

PATIENCE = 90.0
"""Seconds; on any machine only something that hangs is so late."""
POLL = 0.02
"""Seconds between two looks."""


async def eventually(
    look: Callable[[], Any], patience: float = PATIENCE, otherwise: str = "it did not come"
) -> Any:
    """Return what a look finds as soon as it is not nothing; fail with these words when late."""
    begun = time.monotonic()
    while True:
        found = look()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        waited = time.monotonic() - begun
        assert waited < patience, otherwise
        # What takes long is better left to work.
        await asyncio.sleep(POLL if waited < 1 else 5 * POLL)
