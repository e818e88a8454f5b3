"""Quantities of stock: whole numbers for pieces, decimal strings for what is measured."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

PLACES = 6
LARGEST = 10**12


def _exact(given: Any) -> Any:
    """Refuse floats and booleans: what they mean is not what was written."""
    if isinstance(given, bool | float):
        raise ValueError("must be a whole number or a decimal string")
    return given


def plain(quantity: Decimal) -> int | str:
    """Write a quantity as JSON: a number when whole, else a string with 6 decimals."""
    whole = int(quantity)
    return whole if quantity == whole else f"{quantity:.{PLACES}f}"


_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": -LARGEST, "maximum": LARGEST},
        {"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$"},
    ],
    "examples": [5, "0.250000"],
}
Quantity = Annotated[
    Decimal,
    BeforeValidator(_exact),
    Field(ge=-LARGEST, le=LARGEST, decimal_places=PLACES, allow_inf_nan=False),
    PlainSerializer(plain, return_type=int | str),
    WithJsonSchema(_SCHEMA),
]
"""A quantity with at most 6 decimals."""
