"""The HTTP client of gateways: tells a refusal from an outage and from an unknown outcome."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

import httpx2
from opentelemetry.trace import SpanKind
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from gateways.failures import PartnerFailure, PartnerRefused
from gateways.telling import Words, without_nul
from telemetry import metrics, partners, tracing

CONNECT_SECONDS = 2.0
TOTAL_SECONDS = 10.0
MAX_CONNECTIONS = 100
# Shorter than any server's patience: a call on a connection that is being closed would fail.
KEEPALIVE_SECONDS = 2.0
LARGEST_ANSWER = 5_000_000
LONGEST_RETRY_AFTER = timedelta(hours=1)
# A wrong credential or a crowded partner says nothing about the document: it is an outage.
OUTAGES = frozenset({401, 403, 407, 408, 425, 429})


class Answer(BaseModel):
    """A partner's answer: what we read is checked strictly, what we do not know is left alone."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)


class _ErrorDetail(Answer):
    code: Annotated[str, AfterValidator(without_nul)]
    message: Words = ""


class _ErrorBody(Answer):
    error: _ErrorDetail


Expected = TypeVar("Expected", bound=Answer)


class PartnerClient:
    """A partner's HTTP interface, its bearer key and a pool of connections to it."""

    def __init__(
        self, name: str, base_url: str, api_key: str, client: httpx2.AsyncClient | None
    ) -> None:
        self._name = name
        self._base_url = base_url.rstrip("/")
        self._headers = {"authorization": f"Bearer {api_key}"}
        self._owned = client is None
        self._client = client or httpx2.AsyncClient(
            timeout=httpx2.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx2.Limits(
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=MAX_CONNECTIONS,
                keepalive_expiry=KEEPALIVE_SECONDS,
            ),
        )

    async def get(
        self, expected: type[Expected], path: str, params: Mapping[str, str] | None = None
    ) -> Expected:
        """Read; raises PartnerFailure and PartnerRefused."""
        return await self._ask(expected, "GET", path, params=params)

    async def post(
        self,
        expected: type[Expected],
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Expected:
        """Change something; after a PartnerFailure it may or may not have happened."""
        return await self._ask(expected, "POST", path, json=body, headers=headers)

    async def aclose(self) -> None:
        """Close the pool, unless the caller gave the client and so keeps it."""
        if self._owned:
            await self._client.aclose()

    async def _ask(
        self,
        expected: type[Expected],
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        **rest: Any,
    ) -> Expected:
        asked, sent = f"{method} {path}", {**self._headers, **(headers or {})}
        operation = _operation(method, path)
        with (
            _measured(self._name, operation),
            tracing.span(
                f"{self._name} {operation}",
                SpanKind.CLIENT,
                stateset__partner=self._name,
                http__request__method=method,
                **tracing.named_here(),
            ),
        ):
            return await self._send(expected, method, path, asked, sent, **rest)

    async def _send(
        self,
        expected: type[Expected],
        method: str,
        path: str,
        asked: str,
        sent: Mapping[str, str],
        **rest: Any,
    ) -> Expected:
        try:
            # httpx limits each read and write; a partner that trickles bytes meets this limit.
            async with (
                asyncio.timeout(TOTAL_SECONDS),
                self._client.stream(method, self._base_url + path, headers=sent, **rest) as answer,
            ):
                body = await _body(answer, asked)
        except (TimeoutError, httpx2.HTTPError) as error:
            raise PartnerFailure(f"{asked}: {type(error).__name__}: {error}") from error
        if not answer.is_success:
            raise _refusal_or_failure(answer, body, asked)
        try:
            return expected.model_validate_json(body)
        except ValidationError as error:
            raise PartnerFailure(f"{asked}: unreadable answer: {error}") from error


@contextmanager
def _measured(partner: str, operation: str) -> Iterator[None]:
    outcome = "ok"
    started = time.perf_counter()
    try:
        yield
    except PartnerRefused:
        outcome = "refused"
        raise
    except PartnerFailure as failure:
        outcome = "failed"
        partners.failed(partner, str(failure))
        raise
    finally:
        if outcome != "failed":
            partners.answered(partner)
        taken = time.perf_counter() - started
        metrics.partner_calls.labels(partner, operation, outcome).inc()
        metrics.partner_call_seconds.labels(partner, operation).observe(taken)


def _operation(method: str, path: str) -> str:
    """Name a call without its ids, which stand at every second place of a path."""
    return f"{method} {'/'.join(path.strip('/').split('/')[::2])}"


def segment(text: str) -> str:
    """Escape one segment of a path."""
    return quote(text, safe="")


async def _body(answer: httpx2.Response, asked: str) -> bytes:
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise PartnerFailure(f"{asked}: the answer is too large")
    return bytes(body)


def _refusal_or_failure(
    answer: httpx2.Response, body: bytes, asked: str
) -> PartnerFailure | PartnerRefused:
    """Tell a definite no, in the partner's own words, from everything else."""
    status = answer.status_code
    if 400 <= status < 500 and status not in OUTAGES:
        try:
            error = _ErrorBody.model_validate_json(body).error
        except ValidationError:
            # Not the partner's words: a proxy or a wrong address answered in its place.
            return PartnerFailure(f"{asked}: unreadable refusal {status}")
        return PartnerRefused(error.code, error.message)
    return PartnerFailure(f"{asked}: answered {status}", _retry_after(answer))


def _retry_after(answer: httpx2.Response) -> timedelta | None:
    seconds = answer.headers.get("retry-after", "")
    if not (seconds.isascii() and seconds.isdigit()):
        return None
    return min(timedelta(seconds=min(int(seconds), 86_400)), LONGEST_RETRY_AFTER)
