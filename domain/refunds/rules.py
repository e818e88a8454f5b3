"""What goes back to a customer: the amounts of a refund, its tax, and which payments give it.

Amounts are in minor units of the order's currency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from domain.errors import AmountExceeded, CurrencyMismatch, NotFound, QuantityExceeded
from domain.money import Money, share
from domain.refunds.requests import RefundLine, RefundParts


@dataclass(frozen=True)
class PaidLine:
    """What was paid for the delivered units of an order's line, and what goes back of it."""

    id: UUID
    units: int
    """Delivered and paid for."""
    amount: int
    """What was captured for those."""
    refunded_units: int
    """Given back, or promised to be."""
    refunded_amount: int
    tax_amount: int
    """The tax in ``total_amount``."""
    total_amount: int
    refunded_tax: int

    @property
    def units_left(self) -> int:
        """The units that may still be given back."""
        return max(0, self.units - self.refunded_units)

    @property
    def amount_left(self) -> int:
        """The money that may still be given back for the line."""
        return max(0, self.amount - self.refunded_amount)


@dataclass(frozen=True)
class PaidPayment:
    """A payment of an order, and the most that it can still give back."""

    id: UUID
    refundable: int


@dataclass(frozen=True)
class PaidOrder:
    """An order's money as far as it can go back."""

    currency: str
    lines: Mapping[UUID, PaidLine]
    payments: Sequence[PaidPayment]
    """The newest capture first."""
    shipping_left: int
    """Of the captured shipping and its tax."""
    shipping_amount: int
    """The order's shipping with its tax."""
    shipping_tax: int
    refunded_shipping: int
    refunded_shipping_tax: int
    captured: int
    tax_amount: int
    """All tax of the order, that of its shipping, too."""
    total_amount: int
    refunded_goodwill: int
    refunded_goodwill_tax: int
    refunded_tax: int
    """In all refunds, promised ones, too."""

    @property
    def refundable(self) -> int:
        """The most that all payments together can give back."""
        return sum(payment.refundable for payment in self.payments)


@dataclass(frozen=True)
class DueLine:
    """What goes back for a line: units, money, and the tax in that."""

    line_id: UUID
    units: int
    amount: int
    tax: int


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
        """All of it."""
        return sum(line.amount for line in self.lines) + self.shipping + self.goodwill

    @property
    def tax(self) -> int:
        """The tax in all of it."""
        return sum(line.tax for line in self.lines) + self.shipping_tax + self.goodwill_tax


def work_out(asked: RefundParts, paid: PaidOrder) -> Due:
    """Return what goes back (payments R5, R6), with the tax in each part of it.

    Raises NotFound for a line that is not the order's, Malformed for another currency,
    QuantityExceeded and AmountExceeded with what remains.
    """
    shipping = _given(asked.shipping, paid.currency, "shipping")
    if shipping > paid.shipping_left:
        raise _too_much("shipping", max(0, paid.shipping_left), paid, "/shipping/amount")
    goodwill = _given(asked.goodwill, paid.currency, "goodwill")
    lines = tuple(_line(line, position, paid) for position, line in enumerate(asked.lines))
    shipping_tax = _tax(
        paid.shipping_tax,
        paid.refunded_shipping + shipping,
        paid.shipping_amount,
        paid.refunded_shipping_tax,
    )
    bare = Due(lines, shipping, shipping_tax, goodwill)
    if bare.amount == 0:
        raise _too_much("goods", 0, paid, "/lines")
    if bare.amount > paid.refundable:
        raise _too_much("order", max(0, paid.refundable), paid)
    return replace(bare, goodwill_tax=_goodwill_tax(bare, paid))


def unasked(amount: int, paid: PaidOrder) -> Due:
    """Return what the provider has given back by itself: for no goods that we know of."""
    bare = Due(goodwill=amount)
    return replace(bare, goodwill_tax=_goodwill_tax(bare, paid))


