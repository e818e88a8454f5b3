"""Quantities of stock: whole numbers for pieces, decimal strings for what is measured."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

PLACES = 6
LARGEST = 10**12
"""The largest quantity of one request."""
LARGEST_BALANCE = 10**13
"""The largest stock of an item at one location; keeps room in its column for one more request."""


PATTERN = r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$"
TOTAL_PATTERN = r"^-?[0-9]+\.[0-9]{6}$"


def exact(given: Any) -> Any:
    """Refuse floats and booleans, and text that is not plainly a number.

    What a float means is not what was written. A validator to run before that of a Decimal.
    """
    if isinstance(given, bool | float):
        raise ValueError("must be a whole number or a decimal string")
    if isinstance(given, str) and not re.fullmatch(PATTERN, given):
        raise ValueError("must be digits, with at most 6 after a point")
    return given


def plain(quantity: Decimal) -> int | str:
    """Write a quantity as JSON: a number when whole, else a string with 6 decimals."""
    whole = int(quantity)
    return whole if quantity == whole else f"{quantity:.{PLACES}f}"


_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": -LARGEST, "maximum": LARGEST},
        {"type": "string", "pattern": PATTERN},
    ],
    "examples": [5, "0.250000"],
}
Quantity = Annotated[
    Decimal,
    BeforeValidator(exact),
    Field(ge=-LARGEST, le=LARGEST, decimal_places=PLACES, allow_inf_nan=False),
    PlainSerializer(plain, return_type=int | str),
    WithJsonSchema(_SCHEMA),
]
"""A quantity with at most 6 decimals, as callers give it."""

Total = Annotated[
    Decimal,
    PlainSerializer(plain, return_type=int | str),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string", "pattern": TOTAL_PATTERN}],
            "examples": [5, "0.250000"],
        }
    ),
]
"""A sum of quantities, which the bound of a single one does not bound."""
