"""Callers of the stage's application over HTTP, for stories that callers steer."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import httpx2

from api.app import create_app
from api.services import Services
from runtime.settings import Settings
from tests.api.callers import Callers
from tests.workflows.stage import Stage


@contextmanager
def set_to(stage: Stage, **settings: Any) -> Iterator[None]:
    """Have the API's settings be these for a while."""
    before = stage.settings
    stage.settings = before.model_copy(update=settings)
    try:
        yield
    finally:
        stage.settings = before


@asynccontextmanager
async def calling(stage: Stage) -> AsyncIterator[Callers]:
    """Yield callers of every role; the same as before, with their keys, while the settings stay."""
    settings, callers = _KNOWN.get(stage, (None, None))
    if callers is None or settings is not stage.settings:
        app = create_app(Services(stage.settings, stage.books, stage.connected))
        transport = httpx2.ASGITransport(app)
        # In this process there is nothing to be closed.
        client = httpx2.AsyncClient(transport=transport, base_url="http://stateset")
        callers = Callers(client, stage.books)
        _KNOWN[stage] = (stage.settings, callers)
    yield callers


_KNOWN: WeakKeyDictionary[Stage, tuple[Settings, Callers]] = WeakKeyDictionary()
