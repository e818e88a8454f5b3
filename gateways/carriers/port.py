"""What a carrier does for us; each real carrier and the sandbox implement it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from domain.addresses import Address
from domain.value import Name, Text, Value
from gateways.partner import Partner


class ParcelRequest(Value):
    """One box: its weight in grams."""

    weight_grams: int


class BookingRequest(Value):
    """A label order. ``reference`` is our shipment id: the carrier's idempotency key."""

    reference: UUID
    service: Name
    ship_from: Address
    ship_to: Address
    parcels: tuple[ParcelRequest, ...]


class BookedParcel(Value):
    """A parcel's tracking number and where its label can be fetched."""

    tracking_number: Name
    label_url: Text


class Booking(Value):
    """A bought label: the carrier's own id, its parcels in the order asked, and its price.

    ``arrives_on`` is the day that the carrier promises, where it promises one.
    """

    booking_id: Name
    carrier: Name
    service: Name
    parcels: tuple[BookedParcel, ...]
    amount: int
    currency: Name
    voided: bool = False
    arrives_on: date | None = None


class Scan(Value):
    """One tracking event as the carrier reports it."""

    event_id: Text = ""
    tracking_number: Name
    code: Name
    occurred_at: datetime
    place: Text = ""
    message: Text = ""
    signed_by: Text = ""


class Carrier(Protocol):
    """Raises PartnerFailure when the outcome is unknown and PartnerRefused for a definite no."""

    name: str

    async def book(self, request: BookingRequest) -> Booking:
        """Buy the label; the same reference returns the same booking, never a second label."""

    async def find_booking(self, reference: UUID) -> Booking | None:
        """Return the booking of this reference, or None when the carrier has never seen it."""

    async def void(self, booking_id: str) -> None:
        """Cancel an unused label; refused (``already_scanned``) once a parcel was scanned."""

    async def track(self, tracking_number: str) -> list[Scan]:
        """Return all scans of the parcel, oldest first."""

    async def aclose(self) -> None:
        """Close the connections."""


Codes = Mapping[str, tuple[str | None, str, bool]]
"""A carrier's tracking codes: each to (parcel status, reason, whether it is an exception).

A status of None leaves the parcel's status as it is: the code only puts an exception over it. A
code that is missing is stored, moves nothing, and opens a task.
"""


@dataclass(frozen=True, kw_only=True)
class CarrierPartner(Partner[Carrier, Scan]):
    """A carrier in the table of partners."""

    codes: Codes
