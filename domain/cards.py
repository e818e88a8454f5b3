"""Cards: known by the name that the payment provider gave them, and never by their number.

And where their holders go, who must confirm a payment at their bank (3-D Secure).
"""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from domain.value import Name, Value

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


_PORT = re.compile(r"https://[^:/?#]+:([0-9]+)")


def _sound(url: str) -> str:
    if (port := _PORT.match(url)) and int(port[1]) > 65535:
        raise ValueError("names no port between 0 and 65535")
    return url


ReturnUrl = Annotated[
    str,
    # A host by its name, without user and password; then only what RFC 3986 lets an address have.
    StringConstraints(
        max_length=2000,
        pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?#][!#-;=?-\[\]_a-z~]*)?$",
    ),
    AfterValidator(_sound),
    Field(examples=["https://shop.example/orders/web-20417"]),
]
"""An address of the shop, for a buyer's browser."""
RETURN = (
    "Where the provider sends the buyer after a confirmation that the card's bank requires: an"
    " address of the shop, with https and without credentials."
)


class NextAction(Value):
    """What the buyer has to do before a payment goes on: confirm it at the card's bank."""

    type: Literal["redirect"] = Field(
        default="redirect", description="Send the buyer's browser to `url`."
    )
    url: str = Field(
        description="A page of the provider, for this buyer alone. The provider sends the buyer on"
        " to the `return_url` of the payment, if that has one; how it ended, ask here."
    )
    expires_at: datetime | None = Field(
        description="Until when: then the order is cancelled. Null for an order that was confirmed"
        " before and waits without end."
    )
