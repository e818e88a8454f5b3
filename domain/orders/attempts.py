"""Attempts to pay an order: how many declined cards are a pause, and how many a question."""

import math
from datetime import datetime, timedelta

from domain.errors import IllegalMove, TooManyAttempts

PAUSE_FROM = 5
"""Declined cards after which each further one has to wait."""
PAUSE = timedelta(minutes=1)
"""How long after a decline."""
DECLINES_WITHIN = timedelta(hours=1)
"""For so long declined cards count against their customer, whose orders they were for."""
NEVER_SENT = "never_sent"
"""The failure code of what the provider was never asked for: no declined card."""
REVIEW_FROM = 15
"""Declined cards after which a person looks at the order, at each further one again."""


def check_attempt(
    declines: int, last_declined_at: datetime | None, now: datetime, *, in_review: bool
) -> None:
    """Raise unless another card may be tried for an order for which cards were declined.

    IllegalMove while a person looks at the order because of them, and TooManyAttempts, with the
    seconds that are left, within a pause.
    """
    if in_review and needs_review(declines):
        raise IllegalMove(
            f"{declines} cards were declined: the order is on hold until a person has looked at it",
            current_status="on_hold",
            allowed=[],
        )
    if declines < PAUSE_FROM or last_declined_at is None:
        return
    left = last_declined_at + PAUSE - now
    if left > timedelta():
        seconds = math.ceil(left.total_seconds())
        raise TooManyAttempts(
            f"{declines} cards were declined; the next one may be tried in {seconds} s",
            retry_after=seconds,
        )


def check_declines(declines: int, since: datetime | None, now: datetime, most: int) -> None:
    """Raise TooManyAttempts where cards were declined for ``most`` orders of a customer or more.

    Counted ``since`` a moment at most an hour ago: cards are not tried out at our provider, one
    order each. ``most`` of 0: any number.
    """
    if not most or declines < most or since is None:
        return
    left = since + DECLINES_WITHIN - now
    if left > timedelta():
        seconds = math.ceil(left.total_seconds())
        raise TooManyAttempts(
            f"{declines} cards of this customer were declined; the next one may be tried in"
            f" {seconds} s",
            retry_after=seconds,
        )


def needs_review(declines: int) -> bool:
    """Whether a person has to look at an order for which so many cards were declined."""
    return declines >= REVIEW_FROM
