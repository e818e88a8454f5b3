"""Answers about labels that a carrier refused, booked in the transaction that records them.

The order's run is woken by it and books what is due; an address enters no history that way.
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders.changing import note_cancellation, redirect_order, wake
from activities.refunds.cancelled import give_cancelled_back
from db.documents import ORDERS, SHIPMENTS
from db.inventory.posting import release
from db.orders.tables import OrderRow
from db.orders.writes import count_up
from db.shipments.picking import lock_picked, put_all_back
from db.shipments.replacing import leaves_elsewhere, replace_shipment
from db.shipments.tables import ShipmentRow
from db.shipments.tracking import has_parcel
from db.shipments.writes import (
    lock_shipments_of,
    lock_with_order,
    record_booking,
    shipment_lines_of,
)
from db.tasks import TaskRow, answers_first
from domain.answers import BookingAnswer
from domain.errors import AlreadyExists, IllegalMove
from domain.orders.requests import OrderChange
from domain.orders.status import CancelReason
from domain.shipments.booking import UNUSABLE_LABEL, AnswerDetails, OwnLabel, share_out
from domain.shipments.status import ShipmentStatus
from domain.tasks import Decision

_GIVEN_UP = frozenset({ShipmentStatus.VOIDED, ShipmentStatus.CANCELLED})


async def settle_booking(
    db: AsyncConnection, task: TaskRow, decision: Decision, details: AnswerDetails
) -> None:
    """Record how goods without a label get there, and book what follows from it.

    Raises IllegalMove for what was not offered or is decided, Malformed and AlreadyExists for
    details that cannot be.
    """
    order, shipment = await lock_with_order(db, task.document_id)
    if not await answers_first(db, decision):
        return
    if shipment.status != ShipmentStatus.PENDING:
        raise IllegalMove(
            f"the shipment is {shipment.status}", current_status=shipment.status, allowed=[]
        )
    await lock_picked(db, order.id)
    await _act(db, order, shipment, decision, details, code=task.facts.get("code", ""))
    await wake(db, order)


async def _act(
    db: AsyncConnection,
    order: OrderRow,
    shipment: ShipmentRow,
    decision: Decision,
    details: AnswerDetails,
    code: str,
) -> None:
    actor = decision.actor
    match BookingAnswer(decision.choice):
        case BookingAnswer.RETRY:
            # The site's address may have been put right. Under the former name the carrier would
            # only find the label that was of no use.
            if code == UNUSABLE_LABEL or await leaves_elsewhere(db, shipment):
                await replace_shipment(db, shipment, actor)
        case BookingAnswer.CHANGE_ADDRESS:
            await redirect_order(db, order, OrderChange(ship_to=details.address), actor)
        case BookingAnswer.CHANGE_SERVICE:
            await replace_shipment(db, shipment, actor, service=details.service)
        case BookingAnswer.SMALLER_BOXES:
            limit = details.heaviest_box_grams
            await replace_shipment(db, shipment, actor, heaviest_box_grams=limit)
        case BookingAnswer.SPLIT:
            units = [part.quantity for part in await shipment_lines_of(db, shipment.id)]
            shares = share_out(units, details.shipments or 1)
            await replace_shipment(db, shipment, actor, shares=shares)
        case BookingAnswer.OWN_LABEL:
            assert details.label is not None
            await _book_by_hand(db, shipment, details.label, actor)
        case BookingAnswer.CANCEL:
            await _cancel(db, order, shipment, actor)


async def _book_by_hand(
    db: AsyncConnection, shipment: ShipmentRow, label: OwnLabel, actor: str
) -> None:
    """Book a label that a person bought, at whatever carrier."""
    carrier = label.carrier or shipment.carrier
    numbers = list(dict.fromkeys(label.tracking_numbers))
    for number in numbers:
        if await has_parcel(db, carrier, number):
            raise AlreadyExists(f"{number} is the number of another parcel")
    await record_booking(
        db,
        shipment,
        reference=f"by-hand/{shipment.number}",
        label_url=None,
        price=label.price,
        promised_on=None,
        tracking_numbers=numbers,
        carrier=carrier,
        booked_by=actor,
    )


async def _cancel(db: AsyncConnection, order: OrderRow, shipment: ShipmentRow, actor: str) -> None:
    """Give up a shipment's goods; with nothing else on its way, have the order cancelled."""
    others = await lock_shipments_of(db, order.id)
    if all(one.id == shipment.id or one.status in _GIVEN_UP for one in others):
        if order.cancel_requested_at is None:
            await note_cancellation(db, order, CancelReason.STAFF, actor)
        return
    parts = await shipment_lines_of(db, shipment.id)
    for part in parts:
        await count_up(db, part.order_line_id, cancelled=part.quantity)
    await put_all_back(db, shipment.id, actor)
    await SHIPMENTS.move(db, shipment, ShipmentStatus.CANCELLED, actor)
    await ORDERS.change(db, order)
    lines = [{"line_id": part.order_line_id, "units": part.quantity} for part in parts]
    await ORDERS.add_event(db, order, "lines_cancelled", actor, {"lines": lines})
    await give_cancelled_back(db, order)
    # Last, because many orders wait for the balance of a popular item.
    await release(db, order.id, [part.reservation_id for part in parts])
