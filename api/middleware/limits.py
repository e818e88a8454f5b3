"""Limits of a request: its size in bytes, from when its body is wanted, and its time."""

import asyncio
from datetime import timedelta

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem
from api.refusals import TimedOut, TooSlow


class Limits:
    """Refuses a body that is too large before it is read, and gives up what takes too long."""

    def __init__(self, app: ASGIApp, *, body_limit: int, within: timedelta) -> None:
        """``body_limit`` in bytes, declared or counted; ``within`` covers body and answer."""
        self._app = app
        self._limit = body_limit
        self._seconds = within.total_seconds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        size = int(declared[:20]) if declared.isdecimal() else 0
        request = _Request(receive, send, size, self._limit)
        try:
            async with asyncio.timeout(self._seconds) as clock:
                await self._app(scope, request.receive, request.send)
        except TimeoutError:
            if not clock.expired() or request.answering:
                raise
            refusal = (
                TimedOut("the answer took too long; what was asked may still have happened")
                if request.arrived
                else TooSlow(f"the request did not arrive within {self._seconds:g} s")
            )
            await problem(refusal, scope, {"Connection": "close"})(scope, receive, send)


class _Request:
    """One request's body as it arrives."""

    def __init__(self, receive: Receive, send: Send, declared: int, limit: int) -> None:
        self._receive = receive
        self._send = send
        self._declared = declared
        self._limit = limit
        self._bytes = 0
        self.arrived = True
        self.answering = False

    async def receive(self) -> Message:
        self._check(self._declared)
        self.arrived = False
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        self.arrived = not message.get("more_body", False)
        self._check(self._bytes)
        return message

    async def send(self, message: Message) -> None:
        self.answering = True
        await self._send(message)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise HTTPException(413, f"a request may have {self._limit} bytes")
