"""Cards: known by the name that the payment provider gave them, and never by their number."""

import re
from typing import Annotated

from pydantic import AfterValidator

from domain.value import Name

_DIGITS = re.compile(r"[0-9]{13,19}")
_BETWEEN = str.maketrans("", "", " -")


def is_card_number(text: str) -> bool:
    """Whether a text is 13 to 19 digits with a valid check digit (ISO/IEC 7812, Luhn)."""
    digits = text.translate(_BETWEEN)
    if not _DIGITS.fullmatch(digits):
        return False
    doubled = (2 * int(digit) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(d - 9 if d > 9 else d for d in doubled)) % 10 == 0


def _no_card_number(token: str) -> str:
    if is_card_number(token):
        raise ValueError("is a card number; send the token that the payment provider has for it")
    return token


CardToken = Annotated[Name, AfterValidator(_no_card_number)]
"""The payment provider's name for a card; a card's number is refused and not repeated."""
