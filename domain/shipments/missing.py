"""Shortages at picking: units that a shipment was to take along and that were not there."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, TypeAdapter

from domain.units import Serials
from domain.value import Actor, Value

MOST_LINES = 200


class MissingReason(StrEnum):
    """What kept units from being picked; also the reason with which they are counted out."""

    LOST = "lost"
    DAMAGED = "damaged"


class MissingUnits(Value):
    """Units of one line of a shipment that cannot be picked."""

    line_id: UUID
    """The line of the shipment."""
    quantity: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    """How many units are missing; at most what is still to be picked."""
    reason: MissingReason = MissingReason.LOST
    """`lost`: not there. `damaged`: there, and not to be sold."""
    serials: Serials = Field(
        default=(),
        exclude_if=lambda given: not given,
        description="Of an item that is tracked by serial: each unit that is missing.",
    )


def _each_line_once(lines: tuple[MissingUnits, ...]) -> tuple[MissingUnits, ...]:
    if len({line.line_id for line in lines}) != len(lines):
        raise ValueError("name each line once")
    return lines


Shortages = Annotated[
    tuple[MissingUnits, ...], Field(max_length=MOST_LINES), AfterValidator(_each_line_once)
]


class ReportedShortage(Value):
    """What is missing of a shipment with a label, as its order keeps it until that is back."""

    shipment_id: UUID
    actor: Actor
    lines: Shortages
    leaves: bool = False
    """Whether the label could not be taken back since: the carrier has the goods."""


REPORTED = TypeAdapter(tuple[ReportedShortage, ...])
"""The reports that an order keeps, oldest first."""
