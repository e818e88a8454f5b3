"""Declined cards: free at first, then slowed down, then looked at."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import IllegalMove, TooManyAttempts
from domain.orders.attempts import PAUSE, PAUSE_FROM, REVIEW_FROM, check_attempt

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_few_declines_cost_nothing_and_every_further_card_waits_for_its_pause() -> None:
    check_attempt(0, None, NOW, in_review=False)
    check_attempt(PAUSE_FROM - 1, NOW, NOW, in_review=False)
    with pytest.raises(TooManyAttempts) as slowed:
        check_attempt(PAUSE_FROM, NOW, NOW + timedelta(seconds=20.5), in_review=False)
    assert slowed.value.extensions["retry_after"] == 40
    check_attempt(PAUSE_FROM, NOW, NOW + PAUSE, in_review=False)


def test_only_a_review_of_declined_cards_refuses_the_next_one() -> None:
    with pytest.raises(IllegalMove):
        check_attempt(REVIEW_FROM, NOW, NOW + PAUSE, in_review=True)
    check_attempt(0, None, NOW, in_review=True)
