"""The frame of a simulator: bearer key, error shape, background loops, graceful stop."""

import asyncio
import hmac
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from types import FrameType
from typing import Annotated, Any

import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel

from simulators.errors import ErrorBody, Refusal, install_error_handlers
from simulators.settings import SimulatorSettings
from simulators.storage import Storage

Loop = Callable[[], Awaitable[None]]
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]
ANSWERS: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorBody},
    404: {"model": ErrorBody},
    409: {"model": ErrorBody},
}


class Health(BaseModel):
    """The server answers."""

    status: str = "ok"


def create_app(
    title: str,
    description: str,
    settings: SimulatorSettings,
    storage: Storage,
    private: Sequence[APIRouter],
    public: Sequence[APIRouter] = (),
    loops: Sequence[Loop] = (),
) -> FastAPI:
    """Assemble the application; ``private`` routes ask for the API key."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.ensure_future(loop()) for loop in loops]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        storage.close()

    key = settings.api_key.get_secret_value().encode()

    async def authenticate(bearer: Bearer) -> None:
        if bearer is None or not hmac.compare_digest(bearer.credentials.encode(), key):
            raise Refusal(401, "unauthenticated", "send your API key as a bearer token")

    app = FastAPIOffline(title=title, description=description, version="1.0", lifespan=lifespan)
    install_error_handlers(app)
    for router in private:
        app.include_router(router, dependencies=[Depends(authenticate)], responses=ANSWERS)
    for router in public:
        app.include_router(router)

    @app.get("/health", tags=["health"])
    async def health() -> Health:
        """Tell whether the server answers."""
        return Health()

    return app


def serve(app: FastAPI, settings: SimulatorSettings) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is running and exit with 0."""

    def leave(_: int, __: FrameType | None) -> None:
        sys.exit(0)

    # uvicorn raises the signal again after its own graceful stop: this turns it into a clean exit.
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=3,
    )
