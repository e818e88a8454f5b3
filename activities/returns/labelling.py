"""Buying and giving back the labels of returns: one partner call each, safe to repeat."""

from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.returns.leaving import ask_how_goods_go
from activities.shipments.booking import ALREADY_SCANNED
from activities.shipments.label_orders import UnusableLabel, buy, check_usable
from db.documents import RETURNS
from db.engine import Database
from db.returns.labels import (
    LiveLabel,
    find_due_label,
    find_same_label,
    move_label,
    record_label,
)
from db.returns.tables import ReturnRow
from db.returns.writes import lock_return
from db.tasks import open_task
from domain.addresses import Address
from domain.documents import Kind
from domain.ids import ReturnId
from domain.money import Money
from domain.returns.status import LabelDirection, LabelStatus
from domain.shipments.booking import UNUSABLE_LABEL
from domain.shipments.packing import TooManyBoxes, pack
from domain.tasks import TaskKind
from gateways.carriers.port import Booking, BookingRequest, Carrier, ParcelRequest
from gateways.failures import PartnerRefused


class ReturnLabelActivities:
    """What a return's run does at the carrier."""

    def __init__(self, books: Database, carrier: Carrier) -> None:
        """Buy labels from this carrier."""
        self._books = books
        self._carrier = carrier

    @activity.defn
    async def book_return_label(self, return_id: ReturnId) -> LabelStatus | None:
        """Buy the label of a return; returns how far it is then, None where none is due.

        The label's id is the carrier's reference: after an answer that got lost the label is found,
        not bought again. A definite no opens a task for support, and so does a label that is of no
        use: that one is given back.
        """
        label = await self._due(return_id, LabelStatus.PENDING)
        if label is None:
            return None
        try:
            booking = await buy(self._carrier, _request(label))
        except PartnerRefused as refusal:
            return await self._report_refusal(return_id, label, refusal)
        try:
            recorded = await self._record(return_id, label, booking)
        except UnusableLabel as reason:
            back = await self._give_back(return_id, label, booking)
            words = f"{reason}; the carrier {'has the label back' if back else 'keeps the label'}"
            unusable = PartnerRefused(UNUSABLE_LABEL, words)
            return await self._report_refusal(return_id, label, unusable)
        if recorded is None:
            await self._give_back(return_id, label, booking)
        return recorded

    @activity.defn
    async def void_return_label(self, return_id: ReturnId) -> None:
        """Give back the label of a return with which nothing was sent.

        One whose sale we never heard of is looked for. What the carrier keeps all the same a person
        must get back.
        """
        label = await self._due(return_id, LabelStatus.VOIDING)
        if label is None:
            return
        known, unheard = label.booking_reference, None
        if known is None:
            booking = await self._carrier.find_booking(label.id)
            unheard = booking if booking and not booking.voided else None
            known = unheard.booking_id if unheard else None
        refusal = None
        if known is not None:
            try:
                await self._carrier.void(known)
            except PartnerRefused as no:
                refusal = no
        async with self._books.begin() as db:
            _, found = await lock_return(db, return_id)
            if not await _is(db, label, LabelStatus.VOIDING):
                return
            await RETURNS.change(db, found)
            # What the carrier keeps is known from now on, and its scans are heard.
            kept = refusal and (
                unheard is None or await self._keep_found(db, found, label, unheard)
            )
            if refusal and kept and refusal.code == ALREADY_SCANNED and _was_used(found, label):
                await move_label(db, label.id, LabelStatus.BOOKED)
                return
            await move_label(db, label.id, LabelStatus.VOIDED)
            if known is not None and refusal is not None:
                await _ask_to_undo(db, found, known, refusal)
            elif known is not None:
                await RETURNS.add_event(db, found, _event(label, "voided"), "system", {})

    async def _due(self, return_id: UUID, status: LabelStatus) -> LiveLabel | None:
        # No lock: it would be gone again before the carrier is asked.
        async with self._books.read() as db:
            return await find_due_label(db, return_id, status)

    async def _record(
        self, return_id: UUID, label: LiveLabel, booking: Booking
    ) -> LabelStatus | None:
        """Write that a label was bought; None for one that has been given up for good meanwhile.

        Raises UnusableLabel, and writes nothing, for one that no parcel can travel under.
        """
        async with self._books.begin() as db:
            _, found = await lock_return(db, return_id)
            live = await find_same_label(db, label)
            if live is None:
                return None
            if live.status is not LabelStatus.PENDING:
                return live.status
            await check_usable(db, self._carrier.name, booking)
            await self._keep(db, found, label, booking)
            return LabelStatus.BOOKED

    async def _keep(
        self, db: AsyncConnection, found: ReturnRow, label: LiveLabel, booking: Booking
    ) -> None:
        """Write that a label of a locked return was bought, with its parcels."""
        await record_label(
            db,
            label.id,
            carrier=self._carrier.name,
            reference=booking.booking_id,
            price=Money(amount=booking.amount, currency=booking.currency),
            parcels=[(each.tracking_number, each.label_url) for each in booking.parcels],
        )
        await RETURNS.change(db, found)
        data: dict[str, Any] = {"carrier": self._carrier.name, "parcels": len(booking.parcels)}
        if label.direction is LabelDirection.OUTBOUND:
            data["tracking_numbers"] = [each.tracking_number for each in booking.parcels]
        await RETURNS.add_event(db, found, _event(label, "booked"), "system", data)

    async def _keep_found(
        self, db: AsyncConnection, found: ReturnRow, label: LiveLabel, booking: Booking
    ) -> bool:
        """Write that a label was bought whose sale was not heard of; False for an unusable one."""
        try:
            await check_usable(db, self._carrier.name, booking)
        except UnusableLabel:
            return False
        await self._keep(db, found, label, booking)
        return True

    async def _give_back(self, return_id: UUID, label: LiveLabel, booking: Booking) -> bool:
        """Give an unusable label back; one that the carrier keeps a person must get back."""
        if booking.voided:
            return True
        try:
            await self._carrier.void(booking.booking_id)
        except PartnerRefused as refusal:
            async with self._books.begin() as db:
                _, found = await lock_return(db, return_id)
                await _ask_to_undo(db, found, booking.booking_id, refusal)
            return False
        return True

    async def _report_refusal(
        self, return_id: UUID, label: LiveLabel, refusal: PartnerRefused
    ) -> LabelStatus:
        """Ask how the goods come back, or go back, unless the label is wanted no more."""
        async with self._books.begin() as db:
            _, found = await lock_return(db, return_id)
            if not await _is(db, label, LabelStatus.PENDING):
                live = await find_same_label(db, label)
                return live.status if live else LabelStatus.REFUSED
            await move_label(db, label.id, LabelStatus.REFUSED)
            await RETURNS.change(db, found)
            words = {"code": refusal.code, "message": refusal.message}
            facts = {**_about(found), **words}
            if label.direction is LabelDirection.OUTBOUND:
                await ask_how_goods_go(db, found, words)
            else:
                told = f"{found.number} has no label: {refusal.message}."
                kind = TaskKind.LABEL_REFUSED
                await open_task(db, kind, Kind.RETURN, return_id, facts, told=told)
            await RETURNS.add_event(db, found, _event(label, "refused"), "system", facts)
            return LabelStatus.REFUSED


