"""Orders that wait for their money: how many at once, because each holds stock and a window."""

from domain.errors import TooManyUnpaid

AGAIN_IN = 60
"""Seconds after which to ask again: orders are paid, or cancelled when their window ends."""


def check_unpaid(unpaid: int, most: int, whose: str) -> None:
    """Raise TooManyUnpaid unless one more order of ``whose`` may wait; ``most`` of 0: always."""
    if most and unpaid >= most:
        raise TooManyUnpaid(
            f"{unpaid} orders of {whose} wait for their money; have them paid, or cancel some",
            retry_after=AGAIN_IN,
        )
