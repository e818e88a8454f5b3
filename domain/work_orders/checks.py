"""Checks of an operation: what is entered is judged by what was asked for, whoever enters it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import (
    Field,
    StrictBool,
    StrictInt,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from domain.errors import Malformed
from domain.quantities import LARGEST, Quantity, plain
from domain.value import Name, Text, Value
from domain.work_orders.status import CheckKind

MOST_CHECKS = 50


class Check(Value):
    """What is to be looked at or measured before an operation is done."""

    name: Name
    """What is looked at; each check of an operation has a name of its own."""
    kind: CheckKind = CheckKind.YES_NO
    """What is entered: `yes_no` passes with true, `number` in its limits, `text` if not
    empty."""
    min: Quantity | None = None
    """Of a number: the least that passes; null for no bound."""
    max: Quantity | None = None
    """Of a number: the most that passes; null for no bound."""

    @model_validator(mode="after")
    def _bounds_numbers(self) -> Self:
        if self.kind is not CheckKind.NUMBER and (self.min, self.max) != (None, None):
            raise ValueError("min and max are given with the kind number")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is at most max")
        return self


def each_named_once(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """Refuse two checks of one name."""
    if len({check.name for check in checks}) != len(checks):
        raise ValueError("give each check a name of its own")
    return checks


Whole = Annotated[StrictInt, Field(ge=-LARGEST, le=LARGEST)]


class CheckValue(Value):
    """What was found for a check."""

    name: Name
    """Which check of the operation."""
    value: StrictBool | Whole | Text
    """Yes or no, a number (with decimals as a string), or words: as the check asks."""


def judge(asked: Sequence[Mapping[str, Any]], given: Sequence[CheckValue]) -> list[dict[str, Any]]:
    """Return the checks of an operation with the values given now, each judged by its own limits.

    What was entered before and is not entered now stays. Raises Malformed for a value of no check,
    or of another kind than its check asks for.
    """
    named = {check.name: (at, check.value) for at, check in enumerate(given)}
    judged = []
    for check in asked:
        at, value = named.pop(str(check["name"]), (None, None))
        if at is None or value is None:
            judged.append(dict(check))
            continue
        form = Check.stored({key: check.get(key) for key in Check.model_fields})
        read = _read(form, value, f"/checks/{at}/value")
        judged.append({**check, "value": _kept(read), "passed": _passes(form, read)})
    for at, _ in named.values():
        errors = [{"pointer": f"/checks/{at}/name", "message": "no check of the operation"}]
        raise Malformed("the operation has no check of this name", errors=errors)
    return judged


def failing(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the names of the checks that have not passed, be it for want of a value."""
    return [str(check["name"]) for check in checks if check.get("passed") is not True]


_FORMS: Mapping[CheckKind, tuple[TypeAdapter[Any], str]] = {
    CheckKind.YES_NO: (TypeAdapter(StrictBool), "must be true or false"),
    CheckKind.NUMBER: (TypeAdapter(Quantity), "must be a whole number or a decimal string"),
    CheckKind.TEXT: (TypeAdapter(Text), "must be words"),
}


def _read(check: Check, value: bool | int | str, pointer: str) -> bool | Decimal | str:
    """Return a value of the kind that its check asks for; Malformed for another one."""
    form, said = _FORMS[check.kind]
    try:
        read: bool | Decimal | str = form.validate_python(value)
    except ValidationError:
        errors = [{"pointer": pointer, "message": said}]
        refusal = Malformed("the value is not what the check asks for", errors=errors)
        raise refusal from None
    return read


def _passes(check: Check, value: bool | Decimal | str) -> bool:
    if isinstance(value, Decimal):
        above = check.min is None or value >= check.min
        return above and (check.max is None or value <= check.max)
    return bool(value.strip()) if isinstance(value, str) else value


def _kept(value: bool | Decimal | str) -> bool | int | str:
    return plain(value) if isinstance(value, Decimal) else value
