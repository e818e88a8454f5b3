"""The least that an ASGI server can do: answer the bytes of a file. ``python -m … PORT FILE``."""

import sys
from pathlib import Path

import uvicorn
from starlette.types import Receive, Scope, Send


class Bare:
    """An application without a framework."""

    def __init__(self, body: bytes) -> None:
        length = str(len(body)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        self._start = {"type": "http.response.start", "status": 200, "headers": headers}
        self._body = {"type": "http.response.body", "body": body}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send(dict(self._start))
            await send(dict(self._body))


if __name__ == "__main__":
    uvicorn.run(
        Bare(Path(sys.argv[2]).read_bytes()),
        port=int(sys.argv[1]),
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
