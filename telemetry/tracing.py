"""Spans, when somebody collects them; otherwise none of this costs anything."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context, trace
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


def carried() -> str:
    """Return the current span as a ``traceparent``, to go on elsewhere; empty outside a span."""
    if _tracer is None:
        return ""
    carrier: dict[str, str] = {}
    propagator.inject(carrier)
    return carrier.get("traceparent", "")


@contextmanager
def going_on(traceparent: str) -> Iterator[None]:
    """Make what happens in this block part of the trace that ``traceparent`` names, if any."""
    if _tracer is None or not traceparent:
        yield
        return
    token = context.attach(propagator.extract({"traceparent": traceparent}))
    try:
        yield
    finally:
        context.detach(token)


def trace_ids() -> dict[str, str]:
    """Return the ids of the current span as log fields; nothing outside a span."""
    if _tracer is None:
        return {}
    here = trace.get_current_span().get_span_context()
    if not here.is_valid:
        return {}
    return {"trace_id": f"{here.trace_id:032x}", "span_id": f"{here.span_id:016x}"}
