"""Lots: quantities of an item that share their origin and their last day."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from domain.errors import Malformed
from domain.ids import ItemId
from domain.items import Tracking, sku_key
from domain.lifecycle import Moves
from domain.value import Change, Day, Name, Text, Value, storable

LotCode = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, strip_whitespace=True),
    AfterValidator(storable),
]
"""What stands on the goods of a lot: 1 to 100 characters, outer white space removed."""


def lot_key(code: str) -> str:
    """Return that by which two codes of an item's lots are the same; they fold as SKUs do."""
    return sku_key(code)


class LotStatus(StrEnum):
    """Whether goods of a lot may be promised; past its last day they may not either way."""

    AVAILABLE = "available"
    QUARANTINED = "quarantined"
    RECALLED = "recalled"


L = LotStatus
MOVES: Moves[LotStatus] = {
    L.AVAILABLE: {L.QUARANTINED, L.RECALLED},
    L.QUARANTINED: {L.AVAILABLE, L.RECALLED},
    L.RECALLED: {L.QUARANTINED},
}
"""A recall that is withdrawn leaves the lot in quarantine: a person releases it."""


class LotReason(Value):
    """Why the status of a lot changes."""

    reason: Name
    """In words for people; needed."""


EXPIRES = "The last day on which its goods may leave, by UTC"


class CreateLot(Value):
    """A lot that is known before its first goods come; else their adjustment makes it."""

    item_id: ItemId | None = None
    """The item, if not by `sku`."""
    sku: Name | None = None
    """The item by its name for people, in any case; if not by `item_id`."""
    code: LotCode = Field(description="Its name, of which the item has one in whatever case.")
    supplier_lot: Text = ""
    """What its supplier calls it."""
    received_on: Day | None = Field(
        default=None, description="The day of its first receipt, by UTC; today when left out."
    )
    expires_on: Day | None = Field(default=None, description=f"{EXPIRES}; null: none.")

    @model_validator(mode="after")
    def _names_the_item(self) -> Self:
        if (self.item_id is None) == (self.sku is None):
            raise ValueError("name the item by either item_id or sku")
        return self


class LotChange(Change):
    """What of a lot is to change; what is left out stays."""

    supplier_lot: Text | None = None
    """What its supplier calls it."""
    received_on: Day | None = Field(
        default=None, description="The day of its first receipt, by UTC."
    )
    expires_on: Day | None = Field(default=None, description=f"{EXPIRES}; null: none.")

    @classmethod
    def may_be_empty(cls) -> frozenset[str]:
        """Return the fields that null empties."""
        return frozenset({"expires_on"})


def check_lot(tracking: str, code: str | None, pointer: str = "/lot") -> None:
    """Raise Malformed unless a lot is named of an item that is tracked by lot, and only then."""
    if (tracking == Tracking.LOT) == (code is not None):
        return
    if code is None:
        message, words = "needed", "the item is tracked by lot: say which one"
    else:
        message, words = "not of an item without lots", "the item has no lots"
    raise Malformed(words, errors=[{"pointer": pointer, "message": message}])
