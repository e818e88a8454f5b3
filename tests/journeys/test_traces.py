"""What leaves a whole installation by itself: traces, logs, numbers, and what Temporal keeps."""

import json
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.installation import Installation, running
from tests.patience import PATIENCE, eventually
from tests.planting import FACTS, TOWN, found_in, live_through
from tests.storefront import ADDRESS

STATEMENTS = {"SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "BEGIN", "COMMIT", "ROLLBACK"}


@pytest.fixture(scope="module")
def spans() -> Iterator[list[Span]]:
    """Spans that a collector has received."""
    received: list[Span] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    received.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = Thread(target=server.serve_forever)
    thread.start()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("STATESET_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        environment.setenv("STATESET_LOG_LEVEL", "INFO")
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        yield received
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
async def traced(spans: list[Span], server_dir: Path) -> AsyncIterator[Installation]:
    """An installation of its own, because a collector is named at the start."""
    folder = server_dir / "traced"
    folder.mkdir(mode=0o711)
    async with running(folder) as installation:
        yield installation


def attributes(span: Span) -> dict[str, str]:
    return {each.key: each.value.string_value for each in span.attributes}


def lines(installation: Installation, *names: str) -> list[str]:
    logs = installation.folder / "logs"
    return [line for name in names for line in (logs / f"{name}.log").read_text().splitlines()]


async def test_one_trace_leads_from_the_request_through_run_and_steps_to_the_sql_and_the_partner(
    traced: Installation, spans: list[Span]
) -> None:
    wanted = {
        "POST /orders",
        "WITH",
        "StartWorkflow:OrderFulfillment",
        "RunWorkflow:OrderFulfillment",
        "RunActivity:authorize_payment",
        "RunActivity:book_shipment",
        "carrier POST bookings",
    }
    sku = await traced.item(stock=1)
    made = await traced.post("/orders", traced.order({sku: 1}))
    numbers = await traced.booked(made.body["id"])

    async def complete() -> list[Span] | None:
        by_trace: dict[bytes, list[Span]] = {}
        for span in list(spans):
            by_trace.setdefault(span.trace_id, []).append(span)
        found = (one for one in by_trace.values() if wanted <= {span.name for span in one})
        return next(found, None)

    trace = await eventually(complete, PATIENCE, f"no trace has {wanted}: {_names(spans)}")
    about = {span.name: attributes(span) for span in trace}
    for name in wanted - {"WITH"}:
        assert about[name]["stateset.document"] == made.body["number"], name
    [shipment] = (await traced.show(made.body["id"]))["shipments"]
    for name in ("RunActivity:book_shipment", "carrier POST bookings"):
        assert about[name]["stateset.shipment_id"] == shipment["id"], name
    assert about["POST /orders"]["stateset.document_id"] == made.body["id"]

    await traced.travel(numbers)
    await traced.reaches(made.body["id"], status="completed")

    async def linked() -> bool:
        """From the webhook by a link to what it caused: the run that tracks the parcel."""
        webhooks = {s.span_id for s in spans if s.name == "POST /webhooks/{provider}"}
        caused = {
            span.trace_id
            for span in spans
            if span.name == "ApplyFacts" and {link.span_id for link in span.links} & webhooks
        }
        tracked = (s for s in spans if s.name == "RunWorkflow:ShipmentTracking")
        return any(span.trace_id in caused for span in tracked)

    await eventually(linked, PATIENCE, "no webhook is linked to the run that tracks its parcel")


async def test_what_nobody_asked_for_makes_no_trace_and_no_line(
    traced: Installation, spans: list[Span]
) -> None:
    alone = {span.name for span in spans if not span.parent_span_id}
    assert alone & STATEMENTS == set()
    assert [name for name in alone if "/health" in name] == []
    assert [line for line in lines(traced, "api") if "/health" in line] == []


class There:
    """The installation as the planted customer's world."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        if method == "POST":
            return (await self._installation.post(path, body)).body
        return (await self._installation.shop.get(path)).body

    async def advance(self, number: str, to: str) -> None:
        await self._installation.travel([number], to)


async def test_no_fact_of_a_customer_leaves_by_logs_numbers_traces_or_histories(
    traced: Installation, spans: list[Span]
) -> None:
    numbers = await live_through(There(traced))
    # The carrier refuses the label, and quotes the address.
    away = {**ADDRESS, **TOWN, "postal_code": "00000"}
    await traced.place({await traced.item(stock=1): 1}, ship_to=away)
    await eventually(lambda: _quoted(traced), PATIENCE, "the carrier did not refuse")

    async def exported() -> bool:
        return all(number.encode() in b"".join(_raw(spans)) for number in numbers[:2])

    await eventually(exported)
    written = lines(traced, "api", "worker")
    metrics = [
        httpx2.get(url).content
        for url in (traced.record.worker_metrics_url, traced.record.api_metrics_url)
    ]
    kept = [file.read_bytes() for file in traced.folder.glob("temporal.db*")]
    assert numbers[0].encode() in b"".join(kept)
    places = {
        "traces": _raw(spans),
        "logs": [line.encode() for line in written],
        "metrics": metrics,
        "histories": kept,
    }
    assert {place: found_in(texts) for place, texts in places.items() if found_in(texts)} == {}
    told = [json.loads(line) for line in written]
    steps = [line for line in told if line["event"] == "step_done"]
    assert {line["document"] for line in steps} >= set(numbers[:2])
    assert all("shipment_id" in line for line in steps if line["step"] == "book_shipment")
    assert any("document_id" in line for line in steps)
    asked = [line for line in told if line["event"] == "request" and line["route"] == "/orders"]
    assert {line.get("document") for line in asked} >= {numbers[0]}


def _names(spans: list[Span]) -> list[str]:
    return sorted({span.name for span in spans})


def _raw(spans: list[Span]) -> list[bytes]:
    return [span.SerializeToString() for span in list(spans)]


async def _quoted(installation: Installation) -> bool:
    tasks = await installation.shop.get("/tasks", status="open")
    return FACTS["city"] in json.dumps(tasks.body["items"])
