"""Postal addresses, returned exactly as given."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo, field_validator

from domain.value import Name, Text, Value, storable

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""


PostalCode = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=200),
    AfterValidator(storable),
]

WITHOUT_POSTAL_CODES = frozenset(
    "AE AG AO AQ AW BF BI BJ BO BQ BS BV BW BZ CD CF CG CI CK CM CW DJ DM ER FJ GA GD GH GM GN GQ"
    " GY HK JM KI KM KN LC LY ML MO MR MS MW NR NU PA PS QA RW SB SC SL SR SS ST SX SY TD TF TG TK"
    " TL TO TT TV UG VU WS YE ZW".split()
)
"""The countries whose addresses are written without one (libaddressinput's data, 2026)."""


class Address(Value):
    """A place that a carrier can deliver to."""

    name: Name
    """Who receives there."""
    company: Text = ""
    """Where the recipient is to be found, if that is a company."""
    line1: Name
    """Street and house number, or what stands in their place."""
    line2: Text = ""
    """What a carrier needs besides, such as floor or entrance."""
    city: Name
    """City, town or village."""
    region: Text = ""
    """State, province or county, where addresses have one: `TX`."""
    country: Country
    """An ISO 3166-1 alpha-2 code, such as `US`."""
    postal_code: PostalCode = Field(
        default="",
        validate_default=True,
        description="Needed wherever the country has postal codes.",
    )
    phone: Text = ""
    """For the carrier's questions; in any form."""

    @field_validator("postal_code")
    @classmethod
    def _where_there_are_some(cls, code: str, so_far: ValidationInfo) -> str:
        country = so_far.data.get("country")
        if not code and country is not None and country not in WITHOUT_POSTAL_CODES:
            raise ValueError(f"is needed in {country}")
        return code
