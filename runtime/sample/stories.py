"""What the demonstration lets happen: ordinary orders, and each way in which one can go wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from runtime.sample.company import CURRENCY, LANTERN, SERIALS, Company, address_of

SHIPPING = 500
"""Cents: the table rate of the ground service."""
LOST = "00001"
"""The recipient's postal code for which the sandbox carrier loses the parcel."""


class Turn(StrEnum):
    """What a person does about an order besides placing it."""

    NONE = "none"
    CANCEL = "cancel"
    HOLD = "hold"
    REFUND = "refund"
    GOODWILL = "goodwill"
    RETURN = "return"
    REPLACE = "replace"
    FORGET = "forget"
    """To send back what was to be returned."""
    REPAIRED = "repaired"
    """What was bought fails under warranty and is mended."""
    WORN_OUT = "worn_out"
    """What was bought fails under warranty and cannot be mended."""


@dataclass(frozen=True)
class Story:
    """One order and how it must end."""

    reference: str
    title: str
    customer: str
    lines: Mapping[str, int]
    end: str = "completed"
    """The state in which it ends, or the code with which it is refused."""
    card: str | None = "tok_ok"
    """The card's name at the sandbox payment provider; None to pay later."""
    postal_code: str = "80302"
    turn: Turn = Turn.NONE
    refused: bool = False
    serials: tuple[str, ...] = ()
    """The unit that fails under warranty, and the one that is sent instead."""
    technician: str = "INES"
    """Who repairs it."""

    def total(self, company: Company) -> int:
        """What the order costs by the price list, in cents."""
        return SHIPPING + sum(company.prices[sku] * units for sku, units in self.lines.items())

    def body(self, company: Company) -> dict[str, object]:
        """Write the order as ``POST /orders`` takes it."""
        return {
            "customer_id": str(company.customers[self.customer]),
            "currency": CURRENCY,
            "lines": [{"sku": sku, "quantity": units} for sku, units in self.lines.items()],
            "ship_to": address_of(self.customer, self.postal_code),
            "payment": {"method": "card", "token": self.card},
            "external_reference": self.reference,
        }


_SPECIAL = (
    Story(
        "WEB-2001",
        "from two sites: two shipments",
        "Maya Okafor",
        {"TENT-2P": 1, "STOVE-GAS": 1},
    ),
    Story(
        "WEB-2002",
        "the card is declined",
        "Tom Abernathy",
        {"PACK-55": 1},
        end="cancelled",
        card="tok_declined",
    ),
    Story(
        "WEB-2003",
        "more than there is",
        "Priya Raman",
        {"KNIFE-LE": 3},
        end="out_of_stock",
        refused=True,
    ),
    Story(
        "WEB-2004",
        "the customer changes her mind",
        "Hannah Weiss",
        {"BAG-DOWN": 1, "PAD-AIR": 1},
        end="cancelled",
        card=None,
        turn=Turn.CANCEL,
    ),
    Story(
        "WEB-2005",
        "the parcel gets lost: refunded",
        "Jonas Lindqvist",
        {"LAMP-HEAD": 2},
        postal_code=LOST,
        turn=Turn.REFUND,
    ),
    Story(
        "WEB-2006",
        "held for review, then released",
        "High Desert Guides",
        {"PACK-55": 4, "POLES": 4},
        turn=Turn.HOLD,
    ),
    Story(
        "WEB-2007",
        "heavy: several boxes, and some money back",
        "Cuyahoga Scouts",
        {"TENT-4P": 18},
        turn=Turn.GOODWILL,
    ),
)
_RETURNED = (
    Story(
        "WEB-2008",
        "one of two comes back",
        "Lucía Ferrer",
        {"POT-TI": 2},
        turn=Turn.RETURN,
    ),
    Story(
        "WEB-2010",
        "one is broken, another one goes out",
        "Priya Raman",
        {"LAMP-HEAD": 1},
        turn=Turn.REPLACE,
    ),
    Story(
        "WEB-2009",
        "to be returned, and never sent",
        "Hannah Weiss",
        {"SOCKS-M": 2},
        turn=Turn.FORGET,
    ),
)
_FAILING = (
    Story(
        "WEB-2011",
        "fails under warranty: repaired",
        "Maya Okafor",
        {LANTERN: 1},
        turn=Turn.REPAIRED,
        serials=SERIALS[:1],
    ),
    Story(
        "WEB-2012",
        "fails under warranty: replaced",
        "Lucía Ferrer",
        {LANTERN: 1},
        turn=Turn.WORN_OUT,
        serials=SERIALS[1:],
    ),
)
BASKETS: tuple[Mapping[str, int], ...] = (
    {"SOCKS-M": 3},
    {"LAMP-HEAD": 1, "FILTER": 1},
    {"PAD-AIR": 2, "POT-TI": 1},
    {"POLES": 1},
    {"BAG-DOWN": 1},
    {"STOVE-GAS": 1, "POT-TI": 1},
    {"KNIFE-LE": 1},
    {"TENT-2P": 1},
)
_ORDINARY = 17


def tell(company: Company) -> list[Story]:
    """Return all stories, the special ones first."""
    names = list(company.customers)
    return [
        *_SPECIAL,
        *_RETURNED,
        *_FAILING,
        *(
            Story(
                f"WEB-{1001 + position}",
                "",
                names[position % len(names)],
                BASKETS[position % (len(BASKETS) - 1)],
            )
            for position in range(_ORDINARY)
        ),
    ]
