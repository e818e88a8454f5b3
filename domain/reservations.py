"""Reservations by hand: stock held for a reference, until it is let go or a moment has come."""

from datetime import datetime, timedelta
from typing import Self

from pydantic import Field, model_validator

from domain.errors import IllegalMove, Malformed
from domain.ids import ItemId
from domain.inventory import ReservationStatus
from domain.value import Instant, Name, Value

MANUAL = "manual"
"""The type of document that a reservation by hand belongs to; a request is one of them."""
LONGEST = timedelta(days=30)


class ReserveStock(Value):
    """Hold units of an item at a site, so that nothing else is promised them."""

    item_id: ItemId | None = None
    """The item, if not by `sku`."""
    sku: Name | None = None
    """The item by its name for people, in any case; if not by `item_id`."""
    site: Name
    """The code of the site whose stock is held."""
    quantity: int = Field(strict=True, ge=1, le=1_000_000)
    """How many units."""
    reference: Name
    """What they are held for, in words that people know it by."""
    expires_at: Instant | None = None
    """When they are let go by themselves; at most 30 days from now, which it is if left out."""

    @model_validator(mode="after")
    def _one_item(self) -> Self:
        if (self.item_id is None) == (self.sku is None):
            raise ValueError("name the item by either item_id or sku")
        return self


class ReleaseReservation(Value):
    """Let go of what is held by hand."""

    reason: Name
    """Why."""


def term_of(expires_at: datetime | None, now: datetime) -> datetime:
    """Return when a reservation by hand ends; raise Malformed unless within 30 days from now."""
    if expires_at is None:
        return now + LONGEST
    wrong = ""
    if expires_at <= now:
        wrong = "is past already"
    elif expires_at > now + LONGEST:
        wrong = "is more than 30 days from now"
    if wrong:
        errors = [{"pointer": "/expires_at", "message": wrong}]
        raise Malformed(f"expires_at {wrong}", errors=errors)
    return expires_at


def is_let_go(document_type: str, status: str, holder: str) -> bool:
    """Whether a reservation is let go already; raise IllegalMove unless it is, or can be.

    ``holder`` is the document whose it is, in words.
    """
    if document_type != MANUAL:
        raise IllegalMove(
            f"{holder} holds it, and lets it go: cancel or change that",
            current_status=status,
            allowed=[],
        )
    if status not in (ReservationStatus.ACTIVE, ReservationStatus.RELEASED):
        raise IllegalMove(f"it is {status}", current_status=status, allowed=[])
    return status == ReservationStatus.RELEASED
