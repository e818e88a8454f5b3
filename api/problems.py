"""Problem details in OpenAPI: which refusals each route documents."""

from typing import Any

from pydantic import ConfigDict

from api.errors import MEDIA_TYPE, header_of
from api.headers import refer
from api.refusals import (
    Busy,
    DatabaseUnavailable,
    Internal,
    TimedOut,
    TooLarge,
    TooSlow,
    Unreadable,
)
from domain.errors import (
    DomainError,
    Forbidden,
    KeyInProgress,
    KeyMissing,
    KeyReused,
    Malformed,
    Unauthenticated,
)
from domain.value import Described

ALWAYS: tuple[type[DomainError], ...] = (Internal, Busy, DatabaseUnavailable, TimedOut)
READ: tuple[type[DomainError], ...] = (Unauthenticated, Forbidden, Malformed)
"""What every route for known callers may answer."""
BODY: tuple[type[DomainError], ...] = (Unreadable, TooSlow, TooLarge)
"""What a route with a body may answer besides."""
KEYED: tuple[type[DomainError], ...] = (KeyMissing, KeyReused, KeyInProgress)
"""What a route with an Idempotency-Key may answer besides."""

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The caller has this already: its `If-None-Match` names the `ETag`."}
}
"""What a route of one document answers to a caller that has it."""


class FieldError(Described):
    """What is wrong at one place of the request."""

    pointer: str
    """Where: a JSON Pointer into the body, or one that begins with `/query`, `/path` or
    `/header`."""
    message: str
    """What is wrong there, in words for people; never what was sent."""


class Problem(Described):
    """Problem details (RFC 9457); further members are facts about the refusal."""

    model_config = ConfigDict(extra="allow")

    type: str
    """The kind of refusal as a reference: `/problems/` and the code."""
    title: str
    """The kind of refusal in words; the same for each of its kind."""
    status: int
    """The status of the answer."""
    detail: str
    """What is wrong with this request, in words for people; may change from release to release."""
    instance: str
    """The path that was asked."""
    code: str
    """The kind of refusal, to branch on."""
    request_id: str | None
    """By which the request is found in the logs: the `X-Request-Id`."""
    errors: list[FieldError] = []
    """With `malformed`: all that is wrong, as far as it is known."""


def problems(*refusals: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """Document these refusals, and those that any route may answer, by status."""
    by_status: dict[int | str, list[type[DomainError]]] = {}
    for refusal in dict.fromkeys((*refusals, *ALWAYS)):
        by_status.setdefault(refusal.status, []).append(refusal)
    return {
        status: {
            "description": " · ".join(f"`{one.code}`: {_title(one)}" for one in classes),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            "headers": refer(sorted({name for one in classes if (name := header_of(one))})),
        }
        for status, classes in by_status.items()
    }


def _title(refusal: type[DomainError]) -> str:
    return (refusal.__doc__ or refusal.code).strip().rstrip(".")