def _event(label: LiveLabel, what: str) -> str:
    """Return the word of an event: what is told of a label to us is not meant for one back."""
    inbound = label.direction is LabelDirection.INBOUND
    return f"label_{what}" if inbound else f"send_back_{what}"


async def _is(db: AsyncConnection, label: LiveLabel, status: LabelStatus) -> bool:
    """Whether a label of a locked return is still in this state."""
    live = await find_same_label(db, label)
    return live is not None and live.status is status


async def _ask_to_undo(
    db: AsyncConnection, found: ReturnRow, booking_id: str, refusal: PartnerRefused
) -> None:
    told = f"{found.number} does not use the carrier's label {booking_id}."
    facts = {
        **_about(found),
        "booking": booking_id,
        "code": refusal.code,
        "message": refusal.message,
    }
    await open_task(db, TaskKind.UNDO_FAILED, Kind.RETURN, found.id, facts, told=told)


def _was_used(found: ReturnRow, label: LiveLabel) -> bool:
    """Whether goods came under a label of which we have heard no scan yet."""
    return found.last_received_at is not None and label.direction is LabelDirection.INBOUND


def _about(found: ReturnRow) -> dict[str, Any]:
    return {"return": found.number, "order_id": found.order_id}


def _request(label: LiveLabel) -> BookingRequest:
    """Order a label; a site of ours without an address is refused like one by the carrier."""
    outbound = label.direction is LabelDirection.OUTBOUND
    customer, site = label.ship_from, label.ship_to
    if outbound:
        customer, site = site, customer
    try:
        ours = Address.stored(site)
    except ValidationError as error:
        missing = ", ".join(str(each["loc"][0]) for each in error.errors())
        raise PartnerRefused("site_address", f"the site's address needs {missing}") from error
    try:
        weights = pack((units, grams) for units, grams in label.contents)
    except TooManyBoxes as error:
        raise PartnerRefused("too_many_boxes", str(error)) from error
    return BookingRequest(
        reference=label.id,
        service=label.service,
        ship_from=ours if outbound else Address.stored(customer),
        ship_to=Address.stored(customer) if outbound else ours,
        parcels=tuple(ParcelRequest(weight_grams=weight) for weight in weights),
    )
