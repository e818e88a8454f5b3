"""Money that no provider takes: how orders wait for it, and what people record of it."""

from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from domain.errors import IllegalMove
from domain.money import Money
from domain.orders.status import OrderStatus
from domain.value import Name, Value

BANK = "bank"
"""What stands where a payment's provider does: none, people tell us what came."""
TRANSFER_WINDOW = timedelta(days=7)
"""How long an order that is paid by bank transfer waits for its money."""
TRANSFER_REMINDED = timedelta(days=5)
"""When its customer is to be reminded of it."""


CARD_SPREAD = 1 / 6
"""Such a part of its window an order may wait longer for a card; when exactly, it says itself."""


LATE_FROM = timedelta(seconds=10)
"""After so long the end of a window is noticed late: workers or Temporal were away."""
TURNS = timedelta(minutes=5)


class PaymentMethod(StrEnum):
    """How an order is paid."""

    CARD = "card"
    BANK_TRANSFER = "bank_transfer"
    """Nothing is asked of a provider: the customer sends the money, and finance records it."""
    NET_TERMS = "net_terms"
    """The goods go first, within the customer's credit; the money comes as by bank transfer."""


def by_people(method: str) -> bool:
    """Whether people tell us of the money of an order that is paid so."""
    return method in (PaymentMethod.BANK_TRANSFER, PaymentMethod.NET_TERMS)


class RecordReceipt(Value):
    """Money that came to the company's account for an order."""

    amount: Money
    """How much came; may be less than is owed, or more."""
    reference: Name
    """What the bank calls it: one receipt is recorded once, however often it is told; with
    another amount or day that is refused."""
    received_on: date
    """The day on which it came, by the account."""


def receipt_key(payment_id: object, reference: str) -> str:
    """The key of a receipt in the ledger of its payment."""
    return f"receipt/{payment_id}/{reference}"


def window_of(method: str, card_window: timedelta) -> timedelta:
    """Return how long an order waits for its money; ``card_window`` is how long for a card."""
    return TRANSFER_WINDOW if by_people(method) else card_window


def spread_of(method: str, order_id: UUID, window: timedelta) -> timedelta:
    """Return by how much longer this order waits for a card, so that not all end at one moment.

    Orders that are placed together would be cancelled together, and keep people's requests waiting.
    """
    return timedelta() if by_people(method) else window * CARD_SPREAD * _place_of(order_id)


def turn_of(order_id: UUID, late: timedelta) -> timedelta:
    """Return how much longer an unpaid order waits whose window's end is noticed so ``late``.

    The windows that ended while no worker was there would all be noticed at once, and what people
    ask of other orders would wait for them. They take turns over as long as they are late, at most
    ``TURNS``: each when its id says.
    """
    if late < LATE_FROM:
        return timedelta()
    return min(late, TURNS) * _place_of(order_id)


def _place_of(order_id: UUID) -> float:
    """Return the order's place among those that come together, from 0 to 1."""
    return order_id.int % 1000 / 1000


def check_card(method: str, status: OrderStatus) -> None:
    """Raise IllegalMove for a card for an order whose money comes without a provider."""
    if by_people(method):
        how = "on terms" if method == PaymentMethod.NET_TERMS else "by bank transfer"
        raise IllegalMove(f"the order is paid {how}", current_status=str(status), allowed=[])


def check_provider(provider: str) -> None:
    """Raise IllegalMove for a receipt of money that a provider tells us about."""
    if provider != BANK:
        raise IllegalMove(
            f"what comes of this payment {provider} says", current_status=provider, allowed=[]
        )
