"""Spans, when somebody collects them; otherwise none of this costs anything."""

from opentelemetry import trace
from opentelemetry.trace import Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

NAME = "stateset"
propagator = TraceContextTextMapPropagator()
"""Reads and writes W3C ``traceparent``."""

_tracer: Tracer | None = None


def collect(tracer: Tracer | None) -> None:
    """Make spans with this tracer from now on; None stops it."""
    global _tracer
    _tracer = tracer


def tracer() -> Tracer | None:
    """Return the tracer, or None when nobody collects spans."""
    return _tracer


def trace_ids() -> dict[str, str]:
    """Return the ids of the current span as log fields; nothing outside a span."""
    if _tracer is None:
        return {}
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
