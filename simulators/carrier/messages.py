"""What the carrier and its clients say to each other."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Line = Annotated[str, StringConstraints(max_length=1000)]
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""No parcel of ours was scanned outside this century."""
Required = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Request(BaseModel):
    """A body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Address(Request):
    """Where a parcel comes from or goes to."""

    name: Required
    company: Line = ""
    line1: Required
    line2: Line = ""
    city: Required
    region: Line = ""
    postal_code: Line = ""
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    phone: Line = ""


class ParcelRequest(Request):
    """One box."""

    weight_grams: int = Field(strict=True, ge=1, le=1_000_000_000)


class BookingRequest(Request):
    """A label order; ``reference`` is the client's own id and names the booking for ever."""

    reference: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    service: Required
    ship_from: Address
    ship_to: Address
    parcels: Annotated[list[ParcelRequest], Field(min_length=1, max_length=10_000)]


class BookedParcel(BaseModel):
    """A parcel of a booking, in the order asked."""

    tracking_number: str
    label_url: str
    weight_grams: int


class Booking(BaseModel):
    """A bought label. ``requests`` counts how often it was asked for.

    ``arrives_on`` is the promised day, which a scenario may break.
    """

    sequence: int
    id: str
    reference: str
    carrier: str
    service: str
    amount: int
    currency: str
    voided: bool
    requests: int
    created_at: str
    arrives_on: date
    ship_to: Address
    parcels: list[BookedParcel]


class BookingList(BaseModel):
    """Bookings, oldest first; ask on with ``after`` = the last sequence."""

    data: list[Booking]


class Scan(BaseModel):
    """One thing that happened to a parcel."""

    event_id: str
    tracking_number: str
    reference: str
    code: str
    occurred_at: str
    place: str
    message: str
    signed_by: str


class Parcel(BaseModel):
    """A parcel and its scans, oldest first."""

    tracking_number: str
    reference: str
    booking_id: str
    voided: bool
    scans: list[Scan]


class ScanRequest(Request):
    """One scan to add; now when ``occurred_at`` is not given."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,10}$")]
    occurred_at: Annotated[AwareDatetime, Field(ge=FIRST, le=LAST)] | None = None
    place: Line = ""
    message: Line = ""
    signed_by: Line = ""


class Advance(Request):
    """How far the parcel shall get."""

    to: str


class Area(Request):
    """What is taken along to a postal code: null is as anywhere else."""

    serviced: bool = True
    services: list[str] | None = None
    heaviest_grams: int | None = Field(default=None, ge=1)
    most_parcels: int | None = Field(default=None, ge=1)


class Autopilot(Request):
    """Whether parcels travel by themselves, and how fast.

    ``outcomes`` gives weights to scenarios for parcels without a magic postal code, for example
    ``{"delivered": 98, "lost": 1, "returned": 1}``; all are delivered when it is empty.
    """

    enabled: bool
    seconds_per_scan: float = Field(default=1.0, ge=0, le=86_400)
    outcomes: dict[str, Annotated[int, Field(ge=0, le=1_000_000)]] = {}
