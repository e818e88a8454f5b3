"""One line of JSON per event on standard output, with the ids of the request and its trace."""

import contextlib
import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from functools import lru_cache
from typing import Any

import orjson
import structlog

from telemetry.tracing import trace_ids

_HIDDEN = "[hidden]"
_QUOTING = ("domain", "gateways", "pydantic", "temporalio.exceptions")
"""Modules whose exceptions quote what callers and partners have said."""
_SECRET_NAMES = ("password", "secret", "token", "authorization", "api_key", "cookie")


def configure_logging(level: str, service: str) -> None:
    """Send this process's log, and that of the libraries it uses, to standard output."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        _name_service(service),
        _hide_secrets,
        _tell_exception,
    ]
    as_json = structlog.processors.JSONRenderer(serializer=_json)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, as_json],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    # Nor do the libraries' lines fail whoever says them, or tell of it on a standard error that is
    # on the same full disk.
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # httpx logs every request at INFO, with its address.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, as_json],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=lambda name="root": _Named(name),
        cache_logger_on_first_use=True,
    )


class _Named(structlog.WriteLogger):
    """Writes our own lines, which are finished, without a record of the standard library each.

    What cannot be written, as on a full disk, is lost: whoever said it has better things to do than
    to fail.
    """

    def __init__(self, name: str) -> None:
        super().__init__(sys.stdout)
        self.name = name

    def msg(self, message: str) -> None:
        """Write one line, if that can be done."""
        with contextlib.suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def _add_trace(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for name, value in trace_ids().items():
        event.setdefault(name, value)
    return event


def _name_service(service: str) -> structlog.typing.Processor:
    def add(
        _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    return add


def _tell_exception(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Write an exception out, without what others say in it: it may be personal."""
    given = event.pop("exc_info", None)
    if isinstance(given, tuple):
        given = given[1]
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    if error is not None:
        event["exception"] = "\n".join(_chain(error))
    return event


def _chain(error: BaseException) -> Iterator[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _chain(before)
    yield "".join(traceback.format_tb(error.__traceback__)).rstrip("\n")
    kind = type(error)
    words = _HIDDEN if kind.__module__.startswith(_QUOTING) else str(error)
    yield f"{kind.__module__}.{kind.__qualname__}: {words}".removeprefix("builtins.")


def _hide_secrets(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for name in event:
        if _is_secret(name):
            event[name] = _HIDDEN
    return event


@lru_cache(1000)
def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in _SECRET_NAMES)


def _json(event: Any, **_: Any) -> str:
    try:
        return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        # A lone surrogate in a text from outside; the line is written all the same.
        return orjson.dumps(ascii(event)).decode()
