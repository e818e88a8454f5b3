"""What goes back: every cent of what was paid can, and not one more."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import AmountExceeded, CurrencyMismatch, NotFound, QuantityExceeded
from domain.ids import LineId, OrderId
from domain.money import Money
from domain.refunds.due import Due, DueLine
from domain.refunds.requests import RefundLine, RefundParts
from domain.refunds.rules import (
    PaidLine,
    PaidOrder,
    PaidPayment,
    tenders,
    undelivered,
    work_out,
)

ORDER = OrderId(uuid4())


class Shop:
    """An order whose refunds are worked out one after the other, each counted at once."""

    def __init__(self, *lines: tuple[int, int, int], shipping: int = 0, shipping_tax: int = 0):
        """Take lines as units, total and the tax in it; all is delivered and captured."""
        self.lines = {uuid4(): line for line in lines}
        self.shipping, self.shipping_tax = shipping, shipping_tax
        self.given: list[Due] = []
        self.total = sum(total for _, total, _ in lines) + shipping

    @property
    def paid(self) -> PaidOrder:
        """The order's money after the refunds so far."""
        goodwill = sum(due.goodwill for due in self.given)
        shipping = sum(due.shipping for due in self.given)
        return PaidOrder(
            currency="USD",
            lines={key: self._line(key) for key in self.lines},
            payments=[PaidPayment(uuid4(), self.total - self.refunded)],
            shipping_left=self.shipping - shipping,
            shipping_amount=self.shipping,
            shipping_tax=self.shipping_tax,
            refunded_shipping=shipping,
            refunded_shipping_tax=sum(due.shipping_tax for due in self.given),
            captured=self.total,
            tax_amount=self.tax,
            total_amount=self.total,
            refunded_goodwill=goodwill,
            refunded_goodwill_tax=sum(due.goodwill_tax for due in self.given),
            refunded_tax=sum(due.tax for due in self.given),
            given_shipping=shipping,
        )

    @property
    def tax(self) -> int:
        return sum(tax for *_, tax in self.lines.values()) + self.shipping_tax

    @property
    def refunded(self) -> int:
        return sum(due.amount for due in self.given)

    def _line(self, key: UUID) -> PaidLine:
        units, total, tax = self.lines[key]
        back = [line for due in self.given for line in due.lines if line.line_id == key]
        return PaidLine(
            id=key,
            units=units,
            amount=total,
            refunded_units=sum(line.units for line in back),
            refunded_amount=sum(line.amount for line in back),
            tax_amount=tax,
            total_amount=total,
            refunded_tax=sum(line.tax for line in back),
        )

    def refund(
        self,
        *units: int,
        amounts: tuple[int, ...] = (),
        goodwill: int = 0,
        shipping: int = 0,
    ) -> Due:
        """Give back so many units, or amounts, of each line in turn; returns what that is."""
        lines = [
            RefundLine(order_line_id=LineId(key), units=count)
            for key, count in zip(self.lines, units, strict=False)
            if count
        ]
        lines += [
            RefundLine(order_line_id=LineId(key), amount=usd(amount))
            for key, amount in zip(self.lines, amounts, strict=False)
            if amount
        ]
        asked = RefundParts(
            order_id=ORDER,
            lines=tuple(lines),
            goodwill=usd(goodwill) if goodwill else None,
            shipping=usd(shipping) if shipping else None,
        )
        due = work_out(asked, self.paid)
        self.given.append(due)
        return due


def usd(amount: int) -> Money:
    return Money(amount=amount, currency="USD")


def test_a_discount_comes_back_by_shares_whatever_is_returned_first() -> None:
    """RET-01: 150.00 and 60.00 with 20 % off; either order gives 120.00 and 48.00."""
    first = Shop((1, 12_000, 0), (1, 4_800, 0))
    assert [first.refund(1, 0).amount, first.refund(0, 1).amount] == [12_000, 4_800]
    other = Shop((1, 12_000, 0), (1, 4_800, 0))
    assert [other.refund(0, 1).amount, other.refund(1, 0).amount] == [4_800, 12_000]


@pytest.mark.parametrize("of", ["line", "order"])
def test_many_small_refunds_split_into_net_and_tax_without_drift(of: str) -> None:
    """RET-02: six refunds of 62.00 without units have exactly its 10.00 of tax."""
    shop = Shop((1, 6_200, 1_000))
    parts = [3_200, 900, 800, 300, 600, 400]
    asked = [
        shop.refund(amounts=(part,)) if of == "line" else shop.refund(goodwill=part)
        for part in parts
    ]
    assert [due.tax for due in asked] == [516, 145, 129, 49, 96, 65]
    assert [due.amount - due.tax for due in asked] == [2_684, 755, 671, 251, 504, 335]
    with pytest.raises(AmountExceeded) as refused:
        shop.refund(goodwill=1)
    assert refused.value.extensions["remaining"] == {"amount": 0, "currency": "USD"}


