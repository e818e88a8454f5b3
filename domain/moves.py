"""Moves inside a site: goods that are put away, set aside into quarantine, or released from it."""

from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from domain.errors import IllegalMove, Malformed
from domain.ids import ItemId, LocationId
from domain.inventory import LocationKind
from domain.items import Tracking
from domain.lots import LotCode
from domain.quantities import Quantity
from domain.units import Serials
from domain.value import Name, Value

SET_ASIDE = frozenset({LocationKind.QUARANTINE, LocationKind.DAMAGED})
"""Where goods lie that are not for sale; an inspector says what leaves it."""
MOVABLE = frozenset({LocationKind.STOCK, LocationKind.RECEIVING, *SET_ASIDE})


class MoveStock(Value):
    """Goods of an item that lie elsewhere in their site from now on."""

    item_id: ItemId | None = None
    """The item, if not by `sku`."""
    sku: Name | None = None
    """The item by its name for people, in any case; if not by `item_id`."""
    from_location_id: LocationId
    """Where they lie: a place of the kind stock, receiving, quarantine or damaged."""
    to_location_id: LocationId
    """Where they are put: another one of the same site, which is in use."""
    quantity: Quantity
    """Units, more than 0; as a string where they are no whole number."""
    lot: LotCode | None = None
    """Of an item that is tracked by lot: the code of the one that is moved, in any case."""
    serials: Serials = Field(
        default=(), description="Of an item that is tracked by serial: each unit that is moved."
    )
    reason: Name
    """Why."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.item_id is None) == (self.sku is None):
            raise ValueError("name the item by either item_id or sku")
        if self.quantity <= 0:
            raise ValueError("quantity must be more than 0")
        if self.from_location_id == self.to_location_id:
            raise ValueError("the goods are there already")
        return self


def releases(source: LocationKind, target: LocationKind) -> bool:
    """Whether goods come out of where they were set aside."""
    return source in SET_ASIDE and target not in SET_ASIDE


def check_places(
    source: tuple[UUID | None, LocationKind], target: tuple[UUID | None, LocationKind]
) -> None:
    """Raise Malformed unless goods may be moved between places of these sites and kinds."""
    for field, (_, kind) in (("from_location_id", source), ("to_location_id", target)):
        if kind not in MOVABLE:
            raise _wrong(field, f"nothing is moved by hand from or to a place for {kind}")
    if source[0] != target[0]:
        raise _wrong("to_location_id", "it is at another site")


def check_release(tracking: str, source: LocationKind, target: LocationKind) -> None:
    """Raise IllegalMove for units that come out of quarantine: their inspection says where to."""
    if tracking == Tracking.SERIAL and releases(source, target):
        raise IllegalMove(
            "units are released one by one: POST /inventory/units/inspect",
            current_status=str(source),
            allowed=[],
        )


def _wrong(field: str, message: str) -> Malformed:
    return Malformed(message, errors=[{"pointer": f"/{field}", "message": message}])
