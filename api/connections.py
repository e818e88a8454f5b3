"""Connections of the HTTP server: bounded in number, head, silence and unread answers.

All bounds hold before anything is known about who asks. What has no body yet costs the most when
it is endless: a parser keeps a header until it ends, and a silent connection keeps its descriptor.
"""

import asyncio
from typing import Any, cast

import uvicorn
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from api.errors import problem
from api.refusals import HeadersTooLarge, TooManyConnections, Unreadable
from domain.errors import DomainError
from telemetry import metrics

LARGEST_HEAD = 32_768
"""Bytes of the request line and all headers, or of anything else between a body's parts."""
MOST_HEADERS = 100
HEAD_SECONDS = 10.0
"""For a request's head to be complete, from the connection's or its own first byte."""
LEAST_READ = 10_000
"""Bytes of waiting answers that a client takes within ``read_seconds``, or it is cut off."""


class _TooLarge(Exception):
    """The head has more than it may have."""


class Connection(HttpToolsProtocol):
    """One client's connection; ``limit_concurrency`` of the configuration bounds their number."""

    read_seconds = 10.0

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._most = self.limit_concurrency
        # uvicorn counts only when it has read a request, and counts requests that are answered.
        self.limit_concurrency = None
        self._unparsed = 0
        self._too_large = False
        self._counted = False
        self._waiting_for_head: asyncio.TimerHandle | None = None
        self._waiting_for_reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or refuse it at once when there are too many."""
        stream = cast(asyncio.Transport, transport)
        if self._most is not None and len(self.connections) >= self._most:
            self.transport = stream
            metrics.http_connections_ended.labels("too_many").inc()
            self._refuse(TooManyConnections("too many connections are open; try again"))
            return
        super().connection_made(stream)
        self._counted = True
        metrics.http_connections.inc()
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._head_is_here()
        if self._waiting_for_reader is not None:
            self._waiting_for_reader.cancel()
        if self._counted:
            metrics.http_connections.dec()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came; refuse it before the parser has kept too much of one head."""
        self._unparsed += len(data)
        super().data_received(data)
        if self._unparsed > LARGEST_HEAD:
            self._too_large = True
            self.send_400_response("")
        elif self.cycle is None or self.cycle.response_complete:
            self._expect_head()

    def on_headers_complete(self) -> None:
        """Begin the request."""
        self._unparsed = 0
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > LARGEST_HEAD or len(self.headers) > MOST_HEADERS:
            self._too_large = True
            raise _TooLarge
        self._head_is_here()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request's body."""
        self._unparsed = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be parsed or is too large, in the form of every refusal."""
        if self.transport.is_closing():
            return
        if self._too_large:
            metrics.http_connections_ended.labels("head_too_large").inc()
            about = f"a request may have {MOST_HEADERS} headers of {LARGEST_HEAD} bytes together"
            self._refuse(HeadersTooLarge(about))
        else:
            self._refuse(Unreadable("this is not HTTP/1.1"))

    def pause_writing(self) -> None:
        """Wait for the client to read, but not for ever."""
        super().pause_writing()
        self._expect_reader()

    def on_response_complete(self) -> None:
        """End the answer; what the client has not taken yet is still watched."""
        super().on_response_complete()
        if self.transport.get_write_buffer_size():
            self._expect_reader()

    def _refuse(self, refusal: DomainError) -> None:
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_written(refusal))
        self.transport.close()

    def _expect_head(self) -> None:
        if self._waiting_for_head is None and not self.transport.is_closing():
            self._waiting_for_head = self.loop.call_later(HEAD_SECONDS, self._give_up_head)

    def _head_is_here(self) -> None:
        if self._waiting_for_head is not None:
            self._waiting_for_head.cancel()
            self._waiting_for_head = None

    def _give_up_head(self) -> None:
        if not self.transport.is_closing():
            metrics.http_connections_ended.labels("head_too_slow").inc()
            self.transport.close()
            self._expect_reader()

    def _expect_reader(self) -> None:
        if self._waiting_for_reader is None:
            self._watch_reader()

    def _watch_reader(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        self._waiting_for_reader = self.loop.call_later(
            self.read_seconds, self._check_reader, waiting
        )

    def _check_reader(self, before: int) -> None:
        waiting = self.transport.get_write_buffer_size()
        if not waiting:
            self._waiting_for_reader = None
        elif waiting > before - LEAST_READ:
            metrics.http_connections_ended.labels("reader_too_slow").inc()
            self.transport.abort()
        else:
            self._watch_reader()


def _written(refusal: DomainError) -> bytes:
    """Write a refusal where there is no request yet that could be answered."""
    scope: Scope = {"path": "/"}
    answer = problem(refusal, scope, {"Connection": "close"})
    lines = b"".join(b"%b: %b\r\n" % header for header in answer.raw_headers)
    return b"HTTP/1.1 %d Refused\r\n%b\r\n%b" % (refusal.status, lines, bytes(answer.body))
