"""Buying and giving back labels: one partner call each, safe to repeat."""

from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.payments.coverage import is_covered
from activities.shipments.following import get_state
from db.documents import ORDERS, SHIPMENTS
from db.engine import Database
from db.shipments.tables import ShipmentRow
from db.shipments.tracking import find_living, void_parcels
from db.shipments.writes import (
    ToBook,
    find_to_book,
    lock_shipments_of,
    lock_with_order,
    record_booking,
)
from db.tasks import cancel_tasks, open_task
from domain.addresses import Address
from domain.documents import Document, Kind
from domain.ids import OrderId, ShipmentId
from domain.money import Money
from domain.shipments.booking import UNUSABLE_LABEL
from domain.shipments.outcomes import BookingOutcome
from domain.shipments.packing import HEAVIEST_PARCEL, TooManyBoxes, pack
from domain.shipments.status import ShipmentStatus
from domain.tasks import TaskKind
from gateways.carriers.port import Booking, BookingRequest, Carrier, ParcelRequest
from gateways.failures import PartnerRefused

ALREADY_SCANNED = "already_scanned"


class UnusableLabel(Exception):
    """The carrier has sold a label that no parcel can travel under; says why."""


class BookingActivities:
    """What an order's run does at the carrier before the goods leave."""

    def __init__(self, books: Database, carrier: Carrier) -> None:
        """Buy labels from this carrier."""
        self._books = books
        self._carrier = carrier

    @activity.defn
    async def book_shipment(self, shipment_id: ShipmentId) -> BookingOutcome:
        """Buy the label of a pending shipment; a hold on its order stops it, as does money gone.

        Our shipment id is the carrier's reference: after an answer that got lost the label is
        found, not bought again. A definite no opens a task for the warehouse, and so does a label
        that is of no use: that one is given back.
        """
        # No lock: it would be gone again before the carrier is asked.
        async with self._books.read() as db:
            shipment = await find_to_book(db, shipment_id)
        if shipment.status != ShipmentStatus.PENDING:
            await self._give_back(shipment)
            return BookingOutcome.NOT_DUE
        if shipment.stopped or (shipment.doubtful and not await self._is_paid(shipment)):
            return BookingOutcome.HELD
        try:
            booking = await self._buy(_request(shipment))
        except PartnerRefused as refusal:
            await self._report_refusal(shipment_id, refusal)
            return BookingOutcome.REFUSED
        try:
            recorded = await self._record_booking(shipment_id, booking)
        except UnusableLabel as reason:
            back = await self._return(shipment_id, booking)
            words = f"{reason}; the carrier {'has the label back' if back else 'keeps the label'}"
            await self._report_refusal(shipment_id, PartnerRefused(UNUSABLE_LABEL, words))
            return BookingOutcome.REFUSED
        if not recorded:
            # Bought for an order that is cancelled, or for a pick list that a person replaced or
            # booked elsewhere meanwhile.
            await self._carrier.void(booking.booking_id)
            return BookingOutcome.NOT_DUE
        return BookingOutcome.BOOKED

    @activity.defn
    async def recall_shipments(self, order_id: OrderId) -> bool:
        """Undo of book_shipment, for all labels of an order that the carrier has not scanned.

        Labels whose sale we never heard of are looked for. Returns False when goods are in the
        carrier's hands: then the order cannot be cancelled.
        """
        async with self._books.begin() as db:
            await ORDERS.lock(db, order_id)
            shipments = await lock_shipments_of(db, order_id)
        stopped = True
        for shipment in shipments:
            if shipment.handed_over_at is not None:
                stopped = False
            elif shipment.status == ShipmentStatus.BOOKED:
                stopped = await self._void(shipment, str(shipment.booking_reference)) and stopped
            elif shipment.status == ShipmentStatus.PENDING:
                known = await self._carrier.find_booking(shipment.id)
                if known is not None and not known.voided:
                    stopped = await self._recall_unheard(shipment, known) and stopped
        return stopped

    async def _recall_unheard(self, shipment: ShipmentRow, known: Booking) -> bool:
        try:
            await self._record_booking(shipment.id, known)
        except UnusableLabel:
            # Under the number of another parcel its scans would tell nothing of these goods.
            await self._return(shipment.id, known)
            return True
        return await self._void(shipment, known.booking_id)

    async def _is_paid(self, shipment: ToBook) -> bool:
        """Look whether the money is still reserved; no label is bought for money that is gone."""
        async with self._books.begin() as db:
            return await is_covered(db, await ORDERS.lock(db, shipment.order_id))

    async def _buy(self, request: BookingRequest) -> Booking:
        if activity.info().attempt > 1:
            known = await self._carrier.find_booking(request.reference)
            if known is not None and not known.voided:
                return known
        return await self._carrier.book(request)

    async def _give_back(self, shipment: ToBook) -> None:
        """Void what an earlier attempt bought and could not book any more."""
        if activity.info().attempt > 1:
            known = await self._carrier.find_booking(shipment.id)
            wanted = shipment.booking_reference
            if known is not None and not known.voided and known.booking_id != wanted:
                await self._carrier.void(known.booking_id)

    async def _record_booking(self, shipment_id: UUID, booking: Booking) -> bool:
        """Book a pending shipment; return whether it has this label now.

        Raises UnusableLabel, and writes nothing, for one that no parcel can travel under.
        """
        async with self._books.begin() as db:
            _, shipment = await lock_with_order(db, shipment_id)
            if shipment.status != ShipmentStatus.PENDING:
                return shipment.booking_reference == booking.booking_id
            await _check_usable(db, shipment, booking)
            await record_booking(
                db,
                shipment,
                reference=booking.booking_id,
                label_url=booking.parcels[0].label_url,
                price=Money(amount=booking.amount, currency=booking.currency),
                promised_on=booking.arrives_on,
                tracking_numbers=[parcel.tracking_number for parcel in booking.parcels],
            )
            await cancel_tasks(db, shipment_id, TaskKind.BOOKING_REFUSED)
            return True

    async def _return(self, shipment_id: UUID, booking: Booking) -> bool:
        """Give an unusable label back; one that the carrier keeps a person must get back."""
        if booking.voided:
            return True
        try:
            await self._carrier.void(booking.booking_id)
        except PartnerRefused as refusal:
            async with self._books.begin() as db:
                _, shipment = await lock_with_order(db, shipment_id)
                facts = {
                    "shipment": shipment.number,
                    "booking": booking.booking_id,
                    "code": refusal.code,
                    "message": refusal.message,
                }
                told = f"{shipment.number} does not use the carrier's label {booking.booking_id}."
                kind = TaskKind.UNDO_FAILED
                await open_task(db, kind, Kind.SHIPMENT, shipment_id, facts, told=told)
            return False
        return True

    async def _report_refusal(self, shipment_id: UUID, refusal: PartnerRefused) -> None:
        async with self._books.begin() as db:
            order, shipment = await lock_with_order(db, shipment_id)
            if shipment.status != ShipmentStatus.PENDING:
                return
            facts = {
                "shipment": shipment.number,
                "order": order.number,
                "order_id": order.id,
                "service": shipment.service,
                "code": refusal.code,
                "message": refusal.message,
            }
            told = f"{shipment.number} has no label: {refusal.message}."
            if await open_task(
                db,
                TaskKind.BOOKING_REFUSED,
                Kind.SHIPMENT,
                shipment_id,
                facts,
                asker=Document(Kind.ORDER, order.id),
                told=told,
            ):
                await SHIPMENTS.add_event(db, shipment, "booking_refused", "system", facts)

    async def _void(self, shipment: ShipmentRow, booking_id: str) -> bool:
        """Give a label back; what the carrier keeps all the same a person must get back."""
        facts: dict[str, Any] = {}
        try:
            if shipment.booked_by is not None:
                raise PartnerRefused("own_label", f"{shipment.booked_by} bought this label")
            await self._carrier.void(booking_id)
        except PartnerRefused as refusal:
            if refusal.code == ALREADY_SCANNED:
                return False
            facts = {"shipment": shipment.number, "code": refusal.code, "message": refusal.message}
        async with self._books.begin() as db:
            await ORDERS.lock(db, shipment.order_id)
            current = await SHIPMENTS.lock(db, shipment.id)
            if current.handed_over_at is not None:
                return False
            if current.status == ShipmentStatus.BOOKED:
                if (await get_state(db, shipment.id)).moved:
                    return False
                await SHIPMENTS.move(db, current, ShipmentStatus.VOIDED, "system")
                await void_parcels(db, shipment.id)
                if facts:
                    await open_task(db, TaskKind.UNDO_FAILED, "shipment", shipment.id, facts)
        return True


