"""The carrier's HTTP interface."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import StringConstraints

from simulators.carrier.areas import Areas
from simulators.carrier.autopilot import Pilot
from simulators.carrier.bookings import Bookings
from simulators.carrier.messages import (
    Advance,
    Area,
    Autopilot,
    Booking,
    BookingList,
    BookingRequest,
    Parcel,
    Scan,
    ScanRequest,
)
from simulators.carrier.parcels import Parcels
from simulators.faults import Faults
from simulators.paging import After, Limit

OPERATIONS = frozenset({"book", "find", "show", "void", "track"})
Reference = Annotated[str, StringConstraints(min_length=1, max_length=100)]


def booking_routes(bookings: Bookings, faults: Faults) -> APIRouter:
    """Return what a shipper may ask about bookings."""
    routes = APIRouter(prefix="/bookings", tags=["bookings"])

    @routes.post("", status_code=201)
    async def book(asked: BookingRequest, http: Request) -> Booking:
        """Buy labels; the same reference returns the same booking, never a second label."""
        async with faults.around("book") as fault:
            used = fault is not None and fault.kind == "used_number"
            return bookings.book(asked, str(http.base_url), used_number=used)

    @routes.get("")
    async def find(
        http: Request,
        reference: Reference | None = None,
        after: After = 0,
        limit: Limit = 1000,
    ) -> BookingList:
        """List bookings, of one reference or all, in the order in which they were made."""
        async with faults.around("find"):
            return bookings.find(reference, after, limit, str(http.base_url))

    @routes.get("/{booking_id}")
    async def show(booking_id: str, http: Request) -> Booking:
        """Show a booking."""
        async with faults.around("show"):
            return bookings.show(booking_id, str(http.base_url))

    @routes.post("/{booking_id}/void")
    async def void(booking_id: str, http: Request) -> Booking:
        """Cancel labels that were not used; twice is fine."""
        async with faults.around("void"):
            return bookings.void(booking_id, str(http.base_url))

    return routes


def tracking_routes(parcels: Parcels, faults: Faults) -> APIRouter:
    """Return what a shipper may ask about parcels."""
    routes = APIRouter(prefix="/parcels", tags=["tracking"])

    @routes.get("/{tracking_number}")
    async def track(tracking_number: str) -> Parcel:
        """Show a parcel and its scans, oldest first."""
        async with faults.around("track"):
            return parcels.show(tracking_number)

    return routes


def label_routes(bookings: Bookings) -> APIRouter:
    """Return the label documents; who knows the address may fetch them."""
    routes = APIRouter(prefix="/labels", tags=["labels"])

    @routes.get("/{booking_id}/{tracking_number}.pdf", response_class=Response)
    async def label(booking_id: str, tracking_number: str) -> Response:
        """Fetch a label as PDF."""
        document = bookings.label(booking_id, tracking_number)
        return Response(document, media_type="application/pdf")

    return routes


def steering_routes(parcels: Parcels, pilot: Pilot, areas: Areas) -> APIRouter:
    """Return what only a tester may ask."""
    routes = APIRouter(prefix="/sandbox", tags=["sandbox"])

    @routes.post("/parcels/{tracking_number}/scans", status_code=201)
    async def scan(tracking_number: str, request: ScanRequest) -> Scan:
        """Add one scan and announce it."""
        return parcels.scan(tracking_number, request)

    @routes.post("/parcels/{tracking_number}/advance")
    async def advance(tracking_number: str, request: Advance) -> Parcel:
        """Add the natural scans up to a state, or to the end of a scenario."""
        parcels.advance(tracking_number, request.to)
        return parcels.show(tracking_number)

    @routes.post("/autopilot")
    async def set_autopilot(settings: Autopilot) -> Autopilot:
        """Let parcels travel by themselves, or stop them."""
        return pilot.set(settings)

    @routes.put("/areas/{postal_code}")
    async def set_area(postal_code: str, area: Area) -> Area:
        """Set what is taken along to a postal code; labels that were sold stay good."""
        return areas.set(postal_code, area)

    @routes.get("/areas/{postal_code}")
    async def show_area(postal_code: str) -> Area:
        """Show what is taken along to a postal code."""
        return areas.show(postal_code)

    @routes.get("/autopilot")
    async def show_autopilot() -> Autopilot:
        """Show the autopilot's settings."""
        return pilot.settings

    return routes
