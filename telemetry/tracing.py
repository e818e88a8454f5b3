"""Spans of traces, made only while a collector is configured; else they cost nothing."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

import structlog
from opentelemetry import context, trace
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

NAME = "stateset"
propagator = TraceContextTextMapPropagator()
"""Reads and writes W3C ``traceparent``."""

_LONGEST = 500
"""Characters of a statement that a span shows; parameters are never shown."""

_tracer: Tracer | None = None
_NONE: Mapping[str, str] = MappingProxyType({})
_document: ContextVar[Mapping[str, str]] = ContextVar("document", default=_NONE)


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


@contextmanager
def about(number: str, **ids: object) -> Iterator[None]:
    """Have all spans and log lines of this block name the document that it is about."""
    named = {"document": number, **{name: str(value) for name, value in ids.items()}}
    token = _document.set({f"stateset.{name}": value for name, value in named.items()})
    trace.get_current_span().set_attributes(dict(_document.get()))
    try:
        with structlog.contextvars.bound_contextvars(**named):
            yield
    finally:
        _document.reset(token)


def named_here() -> Mapping[str, str]:
    """Return the document that is being worked on, as attributes of a span."""
    return _document.get()


@contextmanager
def span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, *, causes: Iterable[str] = (), **facts: str
) -> Iterator[None]:
    """Make a span of the block, while spans are collected; it links to each ``traceparent``.

    Of a failure it tells the class alone: what it says may be personal.
    """
    if _tracer is None:
        yield
        return
    found = (
        trace.get_current_span(propagator.extract({"traceparent": cause})).get_span_context()
        for cause in causes
    )
    links = [Link(each) for each in found if each.is_valid]
    attributes = {name.replace("__", "."): value for name, value in facts.items()}
    with _tracer.start_as_current_span(
        name,
        kind=kind,
        links=links,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        try:
            yield
        except Exception as error:
            made.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def under_way() -> bool:
    """Whether there is a span here; what nobody asked for, such as an idle look, has none."""
    return trace.get_current_span().get_span_context().is_valid


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
    if _tracer is None or not under_way():
        yield
        return
    with trace.use_span(start_statement(_tracer, sql), end_on_exit=True):
        yield
