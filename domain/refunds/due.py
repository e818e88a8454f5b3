"""What goes back, part by part, and how it is divided: nothing of it is lost or given twice.

Amounts are in minor units of the order's currency.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from domain.money import share, split


class LimitedBy(StrEnum):
    """Why less goes back for units than what was paid for them."""

    UNITS_REFUNDED = "units_refunded"
    """Money for some of them went back without a return."""
    PAYMENTS = "payments"
    """The payments have no more to give: money went back for no goods, or was never taken."""


@dataclass(frozen=True)
class DueLine:
    """What goes back for a line: units, their money with the tax in it, and what is kept of that.

    ``amount`` is before the fee, so that the shares of later refunds of the line stay exact.
    """

    line_id: UUID
    units: int
    amount: int
    tax: int
    fee: int = 0
    fee_tax: int = 0
    """The tax in ``fee``: what is kept is sold at the line's own rate."""
    label_fee: int = 0
    """What of ``fee`` is for the label under which the goods came."""

    @property
    def net(self) -> int:
        """What the customer gets of it."""
        return self.amount - self.fee

    @property
    def net_tax(self) -> int:
        """The tax in that."""
        return self.tax - self.fee_tax


@dataclass(frozen=True)
class Due:
    """What goes back in all."""

    lines: tuple[DueLine, ...] = ()
    shipping: int = 0
    shipping_tax: int = 0
    goodwill: int = 0
    goodwill_tax: int = 0

    @property
    def amount(self) -> int:
        """All that the customer gets."""
        return sum(line.net for line in self.lines) + self.shipping + self.goodwill

    @property
    def tax(self) -> int:
        """The tax in that."""
        return sum(line.net_tax for line in self.lines) + self.shipping_tax + self.goodwill_tax

    @property
    def fee(self) -> int:
        """What is kept of the lines."""
        return sum(line.fee for line in self.lines)

    @property
    def label_fee(self) -> int:
        """What of that is for the label under which the goods came."""
        return sum(line.label_fee for line in self.lines)


def keep(line: DueLine, fee: int) -> DueLine:
    """Return a line of which so much is kept, with its part of the tax."""
    tax = share(line.tax, fee, line.amount, 0) if line.amount else 0
    return replace(line, fee=fee, fee_tax=tax)


def keep_of_all(lines: Sequence[DueLine], fee: int) -> tuple[DueLine, ...]:
    """Return lines of which so much is kept together, of each by its amount."""
    parts = split(fee, [line.amount for line in lines])
    return tuple(keep(line, part) for line, part in zip(lines, parts, strict=True))


def keep_for_label(lines: Sequence[DueLine], fee: int) -> tuple[DueLine, ...]:
    """Return lines of which a label's fee is kept beside the others, as far as their money goes."""
    nets = [line.net for line in lines]
    parts = split(min(fee, sum(nets)), nets)
    return tuple(
        replace(keep(line, line.fee + part), label_fee=part)
        for line, part in zip(lines, parts, strict=True)
    )


@dataclass
class _Budget:
    left: int

    def take(self, amount: int, tax: int) -> tuple[int, int]:
        """Return what of an amount fits, and the tax in that."""
        fits = min(amount, self.left)
        self.left -= fits
        return fits, share(tax, fits, amount, 0) if amount else 0


def cut(due: Due, limit: int) -> tuple[Due, Due]:
    """Divide what goes back into what fits within ``limit``, and the rest.

    The units of a line, and its fee, are counted with the part that gives the last of its money.
    """
    budget = _Budget(limit)
    first, rest = [], []
    for line in due.lines:
        amount, tax = budget.take(line.net, line.net_tax)
        if amount == line.net:
            first.append(line)
            continue
        if amount:
            first.append(DueLine(line.line_id, 0, amount, tax))
        rest.append(replace(line, amount=line.amount - amount, tax=line.tax - tax))
    shipping, shipping_tax = budget.take(due.shipping, due.shipping_tax)
    goodwill, goodwill_tax = budget.take(due.goodwill, due.goodwill_tax)
    return (
        Due(tuple(first), shipping, shipping_tax, goodwill, goodwill_tax),
        Due(
            tuple(rest),
            due.shipping - shipping,
            due.shipping_tax - shipping_tax,
            due.goodwill - goodwill,
            due.goodwill_tax - goodwill_tax,
        ),
    )


def as_moved(due: Due, amount: int) -> Due:
    """Return what went back when another ``amount`` has moved than was due.

    Less is less of each part, and what is kept stays kept; what is more is for no goods.
    """
    moved = min(amount, due.amount)
    nets = [*(line.net for line in due.lines), due.shipping, due.goodwill]
    *parts, shipping, goodwill = split(moved, nets)
    more = amount - moved
    return Due(
        tuple(_lowered(line, part) for line, part in zip(due.lines, parts, strict=True)),
        shipping,
        _tax_in(due.shipping_tax, shipping, due.shipping),
        goodwill + more,
        _tax_in(due.goodwill_tax, goodwill, due.goodwill) + _tax_in(due.tax, more, due.amount),
    )


def _lowered(line: DueLine, net: int) -> DueLine:
    tax = _tax_in(line.net_tax, net, line.net) + line.fee_tax
    return replace(line, amount=net + line.fee, tax=tax)


def _tax_in(tax: int, part: int, whole: int) -> int:
    return share(tax, part, whole, 0) if whole else 0
