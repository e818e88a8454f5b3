"""A second carrier: all that the product needs to hear it and to buy its labels, in one file."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from pydantic import AwareDatetime, SecretStr

from domain.value import Name
from gateways.carriers.port import (
    BookedParcel,
    Booking,
    BookingRequest,
    CarrierPartner,
    Scan,
)
from gateways.http import Answer
from gateways.partner import PartnerSettings
from gateways.webhooks import BadSignature, read_event


class Heron:
    """A carrier that numbers its parcels as it is told to, so that a test chooses the numbers."""

    name: str = "heron"

    def __init__(self, base_url: str, api_key: str) -> None:
        """Remember the labels that are sold."""
        self.site = (base_url, api_key)
        self.next_numbers: list[str] = []
        self._sold: dict[UUID, Booking] = {}

    async def book(self, request: BookingRequest) -> Booking:
        """Sell the label; the same reference returns the same booking."""
        parcels = tuple(
            BookedParcel(tracking_number=self.next_numbers.pop(0), label_url="heron:label")
            for _ in request.parcels
        )
        booking = Booking(
            booking_id=str(request.reference),
            carrier=self.name,
            service=request.service,
            parcels=parcels,
            amount=700,
            currency="USD",
        )
        return self._sold.setdefault(request.reference, booking)

    async def find_booking(self, reference: UUID) -> Booking | None:
        """Return what was sold under a reference."""
        return self._sold.get(reference)

    async def void(self, booking_id: str) -> None:
        """Take a label back."""
        del self._sold[UUID(booking_id)]

    async def track(self, tracking_number: str) -> list[Scan]:
        """Know nothing: this carrier only tells."""
        del tracking_number
        return []

    async def aclose(self) -> None:
        """Close no connection: there is none."""


class _Flight(Answer):
    ring: Name
    mark: Name
    at: AwareDatetime


def parse(raw: bytes) -> Scan:
    """Read a verified body."""
    flight = read_event(_Flight, raw)
    return Scan(
        event_id=f"{flight.ring}/{flight.at}",
        tracking_number=flight.ring,
        code=flight.mark,
        occurred_at=flight.at.astimezone(UTC),
    )


def sign(secret: str, raw_body: bytes) -> str:
    """Sign a body by this carrier's own scheme."""
    return hmac.new(secret.encode(), raw_body, hashlib.sha512).hexdigest()


def verify(secret: str, headers: Mapping[str, str], raw_body: bytes, now: datetime) -> str:
    """Return the event's id when the signature is the carrier's; it tells no time of sending."""
    del now
    if not hmac.compare_digest(headers.get("heron-signature", ""), sign(secret, raw_body)):
        raise BadSignature("the heron-signature is not the carrier's")
    return headers["heron-event"]


class _Settings(PartnerSettings, env_prefix="STATESET_HERON_"):
    url: str = "http://127.0.0.1:9"
    api_key: SecretStr = SecretStr("heron-key")
    webhook_secret: SecretStr = SecretStr("heron-secret")

    @classmethod
    def signing_key(cls, secret: SecretStr) -> bytes:
        """Return the secret as it is: it signs with its text."""
        return secret.get_secret_value().encode()


HERON = CarrierPartner(
    webhooks="heron-tracking",
    name=Heron.name,
    settings=_Settings,
    connect=Heron,
    parse=parse,
    verify=verify,
    codes={
        "UP": ("picked_up", "", False),
        # Says something else at the sandbox carrier, where it is the delivery.
        "DL": ("in_transit", "", False),
        "HOME": ("delivered", "", False),
    },
)
