"""The end of a journey: delivered units, or money given back for what never arrived."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.provider import record_intent
from db.documents import ORDERS, SHIPMENTS
from db.inventory.places import place_id
from db.inventory.posting import Movement, post
from db.inventory.reads import quarantine_of
from db.orders.tables import OrderRow
from db.orders.writes import count_up
from db.outbox import signal
from db.payments import ledger_of
from db.shipments.captures import get_settlement, is_owed, waive_capture
from db.shipments.milestones import record_settlement
from db.shipments.tables import ShipmentLineRow, ShipmentRow
from db.shipments.writes import shipment_lines_of
from db.tasks import cancel_tasks, open_task
from domain.documents import Document, Kind, Signal
from domain.inventory import LocationKind, MovementKind
from domain.money import split
from domain.payments import EntryKind, Intent, refund_key
from domain.shipments.status import ShipmentStatus
from domain.tasks import TaskKind

QUESTIONS = {
    ShipmentStatus.LOST: TaskKind.PARCEL_LOST,
    ShipmentStatus.RETURNED: TaskKind.UNDELIVERABLE,
}
"""What a person is asked about a journey that ended badly."""


async def drop_questions(
    db: AsyncConnection, shipment_id: UUID, *, unless: ShipmentStatus | None = None
) -> None:
    """Take back what was asked about a journey's end, but for the question about that end."""
    questions = [question for end, question in QUESTIONS.items() if end is not unless]
    await cancel_tasks(db, shipment_id, *questions)


async def signal_order(db: AsyncConnection, shipment: ShipmentRow) -> None:
    """Signal the order's run that this shipment needs nothing more, once that is so."""
    if not await is_owed(db, shipment.id):
        await signal(db, Document(Kind.ORDER, shipment.order_id), Signal.SHIPMENT_ENDED)


async def refund_intent(
    db: AsyncConnection, order: OrderRow, shipment: ShipmentRow, purpose: str
) -> Intent | None:
    """Record that what a shipment's goods cost is to be given back; None when nothing was taken.

    ``purpose`` names the person's decision: a refund that the provider refused is not tried again
    without another one.
    """
    parts = await shipment_lines_of(db, shipment.id)
    amount = sum(part.capture_amount for part in parts)
    payment = (await ledger_of(db, order.id)).drawn_on
    if payment is None or amount == 0 or await is_owed(db, shipment.id):
        return None
    key = refund_key(shipment.id, purpose)
    return await record_intent(db, payment, EntryKind.REFUND, key, amount, shipment.id)


async def write_off(
    db: AsyncConnection, order: OrderRow, shipment: ShipmentRow, *, refunded: int
) -> None:
    """Book that a shipment's goods never arrived; what came back goes into quarantine.

    ``refunded`` is what was given back for them, in minor units; 0 when nothing was taken. Money
    for them that could not be taken so far is not asked for any more.
    """
    parts = await shipment_lines_of(db, shipment.id)
    if refunded:
        taken = [part.capture_amount for part in parts]
        for part, amount in zip(parts, split(min(refunded, sum(taken)), taken), strict=True):
            await count_up(
                db, part.order_line_id, refunded_units=part.quantity, refunded_amount=amount
            )
    elif await is_owed(db, shipment.id):
        await waive_capture(db, shipment.id)
        await cancel_tasks(db, shipment.id, TaskKind.CAPTURE_FAILED)
    if shipment.status == ShipmentStatus.RETURNED:
        quarantine = await quarantine_of(db, shipment.site_id)
        await post(db, [_return(part, quarantine) for part in parts])
    await ORDERS.change(db, order)
    await SHIPMENTS.add_event(db, shipment, "written_off", "system", {"refunded": refunded > 0})
    await drop_questions(db, shipment.id)
    await record_settlement(db, shipment.id, "written_off")
    if shipment.status == ShipmentStatus.DELIVERED:
        # It arrived while the money was on its way back.
        await question_end(db, shipment, ShipmentStatus.DELIVERED)


def _return(part: ShipmentLineRow, quarantine: UUID) -> Movement:
    return Movement(
        key=f"undelivered/{part.id}",
        kind=MovementKind.RETURN,
        item_id=part.item_id,
        quantity=part.quantity,
        from_location_id=place_id(LocationKind.CUSTOMER),
        to_location_id=quarantine,
        actor="system",
        reason="undeliverable",
        document_type="shipment",
        document_id=part.shipment_id,
        line_id=part.order_line_id,
    )


async def question_end(db: AsyncConnection, shipment: ShipmentRow, status: ShipmentStatus) -> None:
    """Ask support what is right when a settled shipment has ended otherwise than was booked.

    Units, stock and money stay as they were booked: the other side was told of them already.
    """
    settled = await get_settlement(db, shipment.id)
    if status is ShipmentStatus.DELIVERED and not settled.written_off:
        return
    booked = "refund" if settled.refunded else "write_off" if settled.written_off else "delivery"
    facts = {
        "reason": f"{status}_after_{booked}",
        "shipment": shipment.number,
        "order_id": shipment.order_id,
        "refunded": settled.refunded,
    }
    await open_task(db, TaskKind.PARCEL_EXCEPTION, "shipment", shipment.id, facts)
