"""Outcomes of a shipment's steps, as its run and its order's run learn them."""

from enum import StrEnum

from domain.ids import ShipmentId
from domain.shipments.status import ShipmentStatus
from domain.tasks import Decision
from domain.value import Value


class BookingOutcome(StrEnum):
    """How asking for a label ended."""

    BOOKED = "booked"
    HELD = "held"
    REFUSED = "refused"
    NOT_DUE = "not_due"


class Journey(Value):
    """Where a shipment is, and what still keeps its run."""

    status: ShipmentStatus
    settled: bool
    owed: bool
    """Whether money for goods that left could not be taken yet."""
    refunding: bool = False
    """Whether a refund that came back is to be tried again."""
    untried: bool = False
    """Whether that money was not asked for so far, and can be."""


class ShipmentDecision(Value):
    """A decision about a shipment."""

    shipment_id: ShipmentId
    decision: Decision
