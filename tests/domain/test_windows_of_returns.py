"""Which units may come back, and until when."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.policy import Policy
from domain.returns.rules import Delivery, SoldLine, why_none, window_of
from domain.returns.status import ReturnKind

DAY = date(2030, 5, 1)
NEVER = 0
days = st.integers(0, 400)


def sold(window_days: int | None, *, on: date = DAY, units: int = 3) -> SoldLine:
    return SoldLine(
        id=UUID(int=1),
        order_id=UUID(int=2),
        sku="MUG",
        sold=units,
        delivered=units,
        coming_back=0,
        returned=0,
        deliveries=(Delivery(on, units),),
        window_days=window_days,
    )


def returnable(line: SoldLine, after: int, policy: Policy, kind: str = "standard") -> int:
    """Return how many units may come back so many days after their delivery."""
    today = DAY + timedelta(days=after)
    return window_of(line, ReturnKind(kind), [line], policy, today).units


@given(item=st.none() | days, setting=days, after=days)
def test_the_window_of_the_item_holds_and_the_setting_where_it_has_none(
    item: int | None, setting: int, after: int
) -> None:
    """Returns R2: the last day inclusive, 0 is a final sale."""
    window = setting if item is None else item
    policy = Policy(return_window_days=setting)
    expected = 3 if window != NEVER and after <= window else 0
    assert returnable(sold(item), after, policy) == expected


@pytest.mark.parametrize("item", [None, NEVER, 5, 100])
def test_a_withdrawal_has_the_window_of_the_law_whatever_the_item_says(item: int | None) -> None:
    policy = Policy(withdrawal_days=14, return_window_days=30)
    assert returnable(sold(item), 14, policy, "withdrawal") == 3
    assert returnable(sold(item), 15, policy, "withdrawal") == 0


def test_of_two_deliveries_the_later_one_has_the_later_end() -> None:
    line = SoldLine(
        id=UUID(int=1),
        order_id=UUID(int=2),
        sku="MUG",
        sold=3,
        delivered=3,
        coming_back=0,
        returned=1,
        deliveries=(Delivery(DAY, 2), Delivery(DAY + timedelta(days=7), 1)),
        window_days=10,
    )
    policy = Policy()
    assert [returnable(line, after, policy) for after in (10, 11, 17, 18)] == [2, 1, 1, 0]
    window = window_of(line, ReturnKind.STANDARD, [line], policy, DAY)
    assert window.until == DAY + timedelta(days=17)


@pytest.mark.parametrize(
    ("line", "after", "why"),
    [
        (sold(5), 5, None),
        (sold(5), 6, "window_closed"),
        (sold(NEVER), 0, "non_returnable"),
        (replace(sold(5), returned=2, coming_back=1), 0, "all_back"),
        (replace(sold(NEVER), returned=3), 0, "all_back"),
        (replace(sold(5), delivered=0, deliveries=()), 0, "not_delivered"),
    ],
)
def test_what_can_come_back_says_why_nothing_of_a_line_can(
    line: SoldLine, after: int, why: str | None
) -> None:
    window = window_of(line, ReturnKind.STANDARD, [line], Policy(), DAY + timedelta(days=after))
    assert why_none(line, window) == why
