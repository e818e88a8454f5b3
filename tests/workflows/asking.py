"""Callers of the stage's application over HTTP, for stories that callers steer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from api.app import create_app
from api.services import Services
from tests.api.callers import Callers
from tests.workflows.stage import Stage


@asynccontextmanager
async def calling(stage: Stage) -> AsyncIterator[Callers]:
    """Yield callers of every role."""
    app = create_app(Services(stage.settings, stage.books, stage.connected))
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://stateset") as client:
        yield Callers(client, stage.books)
