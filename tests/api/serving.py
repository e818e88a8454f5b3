"""A real uvicorn in the test's own event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from api.app import Server
from tests.ports import free_port


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Serve an application; yields its base address."""
    port = free_port()
    config = uvicorn.Config(
        app, port=port, log_config=None, lifespan="auto", timeout_graceful_shutdown=2
    )
    server = Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        assert not running.done(), "the server did not start"
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running
