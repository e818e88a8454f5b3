"""The end of a journey: delivered units, or money given back for what never arrived."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.provider import record_intent
from db.documents import ORDERS, SHIPMENTS
from db.inventory.places import place_id
from db.inventory.posting import Movement, post
from db.inventory.reads import quarantine_of
from db.ledgers import ledger_of
from db.orders.tables import OrderRow
from db.orders.writes import count_up
from db.outbox import signal
from db.payments import find_by_key
from db.reads.tasks import get_task
from db.shipments.captures import get_settlement, is_owed, waive_capture
from db.shipments.milestones import record_settlement
from db.shipments.refunds import last_refusal, paid_for, plan_refund
from db.shipments.tables import ShipmentLineRow, ShipmentRow
from db.shipments.writes import shipment_lines_of
from db.tasks import cancel_tasks, is_open, open_task
from domain.documents import Document, Kind, Signal
from domain.inventory import LocationKind, MovementKind
from domain.money import split
from domain.payments import EntryKind, Intent, refund_key
from domain.shipments.refunds import gives_postage, refund_due
from domain.shipments.status import ShipmentStatus
from domain.tasks import Decision, TaskKind

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


async def ask_about_end(db: AsyncConnection, shipment: ShipmentRow) -> None:
    """Ask a person about a locked shipment whose journey ended badly; silent while that is asked.

    With the provider's words where it has refused to give the money back. Not while finance is
    asked which amount the provider moved.
    """
    if await is_open(db, TaskKind.PAYMENT_MISMATCH, shipment.id):
        return
    facts: dict[str, Any] = {"shipment": shipment.number, "order_id": shipment.order_id}
    told = ""
    if refused := await last_refusal(db, shipment.id, EntryKind.REFUND):
        facts["refused"] = refused.model_dump()
        told = f"The provider refused to give back {refused}."
    asker = Document(Kind.SHIPMENT, shipment.id)
    question = QUESTIONS[ShipmentStatus(shipment.status)]
    await open_task(db, question, asker.kind, asker.id, facts, asker=asker, told=told)


async def refund_intent(
    db: AsyncConnection, order: OrderRow, shipment: ShipmentRow, decision: Decision
) -> Intent | None:
    """Record what is to be given back for a shipment; None when nothing was taken.

    The person's decision names the refund: one that the provider refused is not tried again
    without another decision, and one under way keeps its amount.
    """
    key = refund_key(shipment.id, str(decision.task_id))
    known = await find_by_key(db, key)
    payment = (await ledger_of(db, order.id)).charged_for(shipment.id)
    if known:
        amount = known[0].amount
    else:
        task = await get_task(db, decision.task_id)
        paid = (await paid_for(db, [shipment.id]))[shipment.id]
        due = refund_due(paid, our_fault=gives_postage(TaskKind(task.kind), decision.choice))
        amount = due.amount
        await plan_refund(db, shipment.id, postage=due.postage)
    if payment is None or amount == 0:
        return None
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
        goods = goods_in(refunded, parts)
        # The provider may have given back less than it was asked for.
        postage = min(refunded - goods, shipment.refund_shipping_amount)
        await plan_refund(db, shipment.id, postage=postage)
        await count_refund(db, parts, goods)
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


def goods_in(refunded: int, parts: Sequence[ShipmentLineRow]) -> int:
    """Return what of a shipment's refund is for its goods, in minor units; the rest is postage."""
    return min(refunded, sum(part.capture_amount for part in parts))


async def count_refund(
    db: AsyncConnection, parts: Sequence[ShipmentLineRow], goods: int, times: int = 1
) -> None:
    """Count a shipment's units as given back, with ``goods`` minor units; -1 ``times`` undoes it.

    Nothing when ``goods`` is 0: then no money went back for them.
    """
    if not goods:
        return
    amounts = split(goods, [part.capture_amount for part in parts])
    for part, amount in zip(parts, amounts, strict=True):
        await count_up(
            db,
            part.order_line_id,
            refunded_units=times * part.quantity,
            refunded_amount=times * amount,
        )


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
