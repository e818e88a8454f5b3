"""Money in minor units and the three formulas that round it; the only module that rounds."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Annotated

from pydantic import Field, StringConstraints

from domain.errors import CurrencyMismatch
from domain.value import Value

MAX_AMOUNT = 10**15
"""The largest amount of one document, in minor units; keeps every sum far inside BIGINT."""

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code."""

Amount = Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT)]
"""A non-negative number of minor units."""

# ISO 4217 exponents that differ from 2.
_EXPONENTS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}


def exponent(currency: str) -> int:
    """Return the number of decimal places of the currency's minor unit (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


class Money(Value):
    """An amount of minor units (cents, yen, fils) and its currency."""

    amount: Amount
    """In minor units of the currency: 1999 is 19.99 USD, 1999 JPY or 1.999 KWD."""
    currency: Currency
    """An ISO 4217 code, such as `USD`."""

    def __add__(self, other: "Money") -> "Money":
        """Add two amounts of one currency; raise CurrencyMismatch otherwise."""
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be added")
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __str__(self) -> str:
        """Write the amount in major units, as people read it: ``19.99 EUR``."""
        places = exponent(self.currency)
        return f"{Decimal(self.amount).scaleb(-places):.{places}f} {self.currency}"


def half_up(value: Decimal | Fraction | int) -> int:
    """Round to the nearest integer, ties away from zero."""
    if isinstance(value, Decimal):
        return int(value.to_integral_value(rounding=ROUND_HALF_UP))
    return _nearest(value.numerator, value.denominator)


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Split ``total`` in proportion to ``weights`` by largest remainder.

    Ties go to the earlier position; the parts always add up to the total. With no positive
    weight everything goes to the first position.
    """
    whole = sum(weights)
    if not weights:
        return []
    if whole == 0:
        return [total, *([0] * (len(weights) - 1))]
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for position in by_remainder[: total - sum(parts)]:
        parts[position] += 1
    return parts


def share(total: int, part: int, whole: int, already: int) -> int:
    """Return what is due for units up to and including this step, less what was taken already.

    ``part`` counts all units so far out of ``whole``, so the last step always lands on the exact
    total: 1000 over 3 units gives 333, 334, 333.
    """
    return _nearest(total * part, whole) - already


def _nearest(numerator: int, denominator: int) -> int:
    """Divide in whole numbers, which a page of orders does hundreds of times."""
    nearest = (2 * abs(numerator) + denominator) // (2 * denominator)
    return nearest if numerator >= 0 else -nearest
