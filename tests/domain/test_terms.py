"""Orders on terms: what fits into a credit, whose turn it is, and when an order is to be paid."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Malformed
from domain.orders.receipts import PaymentMethod
from domain.orders.terms import Credit, Terms, check_terms, claimed, due_on, on_terms
from domain.payments import PaymentStatus

M = PaymentMethod
NET_30 = Terms(days=30, limit=5000, currency="USD")


@pytest.mark.parametrize(
    ("needed", "covered"), [(2000, True), (2001, False), (0, True), (-500, True)]
)
def test_an_order_is_covered_up_to_the_last_cent_that_is_left(needed: int, covered: bool) -> None:
    """Customers R3: order total ≤ credit limit − exposure, less what older orders wait for."""
    credit = Credit("USD", limit=5000, exposure=2500, claimed=500)
    assert (credit.left, credit.covers(needed)) == (2000, covered)


def test_what_is_paid_in_advance_needs_no_credit_even_beyond_the_limit() -> None:
    beyond = Credit("USD", limit=100, exposure=5000)
    assert (beyond.covers(0), beyond.covers(1)) == (True, False)


def test_a_hold_says_the_numbers() -> None:
    told = Credit("USD", limit=5000, exposure=2500, claimed=500).told(2001)
    assert told == (
        "this order needs 20.01 USD, and 20.00 USD of the credit is left: the limit is 50.00 USD,"
        " confirmed orders owe 25.00 USD, older orders wait for 5.00 USD"
    )
    assert "nothing of the credit is left" in Credit("USD", limit=100, exposure=5000).told(1)


def test_the_oldest_order_that_fits_has_the_credit() -> None:
    """One that is too large does not keep smaller ones waiting."""
    assert claimed(100, [60, 50, 40]) == 100
    assert claimed(100, [120, 50]) == 50
    assert claimed(-20, [10]) == 0


@given(st.integers(-1000, 1000), st.lists(st.integers(0, 500)))
def test_no_more_is_claimed_than_is_left(left: int, older: list[int]) -> None:
    assert 0 <= claimed(left, older) <= max(0, left)


def test_terms_need_days_and_a_limit_in_the_orders_currency() -> None:
    """Orders R6: refused with the field and what it may be."""
    for without in (Terms(), Terms(days=30), Terms(limit=5000, currency="USD")):
        with pytest.raises(Malformed) as refused:
            check_terms(M.NET_TERMS, without, "USD")
        [error] = refused.value.extensions["errors"]
        assert error["pointer"] == "/payment/method"
        assert error["message"] == "must be card or bank_transfer"
    with pytest.raises(Malformed, match="in USD, the order in EUR"):
        check_terms(M.NET_TERMS, NET_30, "EUR")
    check_terms(M.NET_TERMS, NET_30, "USD")
    check_terms(M.CARD, Terms(), "EUR")


def test_an_order_is_due_so_many_days_after_its_confirmation_by_utc() -> None:
    late = datetime(2031, 1, 31, 23, 30, tzinfo=timezone(timedelta(hours=-2)))
    assert due_on(late, 28) == date(2031, 3, 1)
    assert due_on(None, 28) is None
    assert due_on(datetime(2031, 1, 31, tzinfo=UTC), None) is None


def test_on_terms_is_what_an_order_is_until_money_comes() -> None:
    """Orders 3."""
    assert on_terms(M.NET_TERMS, PaymentStatus.UNPAID) is PaymentStatus.ON_TERMS
    assert on_terms(M.BANK_TRANSFER, PaymentStatus.UNPAID) is PaymentStatus.UNPAID
    part = PaymentStatus.PARTIALLY_CAPTURED
    assert on_terms(M.NET_TERMS, part) is part
