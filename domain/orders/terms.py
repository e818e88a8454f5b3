"""Orders on terms: what their customer may owe, what it owes, and when an order is to be paid.

Amounts are in minor units.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from domain.errors import Malformed
from domain.money import Money
from domain.orders.receipts import PaymentMethod
from domain.payments import PaymentStatus


@dataclass(frozen=True)
class Terms:
    """What a customer may buy on terms, as finance has set it."""

    days: int = 0
    """So many days after its confirmation an order is to be paid; 0: none are on terms."""
    limit: int | None = None
    """The most that its orders may owe together; None: none are on terms."""
    currency: str | None = None
    """Of the limit, and of all its orders on terms."""


@dataclass(frozen=True)
class Credit:
    """A customer's credit at the moment when an order is to be confirmed (customers R3)."""

    currency: str
    limit: int
    exposure: int
    """What its confirmed orders owe."""
    claimed: int = 0
    """What of the rest belongs to older orders that wait for it."""

    @property
    def left(self) -> int:
        """The open credit; below 0 where the limit was lowered, or finance let an order pass."""
        return self.limit - self.exposure - self.claimed

    def covers(self, needed: int) -> bool:
        """Whether an order that owes so much may be confirmed; one that is paid always may."""
        return needed <= 0 or needed <= self.left

    def told(self, needed: int) -> str:
        """Say in words, with the numbers, why an order that owes so much may not."""
        left = "nothing" if self.left <= 0 else self._money(self.left)
        older = f", older orders wait for {self._money(self.claimed)}" if self.claimed else ""
        return (
            f"this order needs {self._money(needed)}, and {left} of the credit is left: the limit"
            f" is {self._money(self.limit)}, confirmed orders owe {self._money(self.exposure)}"
            + older
        )

    def _money(self, amount: int) -> Money:
        return Money(amount=max(0, amount), currency=self.currency)


def claimed(left: int, older: Iterable[int]) -> int:
    """Return what of the credit that is ``left`` belongs to older orders, the oldest first.

    Each takes what it needs if that is there; one that needs more leaves it to the next.
    """
    taken = 0
    for needed in older:
        if taken + needed <= left:
            taken += needed
    return taken


def check_terms(method: PaymentMethod, terms: Terms, currency: str) -> None:
    """Raise Malformed for an order on terms of a customer who has none, or in another currency."""
    if method is not PaymentMethod.NET_TERMS:
        return
    if not terms.days or terms.limit is None:
        others = " or ".join(each for each in PaymentMethod if each != method)
        raise Malformed(
            f"the customer has no terms of payment: it pays by {others}, or finance gives it"
            " terms_days and a credit_limit",
            errors=[{"pointer": "/payment/method", "message": f"must be {others}"}],
        )
    if terms.currency != currency:
        raise Malformed(
            f"the customer's credit is in {terms.currency}, the order in {currency}",
            errors=[{"pointer": "/currency", "message": f"must be {terms.currency} on terms"}],
        )


def on_terms(method: str, status: PaymentStatus) -> PaymentStatus:
    """Return how the money of an order stands: on terms nothing has to have come yet."""
    unpaid = method == PaymentMethod.NET_TERMS and status is PaymentStatus.UNPAID
    return PaymentStatus.ON_TERMS if unpaid else status


def due_on(confirmed_at: datetime | None, days: int | None) -> date | None:
    """Return the day by whose end, by UTC, an order on terms is to be paid; None before that."""
    if confirmed_at is None or days is None:
        return None
    return (confirmed_at.astimezone(UTC) + timedelta(days=days)).date()
