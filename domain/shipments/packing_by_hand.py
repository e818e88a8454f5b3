"""Packing by hand: which units of a shipment a person has put into which parcel."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import AfterValidator, Field

from domain.errors import IllegalMove, Malformed, NotFound
from domain.shipments.packing import HEAVIEST_PARCEL, LIGHTEST_PARCEL, MOST_PARCELS
from domain.shipments.status import ShipmentStatus
from domain.value import Value

MOST_LINES = 200


class PackedUnits(Value):
    """Units of a line of a shipment in one parcel."""

    line_id: UUID
    """The line of the shipment."""
    quantity: Annotated[int, Field(strict=True, ge=1, le=100_000)]
    """How many of its units are in the parcel."""


def _each_line_once(lines: tuple[PackedUnits, ...]) -> tuple[PackedUnits, ...]:
    if len({line.line_id for line in lines}) != len(lines):
        raise ValueError("name each line once in a parcel")
    return lines


class PackedParcel(Value):
    """One parcel, and what is in it."""

    lines: Annotated[
        tuple[PackedUnits, ...],
        Field(min_length=1, max_length=MOST_LINES),
        AfterValidator(_each_line_once),
    ]
    """What is in it, each line once."""
    weight_grams: Annotated[int, Field(strict=True, ge=1, le=10_000_000)] | None = None
    """What it weighs with its box; when left out, what its units weigh by their items."""


class PackShipment(Value):
    """All parcels of a shipment, in the place of those that were said before."""

    parcels: Annotated[tuple[PackedParcel, ...], Field(max_length=MOST_PARCELS)]
    """Together all units of the shipment; with none of them it is packed by the weights alone."""


class ToPack(NamedTuple):
    """A line of a shipment: how many units it has, and what each weighs."""

    id: UUID
    sku: str
    quantity: int
    weight_grams: int


def pack_by_hand(
    asked: PackShipment, lines: Mapping[UUID, ToPack], heaviest: int | None
) -> list[dict[str, Any]]:
    """Return the parcels with their weights, as they are kept with the shipment.

    Raises NotFound for a line that is not the shipment's, and Malformed where the parcels do not
    hold just its units, or where one of several units weighs more than ``heaviest`` (grams).
    """
    packed: Counter[UUID] = Counter()
    for parcel in asked.parcels:
        for units in parcel.lines:
            if units.line_id not in lines:
                raise NotFound(f"the shipment has no line {units.line_id}")
            packed[units.line_id] += units.quantity
    wrong = [
        f"{packed[line.id]} of {line.quantity} units of {line.sku} are in parcels"
        for line in lines.values()
        if asked.parcels and packed[line.id] != line.quantity
    ]
    if wrong:
        errors = [{"pointer": "/parcels", "message": each} for each in wrong[:MOST_LINES]]
        raise Malformed(wrong[0], errors=errors)
    return [
        _weighed(parcel, lines, heaviest or HEAVIEST_PARCEL, nth)
        for nth, parcel in enumerate(asked.parcels)
    ]


def _weighed(
    parcel: PackedParcel, lines: Mapping[UUID, ToPack], heaviest: int, nth: int
) -> dict[str, Any]:
    units = sum(each.quantity for each in parcel.lines)
    computed = sum(each.quantity * lines[each.line_id].weight_grams for each in parcel.lines)
    weight = parcel.weight_grams or max(computed, LIGHTEST_PARCEL)
    if weight > heaviest and units > 1:
        said = f"a parcel of {weight} g is too heavy: at most {heaviest} g, or one unit alone"
        raise Malformed(said, errors=[{"pointer": f"/parcels/{nth}", "message": said}])
    return {
        "weight_grams": weight,
        "lines": [each.model_dump(mode="json") for each in parcel.lines],
    }


def check_unlabelled(number: str, status: str, *, waits: bool) -> None:
    """Raise IllegalMove unless a shipment is pending, and its label waits for a person."""
    why = ""
    if status != ShipmentStatus.PENDING:
        why = f"{number} is {status.replace('_', ' ')}: what is in its parcels stays"
    elif not waits:
        why = f"the label of {number} may be under way: pack it while it waits for a person"
    if why:
        raise IllegalMove(why, current_status=status, allowed=[])


def weights_of(packed: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return what each parcel weighs that was packed by hand, in grams."""
    return [parcel["weight_grams"] for parcel in packed]
