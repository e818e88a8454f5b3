"""The sandbox carrier, spoken to over HTTP like a real one."""

from datetime import date
from typing import Literal
from uuid import UUID

import httpx2
from pydantic import SecretStr

from domain.money import Amount, Currency
from domain.value import Name, Text
from gateways.carriers.port import (
    BookedParcel,
    Booking,
    BookingRequest,
    CarrierPartner,
    Codes,
    Scan,
)
from gateways.failures import PartnerFailure
from gateways.http import Answer, PartnerClient, segment
from gateways.partner import PartnerSettings
from gateways.telling import Moment, Words
from gateways.webhooks import read_event

NAME = "sandbox"
IRRELEVANT = frozenset({"webhook.test"})
"""Types of events that change nothing here."""


class _Parcel(Answer):
    tracking_number: Name
    label_url: Text


class _Booking(Answer):
    id: Name
    reference: Name
    carrier: Name
    service: Name
    amount: Amount
    currency: Currency
    voided: bool
    parcels: list[_Parcel]
    arrives_on: date | None = None


class _Bookings(Answer):
    data: list[_Booking]


class CarrierScan(Answer):
    """A scan in the carrier's words."""

    tracking_number: Name
    code: Name
    occurred_at: Moment
    place: Words = ""
    message: Words = ""
    signed_by: Words = ""

    def as_scan(self, event_id: str) -> Scan:
        """Translate into our words."""
        return Scan(
            event_id=event_id,
            tracking_number=self.tracking_number,
            code=self.code,
            occurred_at=self.occurred_at,
            place=self.place,
            message=self.message,
            signed_by=self.signed_by,
        )


class _TrackedScan(CarrierScan):
    event_id: Words = ""


class _Tracking(Answer):
    scans: list[_TrackedScan]


class SandboxCarrier:
    """Implements the carrier port. Give it a client to share a pool; it closes only its own."""

    name: str = NAME

    def __init__(
        self, base_url: str, api_key: str, client: httpx2.AsyncClient | None = None
    ) -> None:
        self._partner = PartnerClient("carrier", base_url, api_key, client)

    async def book(self, request: BookingRequest) -> Booking:
        """Buy the label; the same reference returns the same booking, never a second label."""
        sold = await self._partner.post(_Booking, "/bookings", request.model_dump(mode="json"))
        return _booking(sold, request.reference)

    async def find_booking(self, reference: UUID) -> Booking | None:
        """Return the booking of this reference, or None when the carrier has never seen it."""
        found = await self._partner.get(_Bookings, "/bookings", {"reference": str(reference)})
        return _booking(found.data[0], reference) if found.data else None

    async def void(self, booking_id: str) -> None:
        """Cancel an unused label; refused with ``already_scanned`` once a parcel was scanned."""
        await self._partner.post(_Booking, f"/bookings/{segment(booking_id)}/void")

    async def track(self, tracking_number: str) -> list[Scan]:
        """Return all scans of the parcel, oldest first; refused with ``not_found``."""
        found = await self._partner.get(_Tracking, f"/parcels/{segment(tracking_number)}")
        scans = [scan.as_scan(scan.event_id) for scan in found.scans]
        return sorted(scans, key=lambda scan: scan.occurred_at)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._partner.aclose()


def _booking(sold: _Booking, reference: UUID) -> Booking:
    if sold.reference != str(reference):
        raise PartnerFailure(f"asked about {reference}, answered about {sold.reference}")
    return Booking(
        booking_id=sold.id,
        carrier=sold.carrier,
        service=sold.service,
        parcels=tuple(
            BookedParcel(tracking_number=parcel.tracking_number, label_url=parcel.label_url)
            for parcel in sold.parcels
        ),
        amount=sold.amount,
        currency=sold.currency,
        voided=sold.voided,
        arrives_on=sold.arrives_on,
    )


class _CarrierEvent(Answer):
    id: Words = ""
    type: Literal["tracking.scan"]
    data: CarrierScan


def parse_carrier_event(raw: bytes) -> Scan:
    """Read a verified body; raises UnknownEvent and IrrelevantEvent."""
    event = read_event(_CarrierEvent, raw, irrelevant=IRRELEVANT)
    return event.data.as_scan(event.id)


class _Settings(PartnerSettings, env_prefix="STATESET_CARRIER_"):
    url: str = "http://127.0.0.1:8081"
    api_key: SecretStr = SecretStr("sandbox-carrier-key")
    webhook_secret: SecretStr = SecretStr("whsec_c2FuZGJveC1jYXJyaWVyLXdlYmhvb2stc2VjcmV0IQ==")


_CODES: Codes = {
    "PU": ("picked_up", "", False),
    "DP": ("in_transit", "", False),
    "AR": ("in_transit", "", False),
    "OD": ("out_for_delivery", "", False),
    "A1": ("out_for_delivery", "attempt_failed", False),
    "AP": ("out_for_delivery", "ready_for_pickup", False),
    "DL": ("delivered", "", False),
    "X1": (None, "address_problem", True),
    "X2": (None, "damaged", True),
    "X3": (None, "customs", True),
    "DY": (None, "carrier_delay", True),
    "RS": ("returning", "", False),
    "RT": ("returned", "", False),
    "LO": ("lost", "", False),
}

SANDBOX_CARRIER = CarrierPartner(
    webhooks="sandbox-carrier",
    name=NAME,
    settings=_Settings,
    connect=SandboxCarrier,
    parse=parse_carrier_event,
    codes=_CODES,
)
