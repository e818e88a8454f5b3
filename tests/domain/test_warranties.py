"""Days of warranties: where they end, what is covered on them, and which promise counts."""

from calendar import monthrange
from datetime import date, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.refunds.rules import Kept
from domain.warranties.coverage import (
    Promise,
    best,
    judge,
    last_day,
    months_after,
    refund_days,
)
from domain.warranties.status import MOVES, SHOWN, CoverageRule, ShownStatus, WarrantyStatus
from domain.warranties.terms import RefundRule

ACTIVE = WarrantyStatus.ACTIVE
DAYS = st.dates(min_value=date(1970, 1, 1), max_value=date(2500, 12, 31))
MONTHS = st.integers(1, 1200)


def day(text: str) -> date:
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2031-01-31", 1, "2031-02-28"),
        ("2032-01-31", 1, "2032-02-29"),
        ("2032-02-29", 12, "2033-02-28"),
        ("2032-02-29", 48, "2036-02-29"),
        ("2031-01-31", 2, "2031-03-31"),
        ("2031-03-10", 3, "2031-06-10"),
        ("2031-12-31", 2, "2032-02-29"),
        ("9999-11-30", 1, "9999-12-30"),
        ("9999-12-31", 1200, "9999-12-31"),
    ],
)
def test_months_end_where_months_end(start: str, months: int, end: str) -> None:
    """WAR-01."""
    assert months_after(day(start), months) == day(end)


@given(DAYS, MONTHS)
def test_an_end_is_the_same_day_of_its_month_or_the_last_one(start: date, months: int) -> None:
    end = months_after(start, months)
    assert (end.year - start.year) * 12 + end.month - start.month == months
    assert end.day == min(start.day, monthrange(end.year, end.month)[1])


@given(DAYS, MONTHS, st.integers(0, 200))
def test_a_longer_warranty_never_ends_earlier(start: date, months: int, more: int) -> None:
    end, later = last_day(start, months, 0), last_day(start, months, more)
    assert end is not None
    assert later is not None
    assert start < end <= later
    assert (later > end) == (more > 0)


@given(DAYS, MONTHS)
def test_who_gets_goods_a_day_later_is_covered_no_shorter(start: date, months: int) -> None:
    assert months_after(start, months) <= months_after(start + timedelta(days=1), months)


def test_an_extension_is_counted_from_the_start() -> None:
    """WAR-01: from the old end the customer would lose three days."""
    assert last_day(day("2031-01-31"), 1, 0) == day("2031-02-28")
    assert last_day(day("2031-01-31"), 1, 1) == day("2031-03-31")
    assert last_day(day("2031-01-31"), None, 0) is None


@pytest.mark.parametrize(
    ("status", "on", "rule"),
    [
        (ACTIVE, "2031-01-30", CoverageRule.NOT_STARTED),
        (ACTIVE, "2031-01-31", CoverageRule.COVERED),
        (ACTIVE, "2031-02-28", CoverageRule.COVERED),
        (ACTIVE, "2031-03-01", CoverageRule.EXPIRED),
        (WarrantyStatus.VOID, "2031-02-01", CoverageRule.VOID),
        (WarrantyStatus.CANCELLED, "2031-03-01", CoverageRule.CANCELLED),
    ],
)
def test_both_days_are_covered_and_the_one_after_is_not(
    status: WarrantyStatus, on: str, rule: CoverageRule
) -> None:
    """WAR-01; Warranties R1."""
    promise = Promise(status, day("2031-01-31"), day("2031-02-28"))
    verdict = judge(promise, day(on))
    assert (verdict.rule, verdict.covered) == (rule, rule is CoverageRule.COVERED)


@given(DAYS)
def test_a_lifetime_has_no_end(on: date) -> None:
    assert judge(Promise(ACTIVE, date(1970, 1, 1), None), on).covered


def test_the_best_promise_that_covers_the_day_counts() -> None:
    short = Promise(ACTIVE, day("2031-01-01"), day("2031-12-31"))
    long = Promise(ACTIVE, day("2031-06-01"), day("2033-06-01"))
    void = Promise(WarrantyStatus.VOID, day("2031-01-01"), None)
    assert best([short, long, void], day("2031-02-01")) == 0
    assert best([short, long, void], day("2031-07-01")) == 1
    assert best([short, long, void], day("2034-01-01")) == 1
    assert best([void, short, short], day("2031-02-01")) == 1
    with pytest.raises(ValueError, match="empty"):
        best([], day("2031-02-01"))


@given(st.integers(0, 10**12), DAYS, MONTHS, st.data())
def test_a_refund_by_the_days_left_is_all_on_the_first_day_and_never_more_later(
    price: int, starts_on: date, months: int, data: st.DataObject
) -> None:
    """Warranties R7: of the whole term, both days inclusive; nothing after it, rounded once."""
    ends_on = months_after(starts_on, months)
    by_months = partial(refund_days, RefundRule.REMAINING_MONTHS, starts_on, ends_on)

    def worth(on: date) -> int:
        return Kept(days=by_months(on)).left_of(price)

    first, last, day_ = starts_on, ends_on, timedelta(days=1)
    assert worth(first) == worth(max(first - day_, date.min)) == price
    assert worth(last + day_) == 0
    on = data.draw(st.dates(min_value=first, max_value=last))
    days = by_months(on)
    assert days is not None
    assert abs(worth(on) * days.of - price * days.left) * 2 <= days.of
    assert 0 <= worth(on + day_) <= worth(on) <= price
    assert refund_days(RefundRule.FULL, starts_on, ends_on, on) is None
    assert refund_days(RefundRule.REMAINING_MONTHS, starts_on, None, on) is None


def test_every_state_and_rule_is_shown_by_a_word() -> None:
    assert set(SHOWN) == set(CoverageRule)
    assert set(SHOWN.values()) == set(ShownStatus)
    assert set(MOVES) == set(WarrantyStatus)
