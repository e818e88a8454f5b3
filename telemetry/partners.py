"""When this process last heard each partner, and last failed to: what an operator is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

_LONGEST = 200
"""Characters of a failure that are kept."""


@dataclass(frozen=True)
class Contact:
    """The last answer of a partner, and the last call that got none; None where there is none."""

    answered_at: datetime | None = None
    failed_at: datetime | None = None
    failure: str | None = None


_contacts: dict[str, Contact] = {}


def answered(partner: str) -> None:
    """Note that a partner has answered a call, be it with a refusal."""
    before = _contacts.get(partner, Contact())
    _contacts[partner] = Contact(datetime.now(UTC), before.failed_at, before.failure)


def failed(partner: str, failure: str) -> None:
    """Note that a call to a partner got no answer that could be understood, and why."""
    before = _contacts.get(partner, Contact())
    _contacts[partner] = Contact(before.answered_at, datetime.now(UTC), failure[:_LONGEST])


def contacts() -> Mapping[str, Contact]:
    """Return what was noted, by partner."""
    return dict(_contacts)
