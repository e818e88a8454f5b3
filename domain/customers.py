"""Customers: who buys, and how their email and telephone number are written."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, field_validator

from domain.addresses import Address
from domain.metadata import FORM, Metadata
from domain.money import Money
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


class CustomerFlag(StrEnum):
    """What staff should know of a customer."""

    FRAUD = "fraud"
    """Has deceived the company, or is thought to."""
    SERIAL_RETURNER = "serial_returner"
    """Sends back more than others do."""
    VIP = "vip"
    """Is to be treated with particular care."""


TermsDays = Annotated[int, Field(strict=True, ge=0, le=365)]
"""So many days after its confirmation an order on terms is to be paid; 0: none are on terms."""

WARNINGS = frozenset({CustomerFlag.FRAUD, CustomerFlag.SERIAL_RETURNER})
"""With one of these a person looks at each return that is no right (returns R4)."""


_TERMS = (
    "So many days after its confirmation an order on terms (`payment.method` `net_terms`) is to be"
    " paid; 0: such orders are refused."
)
_LIMIT = (
    "The most that its orders on terms may owe together, in the currency of these orders; null:"
    " such orders are refused."
)
_BY_FINANCE = "Needs `customers:credit`."


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
    # Left out of what names a request, as the release before wrote it, where there are none.
    terms_days: TermsDays = Field(
        default=0, exclude_if=lambda given: given == 0, description=f"{_TERMS} {_BY_FINANCE}"
    )
    credit_limit: Money | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description=f"{_LIMIT} {_BY_FINANCE}",
    )

    @property
    def on_terms(self) -> bool:
        """Whether it says anything of terms of payment."""
        return self.terms_days > 0 or self.credit_limit is not None


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
    flags: tuple[CustomerFlag, ...] | None = Field(
        default=None,
        max_length=len(CustomerFlag),
        description="Replaces all flags; with `fraud` or `serial_returner` support looks at each"
        " return that is no right. Not for customers.",
    )
    terms_days: TermsDays | None = Field(
        default=None,
        description=f"{_TERMS} Orders that were placed before keep theirs. {_BY_FINANCE}",
    )
    credit_limit: Money | None = Field(
        default=None,
        description=f"{_LIMIT} Orders on hold for want of credit are looked at again."
        f" {_BY_FINANCE}",
    )
    metadata: Metadata | None = Field(
        default=None,
        description=f"{FORM}. Other keys stay; null or an empty text removes one. Not for"
        " customers.",
    )

    @field_validator("flags")
    @classmethod
    def _once_each(cls, flags: tuple[CustomerFlag, ...] | None) -> tuple[CustomerFlag, ...] | None:
        return None if flags is None else tuple(sorted(set(flags)))

    @property
    def of_terms(self) -> bool:
        """Whether it changes anything of the terms of payment."""
        return bool({"terms_days", "credit_limit"} & self.model_fields_set)

    @classmethod
    def may_be_empty(cls) -> frozenset[str]:
        """Return the fields that null empties."""
        return frozenset({"email", "phone", "address", "credit_limit"})
