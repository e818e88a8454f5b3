"""Money is rounded in one place, and parts always add up to the whole."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.errors import CurrencyMismatch
from domain.money import MAX_AMOUNT, Money, exponent, half_up, share, split
from tests.domain.examples import some

decimals = st.decimals(-(10**12), 10**12, places=6)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=12)


@some
@given(decimals)
def test_half_up_rounds_as_decimal_does(value: Decimal) -> None:
    expected = int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    assert half_up(value) == expected
    assert half_up(Fraction(value)) == expected


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("0.5", 1), ("1.5", 2), ("2.5", 3), ("-0.5", -1), ("-2.5", -3), ("2.499999", 2), ("-0.4", 0)],
)
def test_half_up_sends_ties_away_from_zero(value: str, rounded: int) -> None:
    assert half_up(Decimal(value)) == half_up(Fraction(value)) == rounded


@some
@given(st.integers(0, MAX_AMOUNT), weights)
def test_the_parts_of_a_split_add_up_to_the_total(total: int, by: list[int]) -> None:
    parts = split(total, by)
    assert sum(parts) == total
    assert len(parts) == len(by)
    assert all(part >= 0 for part in parts)


@some
@given(st.integers(0, MAX_AMOUNT), weights.filter(any))
def test_no_part_of_a_split_is_a_whole_unit_away_from_its_due(total: int, by: list[int]) -> None:
    dues = [Fraction(total * weight, sum(by)) for weight in by]
    assert all(abs(part - due) < 1 for part, due in zip(split(total, by), dues, strict=True))


@some
@given(st.integers(0, MAX_AMOUNT), weights.filter(any))
def test_the_larger_remainder_gets_the_odd_cent_and_ties_go_to_the_earlier(
    total: int, by: list[int]
) -> None:
    floors = [total * weight // sum(by) for weight in by]
    remainders = [total * weight % sum(by) for weight in by]
    extra = [part - floor for part, floor in zip(split(total, by), floors, strict=True)]
    ranked = sorted(range(len(by)), key=lambda at: (-remainders[at], at))
    assert [extra[at] for at in ranked] == sorted(extra, reverse=True)


def test_a_split_is_empty_without_weights_and_goes_to_the_first_without_a_positive_one() -> None:
    assert split(100, []) == []
    assert split(100, [0, 0, 0]) == [100, 0, 0]
    assert split(100, [1, 1, 1]) == [34, 33, 33]


@some
@given(st.integers(0, MAX_AMOUNT), st.lists(st.integers(1, 50), min_size=1, max_size=10))
def test_shares_land_on_the_exact_total_in_any_partition(total: int, steps: list[int]) -> None:
    whole, so_far, taken = sum(steps), 0, 0
    for step in steps:
        so_far += step
        due = share(total, so_far, whole, taken)
        assert due >= 0
        taken += due
        assert abs(taken - Fraction(total * so_far, whole)) <= Fraction(1, 2)
    assert taken == total


def test_a_thousand_over_three_units_gives_333_334_333() -> None:
    taken: list[int] = []
    for units in (1, 2, 3):
        taken.append(share(1000, units, 3, sum(taken)))
    assert taken == [333, 334, 333]


def test_amounts_of_two_currencies_are_never_added() -> None:
    euros = Money(amount=5, currency="EUR")
    assert euros + euros == Money(amount=10, currency="EUR")
    with pytest.raises(CurrencyMismatch):
        euros + Money(amount=5, currency="USD")


@pytest.mark.parametrize("amount", [-1, 1.0, "1", True, MAX_AMOUNT + 1, None])
def test_money_is_a_whole_number_of_minor_units_within_bounds(amount: object) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate({"amount": amount, "currency": "EUR"})


@pytest.mark.parametrize(
    ("currency", "places", "written"),
    [
        ("EUR", 2, "12.34 EUR"),
        ("JPY", 0, "1234 JPY"),
        ("KWD", 3, "1.234 KWD"),
        ("CLF", 4, "0.1234 CLF"),
        ("UYW", 4, "0.1234 UYW"),
        ("UYI", 0, "1234 UYI"),
    ],
)
def test_money_is_written_with_the_decimals_of_its_currency(
    currency: str, places: int, written: str
) -> None:
    """T16: the exponents of ISO 4217, funds codes included."""
    assert exponent(currency) == places
    assert str(Money(amount=1234, currency=currency)) == written
