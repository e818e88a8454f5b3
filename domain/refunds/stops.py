"""Stops of refunds: what a chargeback keeps from going back by itself (payments R12).

The cardholder's bank may have given the customer the same money already. So nothing goes back
unless a person who could know of the chargeback has said so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.refunds.status import RefundSource


@dataclass(frozen=True)
class LettingGo:
    """When people said that a refund goes back; None for what nobody said."""

    source: str
    created_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    failed_at: datetime | None
    answered_at: datetime | None
    """When finance answered that it goes back in spite of a chargeback."""

    @property
    def said_at(self) -> datetime | None:
        """The last time; None for what goes back by itself.

        Approved after it had failed, it is tried again by a person.
        """
        asked = self.created_at if self.source == RefundSource.GOODWILL else None
        again = None not in (self.failed_at, self.approved_at)
        approved = self.approved_at if again or self.approved_by != "system" else None
        said = [at for at in (asked, approved, self.answered_at) if at is not None]
        return max(said, default=None)


def is_stopped(letting_go: LettingGo, charged_back: Iterable[datetime]) -> bool:
    """Whether one of its payment's undecided chargebacks came after people let the refund go."""
    newest = max(charged_back, default=None)
    said = letting_go.said_at
    return newest is not None and (said is None or said < newest)
