"""Orders of labels: what a carrier is asked for, and whether the label that it sold is of use."""

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from db.shipments.tracking import find_living
from db.shipments.writes import ToBook
from domain.addresses import Address
from domain.shipments.packing import HEAVIEST_PARCEL, TooManyBoxes, pack
from domain.shipments.packing_by_hand import weights_of
from gateways.carriers.port import Booking, BookingRequest, Carrier, ParcelRequest
from gateways.failures import PartnerRefused


class UnusableLabel(Exception):
    """The carrier has sold a label that no parcel can travel under; says why."""


async def buy(carrier: Carrier, order: BookingRequest) -> Booking:
    """Buy a label; after an answer that got lost it is found, not bought again."""
    if activity.info().attempt > 1:
        known = await carrier.find_booking(order.reference)
        if known is not None and not known.voided:
            return known
    return await carrier.book(order)


async def check_usable(db: AsyncConnection, carrier: str, booking: Booking) -> None:
    """Raise UnusableLabel for a label whose parcels cannot be told from each other and others."""
    numbers = [parcel.tracking_number for parcel in booking.parcels]
    living = await find_living(db, carrier, numbers)
    if living is not None:
        raise UnusableLabel(
            f"the carrier sold it the number {living.tracking_number}, under which a parcel of"
            f" {living.document} ({living.order}) is still on its way"
        )
    if len(set(numbers)) < max(len(numbers), 1):
        raise UnusableLabel("the carrier sold it a label without a number for each parcel")
    if booking.voided:
        raise UnusableLabel("the label that the carrier has for it was given back before")


def label_order(shipment: ToBook) -> BookingRequest:
    """Return the order of a label; a site without an address is refused as by the carrier."""
    try:
        ship_from = Address.stored(shipment.ship_from)
    except ValidationError as error:
        missing = ", ".join(str(each["loc"][0]) for each in error.errors())
        raise PartnerRefused("site_address", f"the site's address needs {missing}") from error
    contents = ((units, grams) for units, grams in shipment.contents)
    try:
        weights = weights_of(shipment.packed or ()) or pack(
            contents, shipment.heaviest_box_grams or HEAVIEST_PARCEL
        )
    except TooManyBoxes as error:
        raise PartnerRefused("too_many_boxes", str(error)) from error
    return BookingRequest(
        reference=shipment.id,
        service=shipment.service,
        ship_from=ship_from,
        ship_to=Address.stored(shipment.ship_to),
        parcels=tuple(ParcelRequest(weight_grams=weight) for weight in weights),
    )
