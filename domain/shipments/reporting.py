"""Scans that a person reports, of a carrier that does not tell us itself."""

from enum import StrEnum

from pydantic import AwareDatetime, Field

from domain.value import Name, Text, Value


class ReportedStatus(StrEnum):
    """What a person may report of a parcel; the words are those of its status."""

    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    RETURNING = "returning"
    RETURNED = "returned"
    LOST = "lost"
    DELIVERED = "delivered"


class ReportScan(Value):
    """What happened to one parcel, as a person knows it."""

    tracking_number: Name
    """The carrier's number for a parcel of this shipment."""
    status: ReportedStatus
    """What happened to the parcel."""
    occurred_at: AwareDatetime | None = Field(
        default=None, description="When; now if it is not given."
    )
    place: Text = ""
    """Where it happened, in any words."""
    message: Text = ""
    """What else is to be told, such as the carrier's own words."""
    signed_by: Text = Field(default="", description="Who took a delivered parcel.")
