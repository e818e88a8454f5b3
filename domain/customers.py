"""Who buys."""

from enum import StrEnum


class CustomerStatus(StrEnum):
    """Whether a customer may place orders."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
