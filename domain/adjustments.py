"""Corrections of stock: why, and which way each reason may go."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.errors import IllegalMove, Malformed
from domain.ids import ItemId, LocationId
from domain.inventory import LocationKind, MovementKind
from domain.lots import EXPIRES, LotCode
from domain.quantities import Quantity
from domain.units import Serial, Serials
from domain.value import Day, Instant, Name, Text, Value


class AdjustmentReason(StrEnum):
    """Why what is there differs from what the books said."""

    FOUND = "found"
    INITIAL_BALANCE = "initial_balance"
    DATA_ERROR = "data_error"
    CONVERSION = "conversion"
    DAMAGED = "damaged"
    LOST = "lost"
    THEFT = "theft"
    EXPIRED = "expired"
    QUALITY_REJECT = "quality_reject"
    SAMPLE = "sample"
    INTERNAL_USE = "internal_use"
    WRITE_OFF = "write_off"
    LOST_IN_TRANSIT = "lost_in_transit"


SKEW = timedelta(minutes=5)
"""So far the clock of who tells us a moment may be ahead of ours."""
Past = Annotated[Instant, Field(ge=datetime(1970, 1, 1, tzinfo=UTC))]
"""When goods have moved, or were counted."""

R = AdjustmentReason
ONLY_MORE = frozenset({R.FOUND, R.INITIAL_BALANCE})
EITHER_WAY = frozenset({R.DATA_ERROR, R.CONVERSION})
NEEDS_NOTE = frozenset({R.DATA_ERROR, R.WRITE_OFF, R.THEFT})


class AdjustStock(Value):
    """Add to (positive) or take from (negative) what is at a location.

    The place is a ``location_id``, or a ``site`` by its code: then the first stock location there.
    """

    item_id: ItemId | None = None
    """The item, if not by `sku`."""
    sku: Name | None = None
    """The item by its name for people, in any case; if not by `item_id`."""
    location_id: LocationId | None = None
    """The place, if not by `site`."""
    site: Name | None = None
    """A site's code, for its first stock location; if not by `location_id`."""
    quantity: Quantity
    """Units of the item, more or (negative) less; as a string where they are no whole number."""
    reason: AdjustmentReason
    """Says also which way stock may go: `found` only adds, `damaged` only takes."""
    note: Text = ""
    """In words for people; needed with `data_error`, `write_off` and `theft`."""
    # Left out of what names a request where none are given, as the release before wrote it.
    serials: Serials = Field(
        default=(),
        exclude_if=lambda given: not given,
        description="Of an item that is tracked by serial: each unit that comes or goes.",
    )
    lot: LotCode | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="Of an item that is tracked by lot: the code of the one that comes or goes, in"
        " any case. One that is not known yet comes to be with what comes.",
    )
    supplier_lot: Text = Field(
        default="",
        exclude_if=lambda given: not given,
        description="Of a new lot: what its supplier calls it.",
    )
    expires_on: Day | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description=f"Of a new lot: {EXPIRES[0].lower()}{EXPIRES[1:]}. One that is known has it"
        " already.",
    )

    occurred_at: Past | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="When it moved, if that was before now; not of an item that is tracked by"
        " serial.",
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.item_id is None) == (self.sku is None):
            raise ValueError("name the item by either item_id or sku")
        if (self.location_id is None) == (self.site is None):
            raise ValueError("name the place by either location_id or site")
        if self.quantity == 0:
            raise ValueError("quantity must not be 0")
        if self.reason not in EITHER_WAY and (self.quantity > 0) != (self.reason in ONLY_MORE):
            way = "add to" if self.reason in ONLY_MORE else "take from"
            raise ValueError(f"{self.reason} can only {way} stock")
        if self.lot is None and (self.supplier_lot or self.expires_on):
            raise ValueError("name the lot that supplier_lot and expires_on are of")
        if self.serials and self.occurred_at:
            raise ValueError("units move when that is recorded: leave out occurred_at")
        if self.reason in NEEDS_NOTE and not self.note.strip():
            raise ValueError(f"{self.reason} needs a note")
        return self

    @property
    def counterpart(self) -> LocationKind:
        """The place outside that the quantity comes from or goes to."""
        opening = self.reason is AdjustmentReason.INITIAL_BALANCE
        return LocationKind.OPENING if opening else LocationKind.LOSS

    @property
    def amount(self) -> Decimal:
        """How much is moved, whichever way."""
        return abs(self.quantity)


class ReverseMovement(Value):
    """Take back what was written down by mistake, by the opposite movement."""

    reason: Name
    """Why."""
    occurred_at: Past | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="When the goods moved back, if that was after what is reversed; else its own"
        " moment, as if it had not been.",
    )


def past(given: datetime | None, now: datetime, pointer: str = "/occurred_at") -> datetime | None:
    """Return when it was, None for now; raise Malformed for what is still to come."""
    if given is None or given < now:
        return given
    if given > now + SKEW:
        raise _wrong_time("is still to come", pointer)
    return None


def reversed_at(given: datetime | None, occurred_at: datetime, now: datetime) -> datetime:
    """Return when the reversal of what occurred then did; raise Malformed if that cannot be."""
    if given is None:
        return occurred_at
    if given < occurred_at:
        raise _wrong_time("is before what is reversed")
    return past(given, now) or now


def _wrong_time(message: str, pointer: str = "/occurred_at") -> Malformed:
    words = f"{pointer.rpartition('/')[2]} {message}"
    return Malformed(words, errors=[{"pointer": pointer, "message": message}])


def check_reversible(
    kind: str, *, document_type: str, is_reversal: bool, has_serials: bool
) -> None:
    """Raise IllegalMove, saying what to do instead, for what is not an adjustment by hand."""
    instead = None
    if is_reversal:
        instead = "it reverses another one: post an adjustment instead"
    elif document_type == "count":
        instead = "it belongs to a count: count again"
    elif document_type:
        instead = f"it belongs to a {document_type.replace('_', ' ')}: correct that"
    elif kind != MovementKind.ADJUSTMENT:
        instead = f"it is a {kind} and no adjustment: post an adjustment instead"
    elif has_serials:
        instead = "units went with it: post an adjustment that names their serials"
    if instead is not None:
        raise IllegalMove(
            f"only an adjustment is reversed, once; {instead}", current_status=kind, allowed=[]
        )


class InspectedTo(StrEnum):
    """Where a unit goes that was inspected in quarantine."""

    STOCK = "stock"
    SCRAP = "scrap"


class InspectUnit(Value):
    """What an inspection of a unit in quarantine has found."""

    serial: Serial
    """The unit, by what stands on it."""
    item_id: ItemId | None = None
    """Of which item, where units of several items have the serial; if not by `sku`."""
    sku: Name | None = None
    """The item by its name for people, in any case."""
    to: InspectedTo = InspectedTo.STOCK
    """To a shelf of its site, for sale again, or written off."""
    reason: Name
    """Why."""
