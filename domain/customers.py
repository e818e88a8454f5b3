"""Customers: who buys, and how their email and telephone number are written."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from domain.addresses import Address
from domain.metadata import FORM, Metadata
from domain.sources import Sourced
from domain.value import Change, Name

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f.]+(\.[^@\s\x00-\x1f\x7f.]+)+")


def folded_email(email: str) -> str:
    """Return the form in which a text is compared with addresses, be it one or not."""
    return email.strip().lower()


def normal_email(email: str) -> str:
    """Return the form in which an address is kept; raise ValueError for what is none."""
    normal = folded_email(email)
    if not _EMAIL.fullmatch(normal):
        raise ValueError("is not an email address")
    return normal


Email = Annotated[Name, StringConstraints(max_length=254), AfterValidator(normal_email)]
"""An email address, trimmed and in lower case."""

Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{4,14}$")]
"""A telephone number (E.164), such as +4930123456."""


class CustomerKind(StrEnum):
    """Whether a customer is a person or a company; nothing else depends on it."""

    PERSON = "person"
    COMPANY = "company"


class CustomerStatus(StrEnum):
    """Whether a customer may place orders."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class CreateCustomer(Sourced):
    """A new customer."""

    kind: CustomerKind = CustomerKind.PERSON
    """A person or a company."""
    name: Name
    """What people call it."""
    email: Email | None = None
    """Kept trimmed and in lower case; belongs to one customer only."""
    phone: Phone | None = None
    """In the form of E.164: `+4930123456`."""
    address: Address | None = None
    """Where it is at home; each order says for itself where it goes."""


class CustomerChange(Change):
    """What of a customer is to change; orders keep the addresses that they were placed with."""

    name: Name | None = None
    """What people call it; never empty."""
    email: Email | None = None
    """Kept trimmed and in lower case; null empties it."""
    phone: Phone | None = None
    """In the form of E.164; null empties it."""
    address: Address | None = None
    """Replaces the whole address; null empties it."""
    status: CustomerStatus | None = Field(
        default=None,
        description="A suspended customer places no orders, and its open ones are held (`manual`)"
        " until a person releases each; not for customers.",
    )
    metadata: Metadata | None = Field(
        default=None,
        description=f"{FORM}. Other keys stay; null or an empty text removes one. Not for"
        " customers.",
    )

    @classmethod
    def may_be_empty(cls) -> frozenset[str]:
        """Return the fields that null empties."""
        return frozenset({"email", "phone", "address"})