async def _check_usable(db: AsyncConnection, shipment: ShipmentRow, booking: Booking) -> None:
    """Raise UnusableLabel for a label whose parcels cannot be told from each other and others."""
    numbers = [parcel.tracking_number for parcel in booking.parcels]
    living = await find_living(db, shipment.carrier, numbers)
    if living is not None:
        raise UnusableLabel(
            f"the carrier sold it the number {living.tracking_number}, under which a parcel of"
            f" {living.shipment} ({living.order}) is still on its way"
        )
    if len(set(numbers)) < max(len(numbers), 1):
        raise UnusableLabel("the carrier sold it a label without a number for each parcel")
    if booking.voided:
        raise UnusableLabel("the label that the carrier has for it was given back before")


def _request(shipment: ToBook) -> BookingRequest:
    """Order a label; a site of ours without an address is refused like one by the carrier."""
    try:
        ship_from = Address.stored(shipment.ship_from)
    except ValidationError as error:
        missing = ", ".join(str(each["loc"][0]) for each in error.errors())
        raise PartnerRefused("site_address", f"the site's address needs {missing}") from error
    contents = ((units, grams) for units, grams in shipment.contents)
    try:
        weights = pack(contents, shipment.heaviest_box_grams or HEAVIEST_PARCEL)
    except TooManyBoxes as error:
        raise PartnerRefused("too_many_boxes", str(error)) from error
    return BookingRequest(
        reference=shipment.id,
        service=shipment.service,
        ship_from=ship_from,
        ship_to=Address.stored(shipment.ship_to),
        parcels=tuple(ParcelRequest(weight_grams=weight) for weight in weights),
    )
