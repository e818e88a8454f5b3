"""Card numbers are told from the names that a payment provider gives to cards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cards import is_card_number

# Published by card schemes and providers for tests.
NUMBERS = ["4242424242424242", "378282246310005", "6011 1111 1111 1117", "5555-5555-5555-4444"]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_published_test_number_is_a_card_number(number: str) -> None:
    """D17: spaces and dashes change nothing."""
    assert is_card_number(number)


@given(st.integers(10**11, 10**17 - 1))
def test_of_ten_numbers_that_differ_in_the_last_digit_one_is_a_card_number(start: int) -> None:
    """D17: by the check digit, ISO/IEC 7812."""
    found = [digit for digit in range(10) if is_card_number(f"{start}{digit}")]
    assert len(found) == (1 if 13 <= len(str(start)) + 1 <= 19 else 0)


@pytest.mark.parametrize("token", ["tok_ok", "4242", "4242424242424241", "x4242424242424242"])
def test_a_token_is_none(token: str) -> None:
    assert not is_card_number(token)
