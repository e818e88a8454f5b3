"""Fees: what is kept of what goes back, and that every cent is kept, given or left once."""

from dataclasses import replace
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import AmountExceeded
from domain.ids import LineId, OrderId
from domain.money import Money
from domain.refunds.due import Due, DueLine, as_moved, keep, keep_for_label
from domain.refunds.requests import RefundLine, RefundParts
from domain.refunds.rules import (
    Kept,
    PaidLine,
    PaidOrder,
    PaidPayment,
    give_back,
    tenders,
    work_out,
)
from domain.returns.rules import SoldLine, fee_rate_of
from domain.returns.status import MERCHANT_FAULT, ReturnKind, ReturnReason

RATE = Decimal("0.15")


@st.composite
def lines(draw: st.DrawFn) -> DueLine:
    """A line with up to half of it tax, of which some is kept."""
    amount = draw(st.integers(0, 5_000))
    line = DueLine(uuid4(), draw(st.integers(1, 5)), amount, draw(st.integers(0, amount // 2)))
    [kept] = keep_for_label([keep(line, draw(st.integers(0, amount)))], draw(st.integers(0, 900)))
    return kept


@st.composite
def dues(draw: st.DrawFn) -> Due:
    shipping, goodwill = draw(st.integers(0, 900)), draw(st.integers(0, 900))
    return Due(
        tuple(draw(st.lists(lines(), max_size=4))),
        shipping,
        draw(st.integers(0, shipping)),
        goodwill,
        draw(st.integers(0, goodwill)),
    )


def assert_adds_up(due: Due) -> None:
    """What the books demand of a refund."""
    gross = sum(line.amount for line in due.lines)
    assert due.amount == gross + due.shipping + due.goodwill - due.fee
    assert 0 <= due.tax <= due.amount
    for line in due.lines:
        assert 0 <= line.fee_tax <= line.fee <= line.amount
        assert 0 <= line.label_fee <= line.fee
        assert 0 <= line.net_tax <= line.net


@given(due=dues(), limits=st.lists(st.integers(0, 4_000), max_size=3))
def test_what_several_payments_give_adds_up_with_its_fees_and_taxes(
    due: Due, limits: list[int]
) -> None:
    """No payment gives more than it can, none gives nothing, and a fee is kept once."""
    payments = [PaidPayment(uuid4(), limit) for limit in [*limits, due.amount]]
    parts = [part for _, part in tenders(due, payments)]
    for part, limit in zip(parts, [each for each in payments if each.refundable], strict=False):
        assert_adds_up(part)
        assert 0 < part.amount <= limit.refundable
    if due.amount:
        assert sum(part.amount for part in parts) == due.amount
        assert sum(part.tax for part in parts) == due.tax
        assert sum(part.fee for part in parts) == due.fee
        assert sum(part.label_fee for part in parts) == due.label_fee
        units = [line.units for part in parts for line in part.lines]
        assert sum(units) == sum(line.units for line in due.lines)


@given(due=dues(), amount=st.integers(1, 20_000))
def test_another_amount_than_was_due_is_divided_to_the_cent(due: Due, amount: int) -> None:
    """Less is less of each part, more is for no goods, and what was kept stays kept."""
    moved = as_moved(due, amount)
    assert (moved.amount, moved.fee) == (amount, due.fee)
    if due.amount:
        assert_adds_up(moved)
        assert as_moved(due, due.amount) == due
    assert moved.goodwill - due.goodwill <= max(0, amount - due.amount)


def order(*parts: tuple[int, int, int], shipping: int = 0, given: int = 0) -> PaidOrder:
    """An order of lines with units, money and the tax in it, of which some went back otherwise."""
    lines = [PaidLine(uuid4(), units, all_, 0, 0, tax, all_, 0) for units, all_, tax in parts]
    total = sum(line.amount for line in lines) + shipping
    return PaidOrder(
        currency="USD",
        lines={line.id: line for line in lines},
        payments=[PaidPayment(uuid4(), total - given)],
        shipping_left=shipping,
        shipping_amount=shipping,
        shipping_tax=0,
        refunded_shipping=0,
        refunded_shipping_tax=0,
        captured=total,
        tax_amount=sum(line.tax_amount for line in lines),
        total_amount=total,
        refunded_goodwill=given,
        refunded_goodwill_tax=0,
        refunded_tax=0,
        given_shipping=0,
    )


def after(paid: PaidOrder, due: Due) -> PaidOrder:
    """Return the order's money once that has gone back."""
    counted = dict(paid.lines)
    for part in due.lines:
        line = counted[part.line_id]
        counted[part.line_id] = replace(
            line,
            refunded_units=line.refunded_units + part.units,
            refunded_amount=line.refunded_amount + part.amount,
            refunded_tax=line.refunded_tax + part.tax,
        )
    [payment] = paid.payments
    left = [replace(payment, refundable=payment.refundable - due.amount)]
    return replace(paid, lines=counted, payments=left, refunded_tax=paid.refunded_tax + due.tax)


@pytest.mark.parametrize(
    ("amount", "rate", "fee"),
    [(10_800, "0.15", 1_620), (333, "0.15", 50), (10, "0.05", 1), (9, "0.05", 0), (1, "0", 0)],
)
def test_a_fee_is_its_rate_of_the_share_half_a_cent_up(amount: int, rate: str, fee: int) -> None:
    paid = order((1, amount, 0))
    [line] = paid.lines
    due, limited = give_back({line: 1}, paid, shipping=0, kept={line: Kept(Decimal(rate))})
    assert (due.fee, due.amount, limited) == (fee, amount - fee, None)


@pytest.mark.parametrize(
    ("deducted", "fee"), [(0, 1_500), (500, 2_000), (8_500, 10_000), (20_000, 10_000)]
)
def test_a_deduction_adds_to_the_fee_as_far_as_the_money_goes(deducted: int, fee: int) -> None:
    paid = order((1, 10_000, 0))
    [line] = paid.lines
    due, limited = give_back({line: 1}, paid, shipping=0, kept={line: Kept(RATE, deducted)})
    assert (due.fee, due.amount, limited) == (fee, 10_000 - fee, None)


def test_what_is_kept_is_sold_with_its_tax() -> None:
    """Of 108.00 with 8.00 of tax 16.20 are kept: 91.80 go back, with 6.80 of tax."""
    paid = order((1, 10_800, 800))
    due, _ = give_back(dict.fromkeys(paid.lines, 1), paid, shipping=0, kept=_kept(paid))
    assert (due.amount, due.tax) == (9_180, 680)


def _kept(paid: PaidOrder) -> dict[UUID, Kept]:
    return dict.fromkeys(paid.lines, Kept(RATE))


@given(
    parts=st.lists(
        st.tuples(st.integers(1, 6), st.integers(0, 9_999), st.integers(0, 40)),
        min_size=1,
        max_size=3,
    ),
    rates=st.lists(st.integers(0, 999_999), min_size=3, max_size=3),
    data=st.data(),
)
def test_returns_one_after_the_other_give_and_keep_what_was_paid(
    parts: list[tuple[int, int, int]], rates: list[int], data: st.DataObject
) -> None:
    """A fee of one return moves no cent of the next: shares are of what was paid in full."""
    paid = order(*((units, total, total * tax // 100) for units, total, tax in parts))
    fees = {
        line: Kept(Decimal(rate) / 1_000_000) for line, rate in zip(paid.lines, rates, strict=False)
    }
    total, given_back, kept = paid.captured, 0, 0
    while left := {key: line.units_left for key, line in paid.lines.items() if line.units_left}:
        units = {key: data.draw(st.integers(0, count)) for key, count in left.items()}
        due, limited = give_back(
            units if any(units.values()) else left, paid, shipping=0, kept=fees
        )
        assert not limited
        assert_adds_up(due)
        paid = after(paid, due)
        given_back, kept = given_back + due.amount, kept + due.fee
        assert given_back + kept <= total
    assert given_back + kept == total


@given(amount=st.integers(1, 5_000), before=st.integers(0, 5_000), rate=st.integers(0, 999_999))
def test_no_more_goes_back_than_is_there_whatever_is_kept(
    amount: int, before: int, rate: int
) -> None:
    """After goodwill: what is due less the fee, and not above what can still go back."""
    paid = order((1, amount, 0), given=min(before, amount))
    [line] = paid.lines
    fee_rate = Decimal(rate) / 1_000_000
    due, limited = give_back({line: 1}, paid, shipping=0, kept={line: Kept(fee_rate)})
    whole = amount - int(amount * fee_rate + Decimal("0.5"))
    assert due.amount == min(whole, paid.refundable)
    assert (limited is not None) == (whole > paid.refundable)
    assert due.lines[0].units == 1


def usd(amount: int) -> Money:
    return Money(amount=amount, currency="USD")


def asked(paid: PaidOrder, fee: int, **rest: Money) -> RefundParts:
    lines = tuple(RefundLine(order_line_id=LineId(key), units=1) for key in paid.lines)
    return RefundParts(order_id=OrderId(uuid4()), lines=lines, fee=usd(fee), **rest)


def test_a_fee_that_staff_gives_is_kept_of_the_lines_by_their_amounts() -> None:
    paid = order((1, 3_000, 0), (1, 1_000, 0), shipping=500)
    due = work_out(asked(paid, 401, shipping=usd(500)), paid)
    assert [line.fee for line in due.lines] == [301, 100]
    assert (due.amount, due.fee) == (4_099, 401)


@pytest.mark.parametrize(("fee", "pointer"), [(4_001, "/fee/amount"), (4_000, "/fee")])
def test_a_fee_leaves_something_to_go_back(fee: int, pointer: str) -> None:
    paid = order((1, 3_000, 0), (1, 1_000, 0))
    with pytest.raises(AmountExceeded) as refused:
        work_out(asked(paid, fee), paid)
    assert refused.value.extensions["errors"][0]["pointer"] == pointer


def test_a_fee_without_lines_or_of_nothing_is_malformed() -> None:
    with pytest.raises(ValidationError):
        RefundParts(order_id=OrderId(uuid4()), goodwill=usd(5), fee=usd(1))
    with pytest.raises(ValidationError):
        asked(order((1, 10, 0)), 0)
    assert "fee" not in RefundParts(order_id=OrderId(uuid4()), goodwill=usd(5)).model_dump()


@pytest.mark.parametrize("reason", [None, *ReturnReason])
@pytest.mark.parametrize("kind", ReturnKind)
def test_nothing_is_kept_for_our_own_fault_nor_of_a_withdrawal(
    kind: ReturnKind, reason: ReturnReason | None
) -> None:
    """Returns R9: changed_mind, wrong_size and other pay the fee of the item."""
    line = SoldLine(uuid4(), uuid4(), "MUG", 1, 1, 0, 0, (), fee_rate=RATE)
    pays = kind is ReturnKind.STANDARD and reason not in MERCHANT_FAULT
    assert fee_rate_of(line, kind, reason) == (RATE if pays else 0)