def test_everything_comes_back_with_the_postage_and_its_tax() -> None:
    """RET-03: 10.00 and 5.00 of postage at 21 % are 18.15, of which 3.15 is tax."""
    shop = Shop((1, 1_210, 210), shipping=605, shipping_tax=105)
    due = shop.refund(1, shipping=605)
    assert (due.amount, due.tax) == (1_815, 315)
    with pytest.raises(AmountExceeded):
        shop.refund(shipping=1)


def test_goodwill_first_leaves_less_for_the_goods() -> None:
    """RET-05: after 30.00 of 100.00 two units give 50.00, and two more would give 50.00 again."""
    shop = Shop((4, 10_000, 0))
    assert shop.refund(goodwill=3_000).amount == 3_000
    assert shop.refund(2).amount == 5_000
    with pytest.raises(AmountExceeded) as refused:
        shop.refund(2)
    assert refused.value.extensions["remaining"] == {"amount": 2_000, "currency": "USD"}
    line = RefundLine(order_line_id=LineId(next(iter(shop.lines))), units=2, amount=usd(2_000))
    last = work_out(RefundParts(order_id=ORDER, lines=(line,)), shop.paid)
    assert (last.amount, last.lines[0].units) == (2_000, 2)


@given(
    lines=st.lists(
        st.tuples(st.integers(1, 7), st.integers(7, 99_999), st.integers(0, 30)),
        min_size=1,
        max_size=4,
    ),
    data=st.data(),
)
def test_units_given_back_in_any_parts_add_up_to_what_was_paid(
    lines: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    shop = Shop(*((units, total, total * rate // 100) for units, total, rate in lines))
    left = [units for units, *_ in lines]
    while any(left):
        back = [data.draw(st.integers(0, count)) for count in left]
        if not any(back):
            back = left
        shop.refund(*back)
        left = [count - taken for count, taken in zip(left, back, strict=True)]
        assert shop.refunded <= shop.total
        assert sum(due.tax for due in shop.given) <= shop.tax
    assert (shop.refunded, sum(due.tax for due in shop.given)) == (shop.total, shop.tax)


def test_more_than_remains_says_what_remains_of_units_line_and_currency() -> None:
    shop = Shop((2, 1_000, 0))
    with pytest.raises(QuantityExceeded) as units:
        shop.refund(3)
    assert units.value.extensions["remaining_units"] == 2
    with pytest.raises(AmountExceeded) as amount:
        shop.refund(amounts=(1_001,))
    assert amount.value.extensions["errors"][0]["pointer"] == "/lines/0/amount"
    euros = RefundParts(order_id=ORDER, goodwill=Money(amount=1, currency="EUR"))
    with pytest.raises(CurrencyMismatch):
        work_out(euros, shop.paid)
    stranger = RefundLine(order_line_id=LineId(uuid4()), units=1)
    with pytest.raises(NotFound):
        work_out(RefundParts(order_id=ORDER, lines=(stranger,)), shop.paid)


@given(
    parts=st.lists(st.integers(1, 500), min_size=1, max_size=4),
    goodwill=st.integers(0, 500),
    first=st.integers(0, 3_000),
)
def test_payments_together_give_what_is_due_the_newest_first(
    parts: list[int], goodwill: int, first: int
) -> None:
    shop = Shop(*((1, part, part // 5) for part in parts))
    due = Due(
        lines=shop.refund(*(1 for _ in parts)).lines,
        goodwill=goodwill,
    )
    newest, oldest = uuid4(), uuid4()
    given_by = dict(tenders(due, [PaidPayment(newest, first), PaidPayment(oldest, due.amount)]))
    assert sum(part.amount for part in given_by.values()) == due.amount
    assert sum(part.tax for part in given_by.values()) == due.tax
    taken = given_by[newest].amount if newest in given_by else 0
    assert taken == min(first, due.amount)
    units = [line.units for part in given_by.values() for line in part.lines]
    assert sum(units) == len(parts)


@given(tax=st.integers(0, 2000), first=st.integers(0, 9_999))
def test_the_tax_of_a_lost_parcel_and_of_what_arrived_adds_up(tax: int, first: int) -> None:
    """Two parcels of one line: whatever was paid for the first, all tax goes back with both."""
    key = LineId(uuid4())
    lost_line = PaidLine(key, 1, first, 0, 0, tax, 10_000, refunded_tax=0)
    paid = replace(Shop().paid, lines={key: lost_line})
    lost = undelivered([DueLine(key, 1, first, tax=0)], 0, paid)
    arrived = PaidLine(
        key, 1, 10_000 - first, 0, 0, tax, 10_000, refunded_tax=lost.tax, refunded_beside=first
    )
    paid = replace(paid, lines={key: arrived}, payments=[PaidPayment(uuid4(), 10_000)])
    lines = (RefundLine(order_line_id=key, units=1),)
    back = work_out(RefundParts(order_id=ORDER, lines=lines), paid)
    assert (lost.amount + back.amount, lost.tax + back.tax) == (10_000, tax)
