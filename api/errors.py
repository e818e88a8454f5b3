"""Every refusal and failure as RFC 9457 problem details; clients branch on ``code``."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Scope

from api.headers import CHALLENGE, ETAG, RETRY_AFTER
from api.refusals import (
    Busy,
    DatabaseUnavailable,
    Internal,
    MethodNotAllowed,
    RateLimited,
    TooLarge,
    TooManyAtOnce,
    Unreadable,
)
from db.failures import Trouble, diagnose, refused_column
from db.turns import NoTurn
from domain.errors import (
    AlreadyExists,
    DomainError,
    KeyInProgress,
    Malformed,
    NotFound,
    TooManyAttempts,
    TooManyUnpaid,
    Unauthenticated,
)

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 50
_log = structlog.get_logger("http")
_HTTP: Mapping[int, type[DomainError]] = {
    400: Unreadable,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
}
_PASSING = (TooManyAttempts, TooManyUnpaid, KeyInProgress, RateLimited, TooManyAtOnce)
"""Refusals that time alone ends, besides those with 503."""


class OddAnswer(Exception):
    """An answer of ours does not fit its description; says where, never what was found there."""


class Unchanged(Exception):
    """The caller already has the newest version (304)."""

    def __init__(self, etag: str) -> None:
        super().__init__(etag)
        self.etag = etag


def problem(error: DomainError, scope: Scope, headers: Mapping[str, str] | None = None) -> Response:
    """Write a refusal as the answer to the request of this scope."""
    body = {
        **error.extensions,
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": scope["path"],
        "code": error.code,
        "request_id": scope.get("state", {}).get("request_id"),
    }
    extra = dict(headers or {})
    name = header_of(type(error))
    if name is not None:
        value = "Bearer" if name == CHALLENGE else error.extensions.get("retry_after", 1)
        extra.setdefault(name, str(value))
    return Response(_json(body), error.status, extra, MEDIA_TYPE)


def header_of(refusal: type[DomainError]) -> str | None:
    """Name the header that every refusal of this kind carries, if there is one."""
    if issubclass(refusal, Unauthenticated):
        return CHALLENGE
    passes = refusal.status == 503 or issubclass(refusal, _PASSING)
    return RETRY_AFTER if passes else None


def of_database(error: BaseException, scope: Scope) -> DomainError | None:
    """Translate a database error that is not our mistake.

    What the database refuses it always will; as our own rules should have done so first, the log
    tells all about it.
    """
    if isinstance(error, NoTurn):
        return TooManyAtOnce("your other requests take all of your share; wait for their answers")
    match trouble := diagnose(error):
        case Trouble.DUPLICATE | Trouble.REFUSED:
            _log.error("refused_by_the_database", path=scope["path"], exc_info=error)
            return _refused_value(trouble, refused_column(error), scope)
        case Trouble.CONFLICT:
            return Busy("other requests hold the rows that this one needs; try again")
        case Trouble.DOWN:
            return DatabaseUnavailable("the database cannot answer now; try again")
        case Trouble.UNSTORABLE:
            return Malformed("a value cannot be stored")
        case _:
            return None


def _refused_value(trouble: Trouble, column: str | None, scope: Scope) -> DomainError:
    if trouble is Trouble.DUPLICATE:
        refusal: type[DomainError] = AlreadyExists
        words = f"something else has this {column or 'already'}"
    else:
        refusal = Malformed
        words = f"the value of {column} cannot be stored" if column else "a value cannot be stored"
    body = getattr(scope.get("route"), "body_field", None)
    if body is None or column not in getattr(body.field_info.annotation, "model_fields", ()):
        return refusal(words)
    return refusal(words, errors=[{"pointer": f"/{column}", "message": words}])


def install(app: FastAPI) -> None:
    """Let the app answer every refusal with problem details."""
    app.add_exception_handler(DomainError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ResponseValidationError, _odd_answer)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Unchanged, _unchanged)
    for failure in (SQLAlchemyError, ConnectionError, TimeoutError):
        app.add_exception_handler(failure, _database)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)
    return problem(error, request.scope)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        return problem(Unreadable("the body is not JSON"), request.scope)
    return problem(malformed(found), request.scope)


async def _odd_answer(_: Request, error: Exception) -> Response:
    assert isinstance(error, ResponseValidationError)
    places = ", ".join(
        f"{'.'.join(map(str, each['loc']))} ({each['type']})"
        for each in error.errors()[:MAX_ERRORS]
    )
    # The framework's error quotes the answer, which may hold personal data: no log gets it.
    raise OddAnswer(f"{error.endpoint_path} by {error.endpoint_function}: {places}") from None


def malformed(found: Iterable[Mapping[str, Any]]) -> Malformed:
    """Make one refusal of pydantic's findings; what was sent is never echoed."""
    errors = [{"pointer": _pointer(each["loc"]), "message": _message(each)} for each in found]
    places = ", ".join(dict.fromkeys(each["pointer"] for each in errors[:5]))
    return Malformed(f"check {places or 'the request'}", errors=errors[:MAX_ERRORS])


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        refusal: DomainError = NotFound("there is nothing at this address")
    elif error.status_code == 400 and type(error.__cause__) is ValueError:
        # Numbers of so many digits would take long to read; no field is known yet.
        refusal = Malformed(f"a number has more than {sys.get_int_max_str_digits()} digits")
    else:
        refusal = _HTTP.get(error.status_code, Internal)(error.detail)
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
    return problem(refusal, request.scope, headers)


def _allowed(request: Request) -> str:
    """List the methods of all routes at this address; the refusing route knows only its own."""
    at_address = (
        route
        for route in request.app.routes
        if isinstance(route, Route) and route.path_regex.match(request.scope["path"])
    )
    return ", ".join(sorted({method for route in at_address for method in route.methods or ()}))


async def _unchanged(_: Request, error: Exception) -> Response:
    assert isinstance(error, Unchanged)
    return Response(status_code=304, headers={ETAG: error.etag})


async def _database(request: Request, error: Exception) -> Response:
    refusal = of_database(error, request.scope)
    if refusal is None:
        raise error
    return problem(refusal, request.scope)


def _pointer(place: tuple[str | int, ...]) -> str:
    """Point into the body; other parts of the request are named by their kind first."""
    steps = place[1:] if place and place[0] == "body" else place
    escaped = (_printable(str(step)).replace("~", "~0").replace("/", "~1") for step in steps)
    return "".join(f"/{step}" for step in escaped)


def _message(finding: Mapping[str, Any]) -> str:
    return _printable(str(finding["msg"]).removeprefix("Value error, "))


def _printable(text: str) -> str:
    return text[:200].encode("utf-8", "replace").decode()


def _json(body: Mapping[str, Any]) -> bytes:
    return orjson.dumps(body, default=str)
