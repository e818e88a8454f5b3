"""Picking by scan: which serial units leave with a shipment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from domain.errors import IllegalMove, Malformed, NotFound, QuantityExceeded
from domain.items import Tracking
from domain.shipments.status import ShipmentStatus
from domain.units import Serials
from domain.value import Value

MOST_LINES = 200


class PickedUnits(Value):
    """The units of one line of a shipment, as they were scanned."""

    line_id: UUID
    """The line of the shipment."""
    serials: Serials
    """All units that are picked for it, in the place of those before; with none, those go back."""


def _each_line_once(lines: tuple[PickedUnits, ...]) -> tuple[PickedUnits, ...]:
    if len({line.line_id for line in lines}) != len(lines):
        raise ValueError("name each line once")
    return lines


class PickShipment(Value):
    """Which units leave with a shipment; lines that are left out stay as they are."""

    lines: Annotated[
        tuple[PickedUnits, ...],
        Field(min_length=1, max_length=MOST_LINES),
        AfterValidator(_each_line_once),
    ] = Field(description="Lines of items that are tracked by serial, each once.")


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

    @property
    def missing(self) -> int:
        """How many units are still to be scanned."""
        return self.quantity - self.picked if self.tracking == Tracking.SERIAL else 0


def check_pick(number: str, status: str, asked: PickShipment, lines: Mapping[UUID, ToPick]) -> None:
    """Raise unless these units can be recorded for a shipment (``number`` and its ``status``).

    IllegalMove when it waits for no pick any more, or is picked completely and would not be after
    this: its label may be under way. NotFound for a line that is not its own, Malformed for one
    without serials, QuantityExceeded for more units than planned.
    """
    if status != ShipmentStatus.PENDING:
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
        pointer = f"/lines/{position}/serials"
        if line.tracking != Tracking.SERIAL:
            raise Malformed(
                f"{line.sku} is not tracked by serial: there is nothing to scan",
                errors=[{"pointer": pointer, "message": "its units have no serials"}],
            )
        if len(given.serials) > line.quantity:
            raise QuantityExceeded(
                f"{line.quantity} units of {line.sku} are to be picked, not {len(given.serials)}",
                errors=[{"pointer": pointer, "message": "more than are planned"}],
                remaining_units=line.quantity,
            )
        if complete and len(given.serials) < line.quantity:
            raise IllegalMove(
                f"{number} is picked, and its label may be under way: name as many units of"
                f" {line.sku} in exchange, {line.quantity}",
                current_status=status,
                allowed=[],
            )
