"""One trace from the request through the run and its steps to the SQL, at a real OTLP receiver."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.installation import running
from tests.patience import PATIENCE, eventually

Spans = dict[bytes, set[str]]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    """Names of the spans that were received, by trace."""
    received: Spans = {}

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        received.setdefault(span.trace_id, set()).add(span.name)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("STATESET_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
    yield received
    server.shutdown()
    server.server_close()
    thread.join()


async def test_one_trace_leads_from_the_request_through_run_and_steps_to_the_sql(
    collector: Spans, server_dir: Path
) -> None:
    wanted = {
        "POST /orders",
        "WITH",
        "StartWorkflow:OrderFulfillment",
        "RunWorkflow:OrderFulfillment",
        "RunActivity:authorize_payment",
        "RunActivity:book_shipment",
    }
    folder = server_dir / "traced"
    folder.mkdir(mode=0o711)
    async with running(folder) as installation:
        sku = await installation.item(stock=1)
        order = await installation.place({sku: 1})
        await installation.booked(order)

        async def complete() -> bool:
            return any(wanted <= names for names in list(collector.values()))

        await eventually(complete, PATIENCE, f"no trace has {wanted}: {collector.values()}")
