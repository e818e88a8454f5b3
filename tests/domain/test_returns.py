"""Which returns are looked at, how long goods may come back, and what of the postage goes along."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from domain.ids import LineId, OrderId
from domain.policy import Policy, ReturnCost, ShippingRefund
from domain.refunds.rules import PaidLine, PaidOrder, PaidPayment, give_back
from domain.returns.requests import RequestReturn, ReturnLine
from domain.returns.rules import (
    Accepted,
    Delivery,
    Postage,
    SoldLine,
    shipping_due,
    window_of,
)
from domain.returns.status import ReturnKind, ReturnReason
from domain.returns.verdicts import check_evidence, decide
from domain.returns.withdrawals import Goods, Receipt, acknowledgement_of, statement_of

POLICY = Policy()
GENEROUS = Policy(refund_shipping_on=ShippingRefund.FULL_WITHDRAWAL)
GROUND = Postage("ground", "USD", 605, 0)
EXPRESS = Postage("express", "USD", 1_500, 315)
ALL, HALF = Accepted(units=2, faulty=0), Accepted(units=1, faulty=0)
LAST_DAY = date(2026, 7, 15)


def sold(delivered: int, *days: int) -> SoldLine:
    """A line of two units, of which some came so many days before the last day."""
    came = tuple(Delivery(LAST_DAY - timedelta(days=day), 1) for day in sorted(days, reverse=True))
    return SoldLine(uuid4(), uuid4(), "MUG", 2, delivered, 0, 0, came)


def test_a_withdrawal_is_in_time_until_the_end_of_the_fourteenth_day_after_the_last_unit() -> None:
    line = sold(2, 20, 14)
    window = window_of(line, ReturnKind.WITHDRAWAL, [line], POLICY, LAST_DAY)
    assert (window.units, window.until) == (2, LAST_DAY)
    late = window_of(line, ReturnKind.WITHDRAWAL, [line], POLICY, LAST_DAY + timedelta(days=1))
    assert (late.units, late.until) == (0, LAST_DAY)


def test_while_units_are_under_way_an_order_can_be_withdrawn_from_however_old_it_is() -> None:
    line, other = sold(2, 90, 90), sold(1, 60)
    window = window_of(line, ReturnKind.WITHDRAWAL, [line, other], POLICY, LAST_DAY)
    assert (window.units, window.until) == (2, None)


@pytest.mark.parametrize(
    ("accepted", "kind", "policy", "postage", "due"),
    [
        (ALL, ReturnKind.WITHDRAWAL, POLICY, GROUND, 605),
        (HALF, ReturnKind.WITHDRAWAL, POLICY, GROUND, 0),
        (ALL, ReturnKind.STANDARD, POLICY, GROUND, 0),
        (ALL, ReturnKind.STANDARD, GENEROUS, GROUND, 605),
        # A third of the express price, and a third of its tax.
        (ALL, ReturnKind.WITHDRAWAL, POLICY, EXPRESS, 605),
        (ALL, ReturnKind.STANDARD, GENEROUS, EXPRESS, 605),
        (Accepted(units=2, faulty=2), ReturnKind.STANDARD, POLICY, EXPRESS, 1_815),
        (Accepted(units=2, faulty=2), ReturnKind.WITHDRAWAL, POLICY, EXPRESS, 1_815),
        (ALL, ReturnKind.WITHDRAWAL, POLICY, Postage("express", "USD", 0, 0), 0),
        (ALL, ReturnKind.WITHDRAWAL, POLICY, Postage("express", "USD", 400, 0), 400),
        (ALL, ReturnKind.WITHDRAWAL, POLICY, Postage("express", "CHF", 1_500, 0), 1_500),
    ],
)
def test_a_withdrawal_from_everything_gives_the_standard_postage_back(
    accepted: Accepted, kind: ReturnKind, policy: Policy, postage: Postage, due: int
) -> None:
    """RET-03: who chose a dearer delivery bears the difference, unless the fault is ours."""
    assert shipping_due(accepted, 2, kind, policy, postage) == due


def paid(shipping: int, tax: int, given: int = 0, given_tax: int = 0) -> PaidOrder:
    """An order of one unit for 12.10 with 2.10 tax, and postage of which some went back before."""
    line = PaidLine(uuid4(), 1, 1_210, 0, 0, 210, 1_210, 0)
    return PaidOrder(
        currency="USD",
        lines={line.id: line},
        payments=[PaidPayment(uuid4(), 1_210 + shipping - given)],
        shipping_left=shipping - given,
        shipping_amount=shipping,
        shipping_tax=tax,
        refunded_shipping=given,
        refunded_shipping_tax=given_tax,
        captured=1_210 + shipping,
        tax_amount=210 + tax,
        total_amount=1_210 + shipping,
        refunded_goodwill=0,
        refunded_goodwill_tax=0,
        refunded_tax=given_tax,
        given_shipping=given,
    )


@pytest.mark.parametrize(
    ("order", "postage", "amount", "tax"),
    [
        (paid(605, 105), Postage("ground", "USD", 500, 105), 1_815, 315),
        (paid(1_815, 315), EXPRESS, 1_815, 315),
        # What went back of the postage before is of the standard part first.
        (paid(1_815, 315, 605, 105), EXPRESS, 1_210, 210),
        (paid(1_815, 315, 200, 35), EXPRESS, 1_615, 280),
    ],
)
def test_a_withdrawn_order_gives_back_goods_postage_and_the_tax_of_both(
    order: PaidOrder, postage: Postage, amount: int, tax: int
) -> None:
    """RET-03: 10.00 and 5.00 of postage at 21 % are 18.15, by ground and by express."""
    whole = Accepted(units=1, faulty=0)
    shipping = shipping_due(whole, 1, ReturnKind.WITHDRAWAL, POLICY, postage)
    due, limited = give_back(dict.fromkeys(order.lines, 1), order, shipping=shipping)
    assert (due.amount, due.tax, limited) == (amount, tax, None)


def wanted(kind: ReturnKind, reason: ReturnReason | None, late: str | None = None) -> RequestReturn:
    line = ReturnLine(order_line_id=LineId(uuid4()), quantity=1, reason=reason)
    return RequestReturn(order_id=OrderId(uuid4()), kind=kind, lines=(line,), late_reason=late)


def test_a_withdrawal_in_time_is_not_looked_at_whatever_it_is_worth() -> None:
    asked = wanted(ReturnKind.WITHDRAWAL, ReturnReason.DEFECTIVE)
    check_evidence(asked, 100_000, 20_000)
    assert decide(asked, 100_000, 20_000, "USD").authorized
    late = wanted(ReturnKind.WITHDRAWAL, None, late="was ill")
    assert not decide(late, 100_000, 20_000, "USD").authorized
    usual = wanted(ReturnKind.STANDARD, ReturnReason.WRONG_SIZE)
    assert not decide(usual, 100_000, 20_000, "USD").authorized


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (ReturnCost.CUSTOMER, "You bear the direct cost of sending the goods back."),
        (ReturnCost.MERCHANT, "We bear the cost of sending the goods back: use the label"),
    ],
)
def test_an_acknowledgement_says_who_bears_the_cost_of_sending_back(
    cost: ReturnCost, said: str
) -> None:
    """And until when the money is to be back: 14 days after it was received."""
    goods = [Goods(LineId(uuid4()), "TENT-2P", "Tent", 2)]
    at = datetime(2026, 7, 1, 23, 59, 59, tzinfo=UTC)
    declared, by = at - timedelta(minutes=2), at + timedelta(days=30)
    receipt = Receipt("SO-1042", "RMA-1001", "Ada", None, declared, at, by)
    text = acknowledgement_of(statement_of("Ada", "SO-1042", goods), receipt, cost)
    assert said in text
    assert "I, Ada, withdraw from the contract" in text
    assert "2026-07-01T23:59:59Z" in text
    assert "by 2026-07-15;" in text
    assert "send the goods back by 2026-07-31" in text
    kept = acknowledgement_of("", replace(receipt, ship_back_by=None), cost)
    assert "You may keep the goods" in kept
    assert said not in kept
