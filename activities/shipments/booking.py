"""Buying and giving back labels: one partner call each, safe to repeat."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from temporalio import activity

from activities.orders.cancelling import requests_of
from activities.orders.missing import labels_in_the_way, note_leaving
from activities.payments.coverage import is_covered
from activities.payments.renewing import renewal_due
from activities.shipments.following import get_state
from activities.shipments.label_orders import UnusableLabel, buy, check_usable, label_order
from db.documents import ORDERS, SHIPMENTS
from db.engine import Database
from db.ledgers import ledger_of
from db.outbox import signal
from db.shipments.picking import put_all_back
from db.shipments.promises import promises_of
from db.shipments.tables import ShipmentRow
from db.shipments.tracking import void_parcels
from db.shipments.writes import (
    ToBook,
    find_to_book,
    given_up_unheard,
    lock_shipments_of,
    lock_with_order,
    record_booking,
)
from db.tasks import cancel_tasks, open_task
from domain.documents import Document, Kind, Signal
from domain.ids import OrderId, ShipmentId
from domain.money import Money
from domain.orders.cancelling import in_the_way, wanted
from domain.shipments.booking import UNUSABLE_LABEL
from domain.shipments.outcomes import BookingOutcome
from domain.shipments.status import ShipmentStatus
from domain.tasks import TaskKind
from gateways.carriers.port import Booking, Carrier
from gateways.failures import PartnerRefused

ALREADY_SCANNED = "already_scanned"


class BookingActivities:
    """What an order's run does at the carrier before the goods leave."""

    def __init__(self, books: Database, carrier: Carrier) -> None:
        """Buy labels from this carrier."""
        self._books = books
        self._carrier = carrier

    @activity.defn
    async def book_shipment(self, shipment_id: ShipmentId) -> BookingOutcome:
        """Buy the label of a pending shipment; a hold on its order stops it, as does money gone.

        So do serial units that are still to be picked: a pick wakes the order's run again.

        Our shipment id is the carrier's reference: after an answer that got lost the label is
        found, not bought again. What was sold so for a pick list that was replaced is voided
        first: its own step may be lost with the run that took it. A definite no opens a task for
        the warehouse, and so does a label
        that is of no use: that one is given back.
        """
        # No lock: it would be gone again before the carrier is asked.
        async with self._books.read() as db:
            shipment = await find_to_book(db, shipment_id)
        if shipment.status != ShipmentStatus.PENDING:
            await self._give_back(shipment)
            return BookingOutcome.NOT_DUE
        if (
            shipment.stopped
            or shipment.to_pick
            or (shipment.doubtful and not await self._is_paid(shipment))
        ):
            return BookingOutcome.HELD
        await self._void_unheard(shipment.order_id)
        try:
            booking = await buy(self._carrier, label_order(shipment))
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
        await self._void_unheard(order_id)
        stopped = True
        for shipment in shipments:
            stopped = await self._take_back(shipment) and stopped
        return stopped

    @activity.defn
    async def withdraw_labels(self, order_id: OrderId) -> None:
        """Take back the labels that are in the way of units to be cancelled, or missing.

        Where the carrier has scanned the goods already the label stays; another one is tried.
        Labels whose sale we never heard of are looked for.
        """
        tried: set[UUID | None] = set()
        while True:
            async with self._books.begin() as db:
                order = await ORDERS.lock(db, order_id)
                shipments = {each.id: each for each in await lock_shipments_of(db, order_id)}
                promises = await promises_of(db, order_id)
            left = [
                replace(each, shipment_id=None) if each.shipment_id in tried else each
                for each in promises
                if not (each.labelled and each.shipment_id in tried)
            ]
            due = [each for each in labels_in_the_way(order, shipments) if each not in tried]
            due += in_the_way(wanted(requests_of(order)), left)
            if not due:
                return
            tried.add(due[0])
            if not await self._take_back(shipments[due[0]]):
                async with self._books.begin() as db:
                    await note_leaving(db, await ORDERS.lock(db, order_id), due[0])

    async def _take_back(self, shipment: ShipmentRow) -> bool:
        """See to it that a shipment has no label; return False when its goods have left."""
        if shipment.handed_over_at is not None:
            return False
        if shipment.status == ShipmentStatus.BOOKED:
            return await self._void(shipment, str(shipment.booking_reference))
        if shipment.status == ShipmentStatus.PENDING:
            known = await self._carrier.find_booking(shipment.id)
            if known is not None and not known.voided:
                return await self._recall_unheard(shipment, known)
        return True

    async def _recall_unheard(self, shipment: ShipmentRow, known: Booking) -> bool:
        try:
            await self._record_booking(shipment.id, known)
        except UnusableLabel:
            # Under the number of another parcel its scans would tell nothing of these goods.
            await self._return(shipment.id, known)
            return True
        return await self._void(shipment, known.booking_id)

    async def _is_paid(self, shipment: ToBook) -> bool:
        """Look whether the money is still reserved; no label is bought for money that is gone.

        Nor for money that is to be renewed first: the run is told to.
        """
        async with self._books.begin() as db:
            order = await ORDERS.lock(db, shipment.order_id)
            ledger = await ledger_of(db, order.id)
            if await renewal_due(db, order, ledger) is not None:
                await signal(db, Document(Kind.ORDER, order.id), Signal.PAYMENT_REPORTED)
                return False
            return not ledger.renewing and await is_covered(db, order)

    async def _give_back(self, shipment: ToBook) -> None:
        """Void what an earlier attempt bought and could not book any more."""
        if activity.info().attempt > 1:
            known = await self._carrier.find_booking(shipment.id)
            wanted = shipment.booking_reference
            if known is not None and not known.voided and known.booking_id != wanted:
                await self._carrier.void(known.booking_id)

    async def _void_unheard(self, order_id: UUID) -> None:
        """Void what the carrier may have sold for pick lists of an order that were given up."""
        async with self._books.read() as db:
            given_up = await given_up_unheard(db, order_id)
        for shipment_id in given_up:
            known = await self._carrier.find_booking(shipment_id)
            if known is not None:
                await self._return(shipment_id, known)

    async def _record_booking(self, shipment_id: UUID, booking: Booking) -> bool:
        """Book a pending shipment; return whether it has this label now.

        Raises UnusableLabel, and writes nothing, for one that no parcel can travel under.
        """
        async with self._books.begin() as db:
            _, shipment = await lock_with_order(db, shipment_id)
            if shipment.status != ShipmentStatus.PENDING:
                return shipment.booking_reference == booking.booking_id
            await check_usable(db, shipment.carrier, booking)
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
                await put_all_back(db, shipment.id, "system")
                await SHIPMENTS.move(db, current, ShipmentStatus.VOIDED, "system")
                await void_parcels(db, shipment.id)
                if facts:
                    await open_task(db, TaskKind.UNDO_FAILED, "shipment", shipment.id, facts)
        return True
