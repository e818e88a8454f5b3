"""Serial units: single pieces of an item, each known by its serial wherever it is."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from domain.errors import Malformed
from domain.inventory import LocationKind
from domain.items import Tracking, sku_key
from domain.lifecycle import Moves
from domain.quantities import plain
from domain.value import storable

MOST_SERIALS = 10_000
"""So many units are named by one request at most."""

Serial = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, strip_whitespace=True),
    AfterValidator(storable),
]
"""What stands on a unit: 1 to 100 characters, outer white space removed."""


def serial_key(serial: str) -> str:
    """Return that by which two serials of an item are the same; they fold as SKUs do."""
    return sku_key(serial)


def each_once(serials: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse serials of which one is given twice, in whatever case."""
    if len({serial_key(serial) for serial in serials}) != len(serials):
        raise ValueError("name each unit once")
    return serials


Serials = Annotated[tuple[Serial, ...], Field(max_length=MOST_SERIALS), AfterValidator(each_once)]
"""Serials of units of one item, each once in whatever case."""


class UnitStatus(StrEnum):
    """What a unit is, wherever it lies."""

    IN_STOCK = "in_stock"
    ISSUED = "issued"
    """Taken from stock for a work order, and not put into anything yet."""
    INSTALLED = "installed"
    """A component of another unit."""
    QUARANTINED = "quarantined"
    IN_REPAIR = "in_repair"
    SOLD = "sold"
    RETURNED = "returned"
    SCRAPPED = "scrapped"


class Ownership(StrEnum):
    """Whose a unit is."""

    OWN = "own"
    CUSTOMER = "customer"


class UnitEventKind(StrEnum):
    """What happened to a unit."""

    ENTERED = "entered"
    REMOVED = "removed"
    PICKED = "picked"
    PUT_BACK = "put_back"
    SOLD = "sold"
    LOST = "lost"
    RETURNED = "returned"
    MOVED = "moved"
    SENT_BACK = "sent_back"
    ISSUED = "issued"
    INSTALLED = "installed"
    TAKEN_OUT = "taken_out"


U = UnitStatus
_HERE = {U.IN_STOCK, U.QUARANTINED, U.IN_REPAIR}

MOVES: Moves[UnitStatus] = {
    U.IN_STOCK: {*_HERE, U.SOLD, U.SCRAPPED, U.ISSUED},
    U.ISSUED: {U.IN_STOCK, U.INSTALLED, U.SCRAPPED},
    U.INSTALLED: {U.QUARANTINED, U.IN_STOCK, U.SCRAPPED},
    U.QUARANTINED: {*_HERE, U.SOLD, U.SCRAPPED},
    U.IN_REPAIR: {*_HERE, U.RETURNED, U.SCRAPPED},
    U.SOLD: {U.RETURNED, U.SCRAPPED},
    U.RETURNED: {*_HERE, U.SOLD, U.SCRAPPED},
    U.SCRAPPED: {*_HERE, U.RETURNED},
}
"""A scrapped unit may turn up again: what was counted as lost is found, a disposition revised."""

_BY_PLACE = {
    LocationKind.STOCK: U.IN_STOCK,
    LocationKind.RECEIVING: U.IN_STOCK,
    LocationKind.TRANSIT: U.IN_STOCK,
    LocationKind.QUARANTINE: U.QUARANTINED,
    LocationKind.DAMAGED: U.QUARANTINED,
    LocationKind.REPAIR: U.IN_REPAIR,
    LocationKind.LOSS: U.SCRAPPED,
    LocationKind.SUPPLIER: U.SCRAPPED,
    LocationKind.OPENING: U.SCRAPPED,
}


def status_at(kind: LocationKind) -> UnitStatus:
    """Return what a unit is that is put to a location of this kind without more being known."""
    return _BY_PLACE[kind]


def check_serials(
    tracking: str, quantity: Decimal, serials: tuple[str, ...], pointer: str = "/serials"
) -> None:
    """Raise Malformed unless as many serials are given as the item's tracking asks for.

    Of an item that is tracked by serial one per unit (``quantity``, of either sign), else none.
    """
    if tracking != Tracking.SERIAL:
        if serials:
            raise Malformed(
                "the item's units have no serials: its tracking is none",
                errors=[{"pointer": pointer, "message": "not of an item without serials"}],
            )
        return
    wanted = abs(quantity)
    if len(serials) != wanted:
        raise Malformed(
            f"the item is tracked by serial: name each of the {plain(wanted)} units, not"
            f" {len(serials)}",
            errors=[{"pointer": pointer, "message": "one serial per unit"}],
        )
