"""The process as it is operated: its entry, its log, its numbers, its spans, its end."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sqlalchemy import text

from db.engine import Database
from tests.api.callers import new_key
from tests.patience import PATIENCE, eventually
from tests.ports import free_port
from tests.serving import served

ROOT = Path(__file__).parent.parent.parent
ENTRY = """
import asyncio
from api.app import serve
from runtime.settings import settings

async def connect():
    raise RuntimeError("no Temporal here")

asyncio.run(serve(settings(), connect))
"""
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Collector:
    """An OpenTelemetry collector that keeps what it gets."""

    def __init__(self) -> None:
        self.spans: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if dict(scope["headers"]).get(b"content-encoding") == b"gzip":
            import gzip

            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for group in resource.scope_spans:
                self.spans.extend(group.spans)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


SERIES = 'stateset_http_requests_total{method="GET",route="/items/{item_id}",status="404"} 1.0'


class Api:
    """The running process and where it listens."""

    def __init__(self, process: asyncio.subprocess.Process, api: int, metrics: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{api}"
        self.metrics = f"http://127.0.0.1:{metrics}/metrics"

    async def stop(self) -> list[dict[str, Any]]:
        """End it as an operator does; return its log."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            said, _ = await self.process.communicate()
        return [json.loads(line) for line in said.decode().splitlines()]


@pytest.fixture
async def collector() -> AsyncIterator[tuple[Collector, str]]:
    collector = Collector()
    async with served(collector) as address:
        yield collector, address


@pytest.fixture
async def api(database_url: str, collector: tuple[Collector, str]) -> AsyncIterator[Api]:
    ports = free_port(), free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        ENTRY,
        cwd=ROOT,
        env={
            **os.environ,
            "STATESET_DATABASE_URL": database_url,
            "STATESET_API_PORT": str(ports[0]),
            "STATESET_METRICS_PORT": str(ports[1]),
            "STATESET_OTLP_ENDPOINT": collector[1],
        },
        stdout=asyncio.subprocess.PIPE,
    )
    running = Api(process, *ports)
    try:
        await until_up(running)
        yield running
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_up(api: Api) -> None:
    async with asyncio.timeout(PATIENCE), httpx2.AsyncClient(timeout=30) as client:
        while True:
            try:
                await client.get(f"{api.url}/health/live")
                return
            except httpx2.TransportError:
                assert api.process.returncode is None, "the process ended"
                await asyncio.sleep(0.05)


async def test_the_age_of_the_backlog_is_told_while_no_worker_lives(
    api: Api, books: Database
) -> None:
    """B4: API processes exported 0 while an accepted order had waited for 170 seconds."""
    async with books.begin() as db:
        await db.execute(
            text(
                "INSERT INTO outbox (kind, document_type, document_id, payload, created_at)"
                " VALUES ('start', 'order', gen_random_uuid(), '{}', now() - interval '170 s')"
            )
        )
    async with httpx2.AsyncClient(timeout=PATIENCE) as client:

        async def told() -> bool:
            numbers = (await client.get(api.metrics)).text
            age = re.search(r"(?m)^stateset_outbox_oldest_seconds (\S+)", numbers)
            answers = "stateset_database_answers 1.0" in numbers
            return answers and age is not None and float(age[1]) >= 170

        await eventually(told)
    async with books.begin() as db:
        await db.execute(text("DELETE FROM outbox"))


async def test_an_api_without_a_database_names_the_setting() -> None:
    """Findings, operator: a missing setting is a line, not a traceback."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("STATESET_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ENTRY),
        cwd=ROOT,
        env={**given, "PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert (process.returncode, said.decode().strip()) == (
        1,
        "STATESET_DATABASE_URL is not set: where are the books?",
    )


async def test_a_request_is_logged_counted_and_traced_under_the_callers_ids(
    api: Api, books: Database, collector: tuple[Collector, str]
) -> None:
    key = await new_key(books, name="shop", role="integration")
    sent = {
        "Authorization": f"Bearer {key}",
        "X-Request-Id": "order-17",
        "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
    }
    async with httpx2.AsyncClient(base_url=api.url, timeout=PATIENCE) as client:
        path = "/items/0190a4b5-7a6e-7c3d-8f1e-2b3c4d5e6f70"
        assert (await client.get(path, headers=sent)).status_code == 404
        # The numbers are counted after the answer is sent.
        numbers = ""
        async with asyncio.timeout(PATIENCE):
            while SERIES not in numbers:
                numbers = (await client.get(api.metrics)).text
    log = await api.stop()

    (line,) = [one for one in log if one.get("request_id") == "order-17"]
    assert (line["status"], line["route"], line["path"]) == (404, "/items/{item_id}", path)
    assert line["caller"].startswith("key:")
    assert (line["trace_id"], line["service"]) == (TRACE, "stateset-api")
    assert key not in json.dumps(log)
    assert key not in numbers

    assert SERIES in numbers
    assert "stateset_http_in_flight 0.0" in numbers
    assert "stateset_db_pool_in_use" in numbers

    ours = [span for span in collector[0].spans if span.trace_id.hex() == TRACE]
    (request,) = [span for span in ours if span.name == "GET /items/{item_id}"]
    assert request.parent_span_id.hex() == "b7ad6b7169203331"
    statements = [span for span in ours if span.parent_span_id == request.span_id]
    assert [span.name for span in statements] == ["SELECT", "SELECT"]
    assert key not in str(ours)


async def test_the_end_is_clean(api: Api) -> None:
    await api.stop()
    assert api.process.returncode == 0
