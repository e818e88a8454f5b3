"""What spans tell: the document that they are about, and no words of a failure."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from runtime.telemetry.spans import Discreet, Named
from telemetry import tracing


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    """Spans as they leave the process."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(Named())
    provider.add_span_processor(SimpleSpanProcessor(Discreet(exporter)))
    tracing.collect(provider.get_tracer("tests"))
    yield exporter
    tracing.collect(None)


def test_a_failed_span_tells_the_class_of_its_failure_and_none_of_its_words(
    exported: InMemorySpanExporter,
) -> None:
    tracer = tracing.tracer()
    assert tracer is not None
    words = "77 Planted Row"
    with pytest.raises(ValueError), tracer.start_as_current_span("of the SDK"):
        raise ValueError(words)
    with pytest.raises(ValueError), tracing.span("of ours"):
        raise ValueError(words)
    theirs, ours = exported.get_finished_spans()
    assert words not in theirs.to_json() + ours.to_json()
    [event] = theirs.events
    assert (event.attributes or {})["exception.type"] == "ValueError"
    assert [span.status.description for span in (theirs, ours)] == ["ValueError", "ValueError"]


def test_spans_name_the_document_that_is_worked_on_and_link_to_what_caused_them(
    exported: InMemorySpanExporter,
) -> None:
    with tracing.span("webhook"):
        cause = tracing.carried()
    with (
        tracing.about("SO-1042", document_id="0193"),
        tracing.span("ApplyFacts", causes=["", "odd", cause]),
        tracing.span("inner"),
    ):
        pass
    with tracing.span("after", temporalWorkflowID="shipment-tracking/SH-7"):
        pass
    webhook, inner, applied, after = exported.get_finished_spans()
    assert _about(webhook) == {}
    assert _about(inner) == _about(applied)
    assert _about(inner) == {"stateset.document": "SO-1042", "stateset.document_id": "0193"}
    assert _about(after)["stateset.document"] == "SH-7"
    assert [link.context.span_id for link in applied.links] == [webhook.context.span_id]


def _about(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})
