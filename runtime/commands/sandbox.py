"""The carrier simulator's autopilot: parcels that travel by themselves while we watch."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2


@asynccontextmanager
async def travelling(
    carrier_url: str, api_key: str, *, seconds_per_scan: float, outcomes: Mapping[str, int]
) -> AsyncIterator[None]:
    """Let every parcel travel for the time of the block; then as it was before."""
    headers = {"Authorization": f"Bearer {api_key}"}
    async with httpx2.AsyncClient(base_url=carrier_url, headers=headers, timeout=10) as http:
        before = await http.get("/sandbox/autopilot")
        before.raise_for_status()
        wanted = {
            "enabled": True,
            "seconds_per_scan": seconds_per_scan,
            "outcomes": dict(outcomes),
        }
        (await http.post("/sandbox/autopilot", json=wanted)).raise_for_status()
        try:
            yield
        finally:
            await http.post("/sandbox/autopilot", json=before.json())
