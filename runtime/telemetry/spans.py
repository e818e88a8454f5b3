"""What every span tells and none does: the document that it is about, and no words of others."""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status

from telemetry.tracing import named_here

_RUN = "temporalWorkflowID"
_WORDS = ("exception.message", "exception.stacktrace")


class Named(SpanProcessor):
    """Has each span name the document that is worked on, or that its run is named by."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Name it as soon as it begins."""
        del parent_context
        run = str((span.attributes or {}).get(_RUN, ""))
        if number := run.partition("/")[2]:
            span.set_attribute("stateset.document", number)
        span.set_attributes(dict(named_here()))


class Discreet(SpanExporter):
    """Exports spans without the words of failures, in which partners and people are quoted."""

    def __init__(self, exporter: SpanExporter) -> None:
        """Hand on to this exporter."""
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export; of an exception its class remains."""
        return self._exporter.export([_discreet(span) for span in spans])

    def shutdown(self) -> None:
        """End the exporter."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Export what waits."""
        return self._exporter.force_flush(timeout_millis)


def _discreet(span: ReadableSpan) -> ReadableSpan:
    said = span.status.description
    if said is None and not any(event.name == "exception" for event in span.events):
        return span
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=[_wordless(event) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code, said and said.partition(":")[0]),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _wordless(event: Event) -> Event:
    kept = {name: value for name, value in (event.attributes or {}).items() if name not in _WORDS}
    return Event(event.name, kept, event.timestamp)
