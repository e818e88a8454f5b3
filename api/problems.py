"""Problem details in OpenAPI: which refusals each route documents."""

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from api.errors import MEDIA_TYPE, header_of
from api.fields import Sku
from api.headers import refer
from api.refusals import (
    Busy,
    DatabaseUnavailable,
    Internal,
    RateLimited,
    TimedOut,
    TooLarge,
    TooManyAtOnce,
    TooSlow,
    Unreadable,
)
from domain.access import Role
from domain.errors import (
    AlreadyExists,
    DomainError,
    Forbidden,
    KeyInProgress,
    KeyMissing,
    KeyReused,
    Malformed,
    Unauthenticated,
)
from domain.money import Money
from domain.quantities import Total
from domain.value import Described

ALWAYS: tuple[type[DomainError], ...] = (
    Internal,
    Busy,
    DatabaseUnavailable,
    TimedOut,
    RateLimited,
)
READ: tuple[type[DomainError], ...] = (Unauthenticated, Forbidden, Malformed, TooManyAtOnce)
"""What every route for known callers may answer."""
BODY: tuple[type[DomainError], ...] = (Unreadable, TooSlow, TooLarge)
"""What a route with a body may answer besides."""
KEYED: tuple[type[DomainError], ...] = (KeyMissing, KeyReused, KeyInProgress, AlreadyExists)
"""What a route with an Idempotency-Key may answer besides."""

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The caller has this already: its `If-None-Match` names the `ETag`."}
}
"""What a route of one document answers to a caller that has it."""


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


_ABSENT: Any = Field(default=None, json_schema_extra=_without_default)
"""Of a member that only some problems have: it is absent from the others, and never null."""


class FieldError(Described):
    """What is wrong at one place of the request."""

    pointer: str
    """Where: a JSON Pointer into the body, or one that begins with `/query`, `/path` or
    `/header`."""
    message: str
    """What is wrong there, in words for people; never what was sent."""


class Shortage(Described):
    """Demand for an item above what is available of it."""

    sku: Sku
    location_id: UUID = _ABSENT
    """Where it was to be taken from; absent where any place would do."""
    requested: Total
    """Units that are wanted."""
    available: Total
    """Units that are there and not promised."""


class Holder(Described):
    """A document to which some of the stock is promised."""

    document_type: str
    """What kind of document it is, such as `order`."""
    document_id: UUID
    """Which one."""
    quantity: Total
    """Units that are promised to it."""


class RemainingLine(Described):
    """A line of an order, of which fewer units remain than were asked for."""

    order_line_id: UUID
    """The line's `id`."""
    units: int
    """Units of it that have not left and are not cancelled."""


class NamedUnit(Described):
    """A unit that was named and cannot be meant."""

    serial: str
    """What stands on it."""
    message: str
    """What is wrong with it, in words for people."""
    status: str = _ABSENT
    """What it is; absent where there is no such unit."""
    place: str | None = _ABSENT
    """Where it is: the codes of the site and the location; null while a customer has it."""


class SkillGap(Described):
    """An operation that a technician may not do on the planned day."""

    technician: str
    """The technician's code."""
    operation: str
    """What is to be done."""
    skill: str
    """What is needed for it."""
    on: date
    """The planned day, by UTC."""


class Problem(Described):
    """Problem details (RFC 9457) with what else is known of the refusal, by its `code`.

    Members that a client does not know are to be passed over: there may be more of them.
    """

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
    errors: list[FieldError] = _ABSENT
    """All that is wrong, as far as it is known, with its place; at most 50."""
    id: UUID = _ABSENT
    """With `already_exists`: the document that is there, if the caller may read it."""
    current_status: str = _ABSENT
    """With `illegal_move`: the state that forbids it."""
    allowed: list[str] = _ABSENT
    """What could be asked instead: states with `illegal_move`, choices of a task, or reasons."""
    outcome: str = _ABSENT
    """With `illegal_move`: how the task was decided before."""
    decided_by: str = _ABSENT
    """With `illegal_move`: who decided the task before."""
    version: int = _ABSENT
    """With `stale`: the version that the document has by now."""
    shortages: list[Shortage] = _ABSENT
    """With `out_of_stock`: all that there is not enough of."""
    available: Total = _ABSENT
    """With `out_of_stock`, of an adjustment: units that could be taken."""
    holders: list[Holder] = _ABSENT
    """With `out_of_stock` or `illegal_move`, of an adjustment: to what the others are promised, or
    the returns that they came back with."""
    units: list[NamedUnit] = _ABSENT
    """Units, named by their serials, that are not what they have to be, with where they are."""
    remaining: Money = _ABSENT
    """With `amount_exceeded`: what can still be given back."""
    remaining_units: int = _ABSENT
    """With `quantity_exceeded`: how many units of the line still can; with `window_closed`: how
    many may come back today."""
    remaining_lines: list[RemainingLine] = _ABSENT
    """With `quantity_exceeded`, of a cancellation: what of each line can still be cancelled."""
    sku: str = _ABSENT
    """With `price_changed`: the item."""
    current: Money = _ABSENT
    """With `price_changed`: the item's list price."""
    command: str = _ABSENT
    """With `forbidden`: the command that the caller may not give, as scopes name it."""
    role: Role = _ABSENT
    """With `forbidden`: the role that may."""
    field: str = _ABSENT
    """With `forbidden`: the field that the caller may not give."""
    route: str = _ABSENT
    """With `forbidden`: where else this is asked for."""
    rule: str = _ABSENT
    """With `same_person`: which rule wants another person: `refund_limit` or `sign_off`."""
    missing: list[str] = _ABSENT
    """With `illegal_move`, of a work order: in words all that keeps it from going on."""
    gaps: list[SkillGap] = _ABSENT
    """With `skill_missing`: which operations the technician may not do."""
    closed_on: date | None = _ABSENT
    """With `window_closed`: the last day on which they could come back, in UTC; null where there
    was none, as of a final sale."""
    retry_after: int = _ABSENT
    """With `too_many_attempts`, `too_many_unpaid` and `rate_limited`: seconds after which to
    try again."""


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
