"""Postal addresses, returned exactly as given."""

from typing import Annotated

from pydantic import StringConstraints

from domain.value import Name, Text, Value

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""


class Address(Value):
    """A place that a carrier can deliver to."""

    name: Name
    company: Text = ""
    line1: Name
    line2: Text = ""
    city: Name
    region: Text = ""
    postal_code: Name
    country: Country
    phone: Text = ""
