"""The one shape of a value: frozen, strict about unknown fields, safe to pass between processes."""

import ast
import functools
import inspect
import re
import sys
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue


def storable(text: str) -> str:
    """Refuse what PostgreSQL cannot store: NUL and lone surrogates."""
    if "\x00" in text:
        raise ValueError("must not contain the NUL character")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("must not contain unpaired surrogates")
    return text


Text = Annotated[str, StringConstraints(max_length=1000), AfterValidator(storable)]
"""Any storable text of at most 1,000 characters."""

Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True),
    AfterValidator(storable),
]
"""A name, code or reference: 1 to 200 characters, outer white space removed."""


Day = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2999, 12, 31))]
"""A day by UTC."""

Actor = Annotated[str, StringConstraints(min_length=1, max_length=260), AfterValidator(storable)]
"""Who did something, exactly: names that differ in white space are different callers."""


def _written_out(given: Any) -> Any:
    if isinstance(given, str) and _NUMBER.fullmatch(given.strip()):
        raise ValueError("must be an instant such as 2030-01-31T12:00:00Z")
    return given


def _in_calendar(given: datetime) -> datetime:
    """Return the moment in UTC, where it must lie in the calendar too, not only in its own zone."""
    try:
        return given.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie in the years 1 to 9999 in UTC") from None


_NUMBER = re.compile(r"[+-]?[0-9.eE+-]*(inf|nan)?", re.IGNORECASE)
Instant = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_calendar)]
"""A moment with its zone, of the years 1 to 9999 in UTC; a bare number is refused."""


class Described(BaseModel):
    """A model whose fields are described to callers by what stands beneath them in its source."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: Any, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add what stands beneath fields that have no description otherwise."""
        schema = handler(core)
        fields = handler.resolve_ref_schema(schema).get("properties", {})
        for name, said in told_fields(cls).items():
            fields.get(name, {}).setdefault("description", said)
        return schema


def told_fields(kind: type) -> dict[str, str]:
    """Return what stands beneath the fields of a class, those that it inherits included.

    Read when it is asked for: pydantic's own way reads the source while classes are made, which
    costs each start of a process half a second.
    """
    told: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if issubclass(each, Described):
            told |= _told_in(each.__module__).get(each.__qualname__, {})
    return told


@functools.cache
def _told_in(module: str) -> dict[str, dict[str, str]]:
    """Return what stands beneath fields, by class, of a module with models."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {
        each.name: {
            field.target.id: inspect.cleandoc(text)
            for field, below in pairwise(each.body)
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            if isinstance(text := below.value.value, str)
        }
        for each in tree.body
        if isinstance(each, ast.ClassDef)
    }


class Value(Described):
    """A frozen value; unknown fields are refused, so a misspelt field is an error, not a no-op.

    What a refusal says leaves out the value, which may be personal and ends in logs and histories.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True
    )

    @classmethod
    def stored(cls, value: object) -> Self:
        """Read what we stored: fields of a newer release beside this one are left alone."""
        return cls.model_validate(value, extra="ignore")


class Change(Value):
    """What of a document is to change: what is left out stays, so only what is given is written.

    A field whose column may be empty takes null, which empties it.
    """

    @model_validator(mode="after")
    def _nothing_is_emptied_that_must_be_there(self) -> Self:
        empty = [name for name in self.model_fields_set if getattr(self, name) is None]
        wrong = sorted(set(empty) - self.may_be_empty())
        if wrong:
            raise ValueError(f"{', '.join(wrong)} cannot be null: leave out what stays")
        return self

    @classmethod
    def may_be_empty(cls) -> frozenset[str]:
        """Return the fields that null empties."""
        return frozenset()

    @model_serializer(mode="wrap")
    def _given(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {
            name: value for name, value in written(self).items() if name in self.model_fields_set
        }
