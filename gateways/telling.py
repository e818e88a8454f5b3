"""Types of what partners tell: what matters is read strictly, the rest is tolerated and cut."""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Strict,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

LONGEST_WORDS = 1000
LONGEST_URL = 2000
NUL_STANDS_AS = "\ufffd"
"""What is stored for the character that PostgreSQL cannot store."""


def without_nul(text: str) -> str:
    """Return a text that PostgreSQL can store."""
    return text.replace("\x00", NUL_STANDS_AS)


def _tolerate(given: Any) -> str:
    if isinstance(given, str):
        return without_nul(given)[:LONGEST_WORDS]
    plain = isinstance(given, int | float) and not isinstance(given, bool)
    return str(given) if plain else ""


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is beyond the calendar in UTC") from error


def _or_nothing(given: Any, read: ValidatorFunctionWrapHandler) -> datetime | None:
    try:
        moment: datetime | None = read(given)
    except ValidationError:
        return None
    return moment


def _or_no_url(given: Any) -> str:
    if not isinstance(given, str) or len(given) > LONGEST_URL or not given.isprintable():
        return ""
    try:
        address = urlsplit(given)
    except ValueError:
        return ""
    return given if address.scheme in ("http", "https") and address.hostname else ""


Words = Annotated[str, BeforeValidator(_tolerate)]
"""Text for people: cut at 1,000 characters, and empty when it is none."""

Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment with its zone, in UTC; what has none, or lies beyond the calendar, is refused."""

MaybeMoment = Annotated[Annotated[Moment, Strict(False)] | None, WrapValidator(_or_nothing)]
"""A moment that may be missing; one that cannot be read is none."""

MaybeUrl = Annotated[str, BeforeValidator(_or_no_url)]
"""An address that a browser may be sent to (http or https); what is none is empty."""