def _line(asked: RefundLine, position: int, paid: PaidOrder) -> DueLine:
    line = paid.lines.get(asked.order_line_id)
    if line is None:
        raise NotFound(f"the order has no line {asked.order_line_id}")
    if asked.units > line.units_left:
        raise QuantityExceeded(
            f"{line.units_left} delivered and paid units of the line can still be given back",
            errors=[{"pointer": f"/lines/{position}/units", "message": "more than remain"}],
            remaining_units=line.units_left,
        )
    if asked.amount is None:
        units = line.refunded_units + asked.units
        # Of what amounts without units have given back already, the units give that much less.
        amount = max(0, share(line.amount, units, line.units, line.refunded_amount))
    else:
        amount = _given(asked.amount, paid.currency, f"lines/{position}/amount")
    if amount > line.amount_left:
        raise _too_much("line", line.amount_left, paid, f"/lines/{position}/amount")
    tax = _tax(line.tax_amount, line.refunded_amount + amount, line.total_amount, line.refunded_tax)
    return DueLine(asked.order_line_id, asked.units, amount, tax)


def _tax(tax: int, part: int, whole: int, already: int) -> int:
    """Return the tax in a refund, so that many small ones add up to the tax to the cent."""
    return max(0, share(tax, min(part, whole), whole, already)) if whole else 0


def _goodwill_tax(due: Due, paid: PaidOrder) -> int:
    """Return the tax in money without goods: at the order's average, and never more than is left.

    What gives the last of the order's money back gives the last of its tax.
    """
    if not due.goodwill:
        return 0
    left = min(due.goodwill, paid.tax_amount - paid.refunded_tax - due.tax)
    if due.amount == paid.refundable and paid.captured == paid.total_amount:
        return max(0, left)
    all_goodwill = paid.refunded_goodwill + due.goodwill
    already = paid.refunded_goodwill_tax
    return max(0, min(left, _tax(paid.tax_amount, all_goodwill, paid.total_amount, already)))


def tenders(due: Due, payments: Sequence[PaidPayment]) -> list[tuple[UUID, Due]]:
    """Say what each payment gives: the newest capture first, up to what it can (payments R8)."""
    given: list[tuple[UUID, Due]] = []
    rest = due
    for payment in payments:
        if not rest.amount:
            break
        if payment.refundable > 0:
            part, rest = _cut(rest, payment.refundable)
            given.append((payment.id, part))
    return given


@dataclass
class _Budget:
    left: int

    def take(self, amount: int, tax: int) -> tuple[int, int]:
        """Return what of an amount fits, and the tax in that."""
        fits = min(amount, self.left)
        self.left -= fits
        return fits, share(tax, fits, amount, 0) if amount else 0


def _cut(due: Due, limit: int) -> tuple[Due, Due]:
    """Divide what goes back into what fits within ``limit``, and the rest."""
    budget = _Budget(limit)
    first, rest = [], []
    for line in due.lines:
        amount, tax = budget.take(line.amount, line.tax)
        # The units are counted with the part that gives the last of their money.
        whole = amount == line.amount
        if amount:
            first.append(DueLine(line.line_id, line.units if whole else 0, amount, tax))
        if not whole:
            rest.append(DueLine(line.line_id, line.units, line.amount - amount, line.tax - tax))
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


def _given(money: Money | None, currency: str, place: str) -> int:
    if money is None:
        return 0
    if money.currency != currency:
        raise CurrencyMismatch(
            f"{place} is in {money.currency}, the order in {currency}",
            errors=[{"pointer": f"/{place}/currency", "message": f"must be {currency}"}],
        )
    return money.amount


def _too_much(of: str, left: int, paid: PaidOrder, pointer: str = "") -> AmountExceeded:
    money = Money(amount=left, currency=paid.currency)
    wrong = [{"pointer": pointer, "message": f"at most {money}"}] if pointer else []
    return AmountExceeded(
        f"{money} of the {of} can still be given back", errors=wrong, remaining=money.model_dump()
    )
