"""Spans of traces, made only while a collector is configured; else they cost nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

NAME = "stateset"
propagator = TraceContextTextMapPropagator()
"""Reads and writes W3C ``traceparent``."""

_LONGEST = 500
"""Characters of a statement that a span shows; parameters are never shown."""

_tracer: Tracer | None = None


def collect(tracer: Tracer | None) -> None:
    """Make spans with this tracer from now on; None stops it."""
    global _tracer
    _tracer = tracer


def tracer() -> Tracer | None:
    """Return the tracer, or None when no spans are collected."""
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


def start_statement(tracer: Tracer, sql: str) -> Span:
    """Start a span for an SQL statement, named after its first word; the caller ends it."""
    return tracer.start_span(
        sql.split(None, 1)[0].upper() if sql.strip() else "SQL",
        kind=SpanKind.CLIENT,
        attributes={"db.system.name": "postgresql", "db.query.text": sql[:_LONGEST]},
    )


@contextmanager
def statement(sql: str) -> Iterator[None]:
    """Make a span of the block, which runs this SQL statement, while spans are collected."""
    if _tracer is None:
        yield
        return
    with trace.use_span(start_statement(_tracer, sql), end_on_exit=True):
        yield
