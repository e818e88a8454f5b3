"""Observation of every request: id, count, time, log line, span, and safe headers."""

import re
import secrets
import time
from typing import Any

import structlog
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telemetry import metrics, tracing

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_SHOWN = re.compile(rb'\{"id":"([0-9a-f-]{36})","number":"([A-Z]+-\d+)"')
_UUID = 36
_PROBED = ("/health", "/metrics")
"""Asked every few seconds by what watches us: told of only when it fails."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"private, no-cache"),
)
_log = structlog.get_logger("http")


class Observe:
    """The outermost layer: sees every answer, also those that other layers give."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        header = (b"x-request-id", request_id.encode())
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.body":
                _name_document(scope["state"], message.get("body", b""))
            elif message["type"] == "http.response.start":
                status = message["status"]
                known = scope["state"].get("headers", ())
                message["headers"] = [*message.get("headers", ()), header, *known, *_SAFE]
            await send(message)

        started = time.perf_counter()
        metrics.http_in_flight.inc()
        try:
            if tracing.tracer() is None or scope["path"].startswith(_PROBED):
                await self._app(scope, receive, answer)
            else:
                await self._traced(scope, receive, answer)
        finally:
            metrics.http_in_flight.dec()
            self._record(scope, status, time.perf_counter() - started)

    async def _traced(self, scope: Scope, receive: Receive, send: Send) -> None:
        tracer = tracing.tracer()
        assert tracer is not None
        carrier = {"traceparent": Headers(scope=scope).get("traceparent", "")}
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with tracer.start_as_current_span(
            scope["method"], context=tracing.propagator.extract(carrier), kind=SpanKind.SERVER
        ) as span:
            await self._app(scope, receive, answer)
            span.update_name(f"{scope['method']} {_route(scope)}")
            span.set_attributes(
                {
                    "http.request.method": scope["method"],
                    "http.route": _route(scope),
                    "http.response.status_code": status,
                    "stateset.request_id": scope["state"]["request_id"],
                    **{f"stateset.{name}": value for name, value in _document(scope).items()},
                }
            )
            if status >= 500:
                span.set_status(StatusCode.ERROR)
            scope["state"]["trace"] = tracing.trace_ids()

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = _route(scope)
        count, timer = self._one(method, route, status)
        count.inc()
        timer.observe(seconds)
        state: dict[str, Any] = scope["state"]
        if scope["path"].startswith(_PROBED) and status < 500:
            return
        _log.info(
            "request",
            method=method,
            path=scope["path"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 2),
            caller=state.get("caller"),
            **_document(scope),
            **state.get("trace", {}),
        )

    def _one(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        key = (method, route, status)
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = (
                metrics.http_requests.labels(method, route, str(status)),
                metrics.http_request_seconds.labels(method, route),
            )
        return found


def _name_document(state: dict[str, Any], body: bytes) -> None:
    """Note which document an answer shows: each begins with its id and its number."""
    if "document" not in state and (found := _SHOWN.match(body)):
        state["document_id"], state["document"] = (each.decode() for each in found.groups())


def _document(scope: Scope) -> dict[str, str]:
    """Return id and number of the document that was asked for or shown, as far as known."""
    state = scope["state"]
    if "document" in state:
        return {name: state[name] for name in ("document", "document_id")}
    asked = (str(value) for value in scope.get("path_params", {}).values())
    found = next((each for each in asked if len(each) == _UUID), None)
    return {} if found is None else {"document_id": found}


def _route(scope: Scope) -> str:
    """Return the template of the path, so that ids make no series of their own."""
    return getattr(scope.get("route"), "path", "unmatched")
