"""The one shape of a value: frozen, strict about unknown fields, safe to pass between processes."""

from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints


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
