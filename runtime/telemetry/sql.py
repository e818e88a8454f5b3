"""A span for every SQL statement, while spans are collected."""

from typing import Any

from opentelemetry.trace import Span, StatusCode, Tracer
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine

from telemetry.tracing import start_statement, under_way

_SPAN = "stateset_span"


def trace_statements(engine: AsyncEngine, tracer: Tracer) -> None:
    """Make the engine report its statements to this tracer."""

    def before(
        _connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool
    ) -> None:
        if context is not None and under_way():
            setattr(context, _SPAN, start_statement(tracer, statement))

    def after(
        _connection: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool
    ) -> None:
        _end(context)

    def failed(failure: ExceptionContext) -> None:
        _end(failure.execution_context, failure.original_exception)

    event.listen(engine.sync_engine, "before_cursor_execute", before)
    event.listen(engine.sync_engine, "after_cursor_execute", after)
    event.listen(engine.sync_engine, "handle_error", failed)


def _end(context: Any, error: BaseException | None = None) -> None:
    span: Span | None = getattr(context, _SPAN, None)
    if span is None:
        return
    if error is not None:
        span.set_status(StatusCode.ERROR, type(error).__name__)
    span.end()
    delattr(context, _SPAN)
