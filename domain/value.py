"""The one shape of a value: frozen, strict about unknown fields, safe to pass between processes."""

from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)


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


Actor = Annotated[str, StringConstraints(min_length=1, max_length=260), AfterValidator(storable)]
"""Who did something, exactly: names that differ in white space are different callers."""


class Value(BaseModel):
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
