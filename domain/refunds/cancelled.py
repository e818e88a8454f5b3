"""What goes back for units that were paid for when their order was confirmed, and then cancelled.

Amounts are in minor units of the order's currency.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from domain.money import share
from domain.orders.status import given_up
from domain.refunds.due import Due, DueLine
from domain.refunds.rules import PaidLine, PaidOrder, as_due


@dataclass(frozen=True)
class CancelledLine:
    """A line that was paid for as a whole, with what has gone back for its units so far."""

    id: UUID
    quantity: int
    total_amount: int
    cancelled: int
    delivered: int
    captured_units: int
    given_units: int
    """Because they were cancelled, whatever became of that refund."""
    given_amount: int
    other_units: int
    """For other reasons, before they were sent or after."""
    other_amount: int

    @property
    def unsent(self) -> int:
        """Units that went back for other reasons and have not arrived: no need to cancel them."""
        return max(0, self.other_units - self.delivered)

    @property
    def units(self) -> int:
        """The units whose money is to go back now."""
        kept = self.quantity - self.cancelled
        return max(0, self.captured_units - kept - self.given_units - self.unsent)

    @property
    def amount(self) -> int:
        """Their money: what is left is what the units that are kept cost, to the cent."""
        before = self.quantity - self.captured_units
        of_cancelled = given_up(self.total_amount, self.quantity, self.cancelled)
        unpaid = given_up(self.total_amount, self.quantity, before)
        less = share(self.other_amount, self.unsent, self.other_units, 0) if self.unsent else 0
        return max(0, of_cancelled - unpaid - self.given_amount - less)


def cancelled(lines: Iterable[CancelledLine], paid: PaidOrder, *, postage: bool) -> Due:
    """Return what goes back for cancelled units; with ``postage`` all of that that is left.

    Where money went back otherwise, that much less is due (payments R6).
    """
    due = [_due(line, paid.lines[line.id]) for line in lines if line.units]
    return as_due(due, max(0, paid.shipping_left) if postage else 0, paid)


def _due(line: CancelledLine, left: PaidLine) -> DueLine:
    units = min(line.units, left.units_left)
    return DueLine(line.id, units, min(line.amount, left.amount_left) if units else 0, tax=0)
