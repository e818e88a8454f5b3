"""Picking by scan: which serial units, and units of which lots, leave with a shipment."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from domain.errors import IllegalMove, Malformed, NotFound, QuantityExceeded
from domain.items import Tracking
from domain.lots import LotCode, lot_key
from domain.shipments.missing import MissingUnits, Shortages
from domain.shipments.status import ShipmentStatus
from domain.units import Serials, check_serials
from domain.value import Value

MOST_LINES = 200


class PickedUnits(Value):
    """The units of one line of a shipment, as they were scanned: by serials, or by lot."""

    line_id: UUID
    """The line of the shipment."""
    # Left out of what names a request where they are not given, as the release before wrote it.
    serials: Serials | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="Of an item that is tracked by serial, or is scanned when it leaves: all units"
        " that are picked for it, in the place of those before; with none, those go back.",
    )
    lot: LotCode | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="Of an item that is tracked by lot: the code of the one that leaves, in any"
        " case, instead of the one that is reserved.",
    )
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="How many units of that lot; all of the line when left out.",
    )

    @model_validator(mode="after")
    def _one_kind_of_scan(self) -> Self:
        if (self.serials is None) == (self.lot is None):
            raise ValueError("give either serials or a lot")
        if self.quantity is not None and self.lot is None:
            raise ValueError("name the lot that quantity is of")
        return self


def _each_line_once(lines: tuple[PickedUnits, ...]) -> tuple[PickedUnits, ...]:
    if len({line.line_id for line in lines}) != len(lines):
        raise ValueError("name each line once")
    return lines


class PickShipment(Value):
    """Which units leave with a shipment, and which are missing; other lines stay as they are."""

    lines: Annotated[
        tuple[PickedUnits, ...],
        Field(max_length=MOST_LINES),
        AfterValidator(_each_line_once),
    ] = Field(default=(), description="Lines of items whose units have serials or lots, each once.")
    shortages: Shortages = Field(
        default=(),
        exclude_if=lambda given: not given,
        description="Lines of which fewer units were found than are planned, each once. The rest"
        " of the line is promised anew; what is missing is counted out.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.lines and not self.shortages:
            raise ValueError("give lines or shortages")
        return self


@dataclass(frozen=True, slots=True)
class ToPick:
    """A line of a pick list: how many units it wants, and how many were scanned for it."""

    id: UUID
    order_line_id: UUID
    item_id: UUID
    sku: str
    tracking: str
    location_id: UUID
    quantity: int
    picked: int
    reservation_id: UUID
    lot_key: str | None
    """Of the lot that is reserved for it, what its code is compared by."""
    only_counted: bool
    """Whether its units have serials for the first time when they are scanned for it."""

    @property
    def missing(self) -> int:
        """How many units are still to be scanned."""
        return self.quantity - self.picked if self.tracking == Tracking.SERIAL else 0

    @property
    def in_stock_as(self) -> str:
        """How the units are known that lie in stock: by serial, by lot, or only counted."""
        return Tracking.NONE if self.only_counted else self.tracking


def units_to_swap(line: ToPick, scan: PickedUnits, lines: Mapping[UUID, ToPick]) -> int:
    """Return how many units of a line have still to be of the lot that is scanned.

    ``quantity`` of a scan says how many units of the order's line leave with it in all.
    """
    wanted = lot_key(scan.lot or "")
    if scan.quantity is None:
        return 0 if line.lot_key == wanted else line.quantity
    already = sum(
        one.quantity
        for one in lines.values()
        if one.order_line_id == line.order_line_id and one.lot_key == wanted
    )
    return max(scan.quantity - already, 0)


def check_pick(number: str, status: str, asked: PickShipment, lines: Mapping[UUID, ToPick]) -> None:
    """Raise unless these units can be recorded for a shipment (``number`` and its ``status``).

    IllegalMove when it waits for no pick any more, or is picked completely and would not be after
    this: its label may be under way; of lots what leaves is exchanged until it has left. NotFound
    for a line that is not its own, Malformed for one without serials or lots, QuantityExceeded for
    more units than planned.
    """
    by_lot = all(given.lot is not None for given in asked.lines)
    if status != ShipmentStatus.PENDING and not (by_lot and status == ShipmentStatus.BOOKED):
        raise IllegalMove(
            f"{number} is {status.replace('_', ' ')}: what is in it stays",
            current_status=status,
            allowed=[],
        )
    complete = not any(line.missing for line in lines.values())
    for position, given in enumerate(asked.lines):
        line = lines.get(given.line_id)
        if line is None:
            raise NotFound(f"the shipment has no line {given.line_id}")
        units = _check_scan(line, given, position, lines)
        if complete and given.serials is not None and units < line.quantity:
            raise IllegalMove(
                f"{number} is picked, and its label may be under way: name as many units of"
                f" {line.sku} in exchange, {line.quantity}",
                current_status=status,
                allowed=[],
            )


def _check_scan(
    line: ToPick, given: PickedUnits, position: int, lines: Mapping[UUID, ToPick]
) -> int:
    """Return how many units of a line a scan is about, if they are scanned as its item asks for."""
    field = "serials" if given.lot is None else "lot"
    pointer = f"/lines/{position}/{field}"
    wanted = Tracking.SERIAL if given.lot is None else Tracking.LOT
    if line.tracking != wanted:
        raise Malformed(
            f"{line.sku} is not tracked by {wanted}: there is nothing to scan",
            errors=[{"pointer": pointer, "message": f"its units have no {wanted}s"}],
        )
    units, most = units_to_swap(line, given, lines), line.quantity
    if given.serials is not None:
        units = len(given.serials)
    elif line.lot_key == lot_key(given.lot or ""):
        most = 0
    if units > most:
        raise QuantityExceeded(
            f"{line.quantity} units of {line.sku} are to be picked, not {units}",
            errors=[{"pointer": pointer, "message": "more than are planned"}],
            remaining_units=line.quantity,
        )
    return units


def check_missing(
    number: str,
    status: str,
    asked: Sequence[MissingUnits],
    lines: Mapping[UUID, ToPick],
    reported: Container[UUID],
) -> None:
    """Raise unless these units can be missing of a shipment (``number`` and its ``status``).

    ``reported`` are lines of which some are known to be missing already, until the label is back.
    IllegalMove when the shipment has left or ended, or for such a line; NotFound for a line that is
    not its own, Malformed where serials do not fit, and QuantityExceeded for more units than are
    still to be picked.
    """
    if status not in (ShipmentStatus.PENDING, ShipmentStatus.BOOKED):
        raise IllegalMove(
            f"{number} is {status.replace('_', ' ')}: what is in it stays",
            current_status=status,
            allowed=[],
        )
    for position, given in enumerate(asked):
        pointer = f"/shortages/{position}"
        line = lines.get(given.line_id)
        if line is None:
            raise NotFound(f"the shipment has no line {given.line_id}")
        if line.id in reported:
            raise IllegalMove(
                f"units of {line.sku} are reported missing already: the label of {number} is being"
                " taken back",
                current_status=status,
                allowed=[],
            )
        check_serials(
            line.in_stock_as, Decimal(given.quantity), given.serials, f"{pointer}/serials"
        )
        left = line.quantity - line.picked
        if given.quantity > left:
            raise QuantityExceeded(
                f"{left} units of {line.sku} are still to be picked, not {given.quantity}",
                errors=[{"pointer": f"{pointer}/quantity", "message": f"at most {left}"}],
                remaining_units=left,
            )
