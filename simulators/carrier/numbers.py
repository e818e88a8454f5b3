"""The carrier's tracking numbers: ``SBX``, twelve digits, and a check digit."""

import secrets

PREFIX = "SBX"
WEIGHTS = (7, 3, 1)


def new_tracking_number() -> str:
    """Return a random number of the carrier's format; the table keeps it unique."""
    digits = f"{secrets.randbelow(10**12):012d}"
    return f"{PREFIX}{digits}{check_digit(digits)}"


def check_digit(digits: str) -> int:
    """Return the weighted sum (7, 3, 1 from the left) modulo 10."""
    return sum(int(digit) * WEIGHTS[i % 3] for i, digit in enumerate(digits)) % 10
