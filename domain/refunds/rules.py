"""What goes back to a customer: the amounts of a refund, its tax, and which payments give it.

Amounts are in minor units of the order's currency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from uuid import UUID

from domain.errors import AmountExceeded, CurrencyMismatch, NotFound, QuantityExceeded
from domain.ids import LineId
from domain.money import Money, half_up, share
from domain.refunds.due import Due, DueLine, LimitedBy, cut, keep, keep_for_label, keep_of_all
from domain.refunds.requests import RefundLine, RefundParts
from domain.warranties.coverage import DaysLeft


@dataclass(frozen=True)
class PaidLine:
    """What was paid for delivered units of a line, or for a lost shipment's, and goes back.

    Or for all its units, where they were paid for when the order was confirmed.
    """

    id: UUID
    units: int
    """Of these, those that are paid for."""
    amount: int
    """What was captured for those."""
    refunded_units: int
    """Given back, or promised to be."""
    refunded_amount: int
    tax_amount: int
    """The tax in ``total_amount``."""
    total_amount: int
    refunded_tax: int
    """In all that goes back of the line."""
    refunded_beside: int = 0
    """What goes back of the line for other units than these."""

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
    given_shipping: int
    """Of the shipping and its tax: in refunds, and what went back with lost shipments."""

    @property
    def refundable(self) -> int:
        """The most that all payments together can give back."""
        return sum(payment.refundable for payment in self.payments)


@dataclass(frozen=True)
class Kept:
    """What of the money for a line does not go back: shares of it, and an amount."""

    rate: Decimal = Decimal(0)
    deducted: int = 0
    days: DaysLeft | None = None
    """Of a warranty that gives its price back by the days that are left; None: all of it."""

    def of(self, amount: int) -> int:
        """Return what is kept of so much, half a cent rounded up, and never more (returns R9)."""
        used = 0 if self.days is None else amount - share(amount, *self.days, 0)
        return min(amount, used + half_up(amount * self.rate) + self.deducted)

    def left_of(self, amount: int) -> int:
        """Return what goes back of so much."""
        return amount - self.of(amount)


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
    lines = keep_of_all(lines, _fee(asked, lines, paid))
    bare = Due(lines, shipping, _shipping_tax(shipping, paid), goodwill)
    if bare.amount == 0:
        raise _too_much("goods", 0, paid, "/fee" if asked.fee else "/lines")
    if bare.amount > paid.refundable:
        raise _too_much("order", max(0, paid.refundable), paid)
    return replace(bare, goodwill_tax=_goodwill_tax(bare, paid))


def give_back(
    units: Mapping[UUID, int],
    paid: PaidOrder,
    *,
    shipping: int,
    kept: Mapping[UUID, Kept] = MappingProxyType({}),
    label_fee: int = 0,
) -> tuple[Due, LimitedBy | None]:
    """Return what is due for units and shipping, and why that is less than their price, if so.

    ``shipping`` is how much of the order's shipping is to have gone back in all, with its tax;
    ``kept`` is by line what of its money does not go back, ``label_fee`` what of all of theirs.
    Nothing is refused: where money went back otherwise, that much less is due (payments R6), and
    the units count as given back all the same.
    """
    short = any(wanted > paid.lines[line_id].units_left for line_id, wanted in units.items())
    lines = []
    for line_id, wanted in units.items():
        count = min(wanted, paid.lines[line_id].units_left)
        if count:
            asked = RefundLine(order_line_id=LineId(line_id), units=count)
            line = _line(asked, 0, paid)
            lines.append(keep(line, kept.get(line_id, Kept()).of(line.amount)))
    charged = keep_for_label(lines, label_fee)
    postage = max(0, min(paid.shipping_left, shipping - paid.given_shipping))
    due = Due(charged, postage, _shipping_tax(postage, paid))
    if due.amount <= paid.refundable:
        return due, LimitedBy.UNITS_REFUNDED if short else None
    return _clipped(due, paid), LimitedBy.PAYMENTS


def _clipped(due: Due, paid: PaidOrder) -> Due:
    """Return of what is due so much as the payments can give; the units count all the same."""
    fits, _ = cut(due, max(0, paid.refundable))
    fitting = {line.line_id: line for line in fits.lines}
    none = DueLine(UUID(int=0), 0, 0, 0)
    clipped = tuple(
        replace(fitting.get(line.line_id, none), line_id=line.line_id, units=line.units)
        for line in due.lines
    )
    return replace(fits, lines=clipped)


def unasked(amount: int, paid: PaidOrder) -> Due:
    """Return what the provider has given back by itself: for no goods that we know of."""
    bare = Due(goodwill=amount)
    return replace(bare, goodwill_tax=_goodwill_tax(bare, paid))


def undelivered(lines: Sequence[DueLine], shipping: int, paid: PaidOrder) -> Due:
    """Return what goes back for a shipment that never arrived, with the tax in each part of it.

    Its lines have their amounts, as far as the payment can give them, and no tax yet.
    """
    return _taxed(lines, shipping, paid)


def as_due(lines: Sequence[DueLine], shipping: int, paid: PaidOrder) -> Due:
    """Return so much of lines without tax and of shipping as the payments can give, with the tax.

    The units count all the same.
    """
    due = _taxed(lines, shipping, paid)
    return due if due.amount <= paid.refundable else _clipped(due, paid)


def _taxed(lines: Sequence[DueLine], shipping: int, paid: PaidOrder) -> Due:
    taxed = (replace(line, tax=_line_tax(paid.lines[line.line_id], line.amount)) for line in lines)
    return Due(tuple(taxed), shipping, _shipping_tax(shipping, paid))


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
    return DueLine(asked.order_line_id, asked.units, amount, _line_tax(line, amount))


def _line_tax(line: PaidLine, amount: int) -> int:
    given = line.refunded_amount + line.refunded_beside + amount
    return _tax(line.tax_amount, given, line.total_amount, line.refunded_tax)


def _shipping_tax(shipping: int, paid: PaidOrder) -> int:
    given = paid.refunded_shipping + shipping
    return _tax(paid.shipping_tax, given, paid.shipping_amount, paid.refunded_shipping_tax)


def _fee(asked: RefundParts, lines: Sequence[DueLine], paid: PaidOrder) -> int:
    fee = _given(asked.fee, paid.currency, "fee")
    most = sum(line.amount for line in lines)
    if fee > most:
        raise AmountExceeded(
            f"at most {Money(amount=most, currency=paid.currency)} can be kept of the goods",
            errors=[{"pointer": "/fee/amount", "message": "more than goes back for the lines"}],
            remaining=Money(amount=most, currency=paid.currency).model_dump(),
        )
    return fee


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
            part, rest = cut(rest, payment.refundable)
            given.append((payment.id, part))
    return given


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
