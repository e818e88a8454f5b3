"""The end of a journey: delivered units, goods that come back, or goods that are written off."""

from collections import Counter
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.refunds.accepting import begin_refund, exceeds_limit
from activities.refunds.crediting import credit
from activities.returns.resending import ask_about_loss
from activities.returns.undelivered import (
    answer_for,
    gives_money_up,
    open_return,
    signal_return,
)
from activities.shipments.departure import give_up_capture
from db.documents import ORDERS, SHIPMENTS
from db.ledgers import ledger_of
from db.orders.tables import OrderRow
from db.outbox import signal
from db.reads.tasks import get_task
from db.refunds.chargebacks import undecided_chargebacks
from db.refunds.refundable import billed_order, paid_order
from db.refunds.writes import write_refund
from db.returns.losses import find_loss, find_lost
from db.returns.parcels import find_return_of
from db.shipments.captures import get_settlement, is_owed
from db.shipments.milestones import record_settlement
from db.shipments.picking import lose_units
from db.shipments.refunds import paid_for
from db.shipments.tables import ShipmentRow
from db.shipments.writes import shipment_lines_of
from db.tasks import TaskRow, cancel_tasks, is_open, open_task
from domain.answers import REFUND, REFUND_WITH_POSTAGE, UndeliverableAnswer
from domain.documents import Document, Kind, Signal
from domain.errors import AmountExceeded
from domain.ids import following_id
from domain.money import Money, split
from domain.orders.receipts import PaymentMethod
from domain.orders.status import CaptureOn
from domain.policy import Policy
from domain.refunds.due import Due, DueLine
from domain.refunds.rules import undelivered
from domain.refunds.status import RefundSource
from domain.shipments.refunds import gives_postage, refund_due
from domain.shipments.status import ShipmentStatus
from domain.tasks import Decision, TaskKind

QUESTIONS = {
    ShipmentStatus.LOST: TaskKind.PARCEL_LOST,
    ShipmentStatus.RETURNED: TaskKind.UNDELIVERABLE,
}
"""What is asked about a journey that ended badly; the second one by the release before, and by now
about the return that a parcel opens which comes back."""


async def drop_questions(
    db: AsyncConnection, shipment_id: UUID, *, unless: ShipmentStatus | None = None
) -> None:
    """Take back what was asked about a journey's end, but for the question about that end."""
    questions = [question for end, question in QUESTIONS.items() if end is not unless]
    if unless is not ShipmentStatus.LOST:
        questions.append(TaskKind.REPLACEMENT_LOST)
    await cancel_tasks(db, shipment_id, *questions)


async def signal_order(db: AsyncConnection, shipment: ShipmentRow) -> None:
    """Signal the order's run that this shipment needs nothing more, once that is so.

    So is the run of the return that it has opened.
    """
    if not await is_owed(db, shipment.id):
        await signal(db, Document(Kind.ORDER, shipment.order_id), Signal.SHIPMENT_ENDED)
        await signal_return(db, shipment.id)


async def ask_about_end(db: AsyncConnection, shipment: ShipmentRow, policy: Policy) -> None:
    """Ask a person about a locked shipment that is lost; silent while that is asked.

    Nothing was paid for goods that replace others, so that another question is asked about them.
    """
    if (lost := await find_lost(db, shipment.id)) is not None:
        await cancel_tasks(db, shipment.id, TaskKind.PARCEL_LOST, why="it is asked otherwise")
        await ask_about_loss(db, lost, policy)
        return
    facts = {"shipment": shipment.number, "order_id": shipment.order_id}
    asker = Document(Kind.SHIPMENT, shipment.id)
    await open_task(db, TaskKind.PARCEL_LOST, asker.kind, asker.id, facts, asker=asker)


async def check_given(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Raise AmountExceeded for an answer that gives less back because of a chargeback that stands.

    What a return gives for a parcel that came back waits by itself. The question stays open: a
    dispute that is won gives all of it back to us.
    """
    if task.kind != TaskKind.PARCEL_LOST or decision.choice != REFUND:
        return
    shipment_id, order_id = task.document_id, UUID(task.facts["order_id"])
    against = await undecided_chargebacks(db, order_id)
    payment = (await ledger_of(db, order_id)).charged_for(shipment_id)
    if payment is None or payment.id not in {each.payment_id for each in against}:
        return
    paid = (await paid_for(db, [shipment_id]))[shipment_id]
    due = refund_due(paid, our_fault=gives_postage(TaskKind(task.kind), decision.choice))
    if due.short:
        left = Money(amount=due.amount, currency=paid.currency)
        raise AmountExceeded(
            f"{left} of it can be given back while a chargeback stands: finance decides about that"
            " first, or the goods are written off",
            remaining=left.model_dump(),
        )


async def give_back(
    db: AsyncConnection,
    order: OrderRow,
    shipment: ShipmentRow,
    decision: Decision,
    policy: Policy,
) -> bool:
    """Promise the money for a locked shipment that never arrived, as a person's answer gives it.

    By a refund of its own, requested by the person who answered. False when nothing was taken, or
    nothing of it can be given back any more.
    """
    payment = (await ledger_of(db, order.id)).charged_for(shipment.id)
    ours = await choice_of(db, decision) == REFUND_WITH_POSTAGE
    paid = (await paid_for(db, [shipment.id]))[shipment.id]
    due = refund_due(paid, our_fault=ours)
    if payment is None or due.amount == 0:
        return False
    refund_id = following_id(decision.task_id, "refund", 0)
    parts = await parts_of(db, order, shipment.id, due.goods, due.postage)
    source, actor = RefundSource.SHIPMENT, decision.actor
    reason = f"{shipment.number} is {shipment.status}"
    about = {"shipment_id": shipment.id}
    if order.payment_method == PaymentMethod.NET_TERMS:
        await credit(
            db, refund_id, order, parts, policy, source=source, reason=reason, actor=actor, **about
        )
        return True
    refund = await write_refund(
        db, refund_id, order, payment.id, parts, source=source, reason=reason, actor=actor, **about
    )
    await begin_refund(db, refund, by_person=exceeds_limit(policy, order, due.amount))
    return True


async def choice_of(db: AsyncConnection, decision: Decision) -> str:
    """Return how money for a shipment goes back as answered: with the postage, or without."""
    question = TaskKind((await get_task(db, decision.task_id)).kind)
    return REFUND_WITH_POSTAGE if gives_postage(question, decision.choice) else REFUND


async def parts_of(
    db: AsyncConnection, order: OrderRow, shipment_id: UUID, goods: int, postage: int
) -> Due:
    """Divide what goes back for a shipment, in minor units, over the lines that it brought."""
    units: Counter[UUID] = Counter()
    captured: Counter[UUID] = Counter()
    for part in await shipment_lines_of(db, shipment_id):
        units[part.order_line_id] += part.quantity
        captured[part.order_line_id] += part.capture_amount
    if order.capture_on == CaptureOn.CONFIRMATION:
        # All its units are of one kind: some of these may have been given back as others.
        whole = (await billed_order(db, order)).lines
        units = Counter({line: min(units[line], whole[line].units_left) for line in units})
        captured = Counter({line: min(captured[line], whole[line].amount_left) for line in units})
    amounts = zip(units.items(), split(goods, list(captured.values())), strict=True)
    lines = [DueLine(line, count, amount, tax=0) for (line, count), amount in amounts if count]
    paid = await paid_order(db, order, shipment_id)
    return undelivered(lines if goods else [], postage, paid)


async def write_off(
    db: AsyncConnection, order: OrderRow, shipment: ShipmentRow, *, refunded: bool
) -> None:
    """Book that a shipment's goods never arrived; those that come back do so by a return.

    ``refunded`` says whether their money goes back. What could not be taken for lost goods so far
    is not asked for any more.
    """
    if shipment.status == ShipmentStatus.RETURNED:
        await bring_back(db, order, shipment)
        choice = UndeliverableAnswer.REFUND if refunded else UndeliverableAnswer.WRITE_OFF
        await answer_for(db, shipment.id, choice, "system")
        return
    if not refunded and await is_owed(db, shipment.id):
        await give_up_capture(db, shipment)
        await cancel_tasks(db, shipment.id, TaskKind.CAPTURE_FAILED)
    await ORDERS.change(db, order)
    await SHIPMENTS.add_event(db, shipment, "written_off", "system", {"refunded": refunded})
    await drop_questions(db, shipment.id)
    await record_settlement(db, shipment.id, "written_off")
    if shipment.status == ShipmentStatus.LOST:
        parts = await shipment_lines_of(db, shipment.id)
        await lose_units(db, shipment.id, [part.id for part in parts])
    if shipment.status == ShipmentStatus.DELIVERED:
        # It arrived while an older release had its money on the way back.
        await question_end(db, shipment, ShipmentStatus.DELIVERED)


async def bring_back(db: AsyncConnection, order: OrderRow, shipment: ShipmentRow) -> None:
    """Settle a locked shipment that its carrier brings back: its units come by a return.

    They count as written off; what the customer gets for them is the return's matter.
    """
    await drop_questions(db, shipment.id)
    await record_settlement(db, shipment.id, "written_off")
    return_id = await open_return(db, order, shipment)
    data = {"refunded": False, "return_id": return_id}
    await SHIPMENTS.add_event(db, shipment, "written_off", "system", data)
    await ORDERS.change(db, order)


async def give_money_up(db: AsyncConnection, shipment: ShipmentRow) -> None:
    """Ask no more for the money of a locked shipment that came back, if its customer gets nothing.

    Not while finance is asked which amount the provider moved.
    """
    if shipment.status != ShipmentStatus.RETURNED or not await is_owed(db, shipment.id):
        return
    unsure = await is_open(db, TaskKind.PAYMENT_MISMATCH, shipment.id)
    if not unsure and await gives_money_up(db, shipment.id):
        await give_up_capture(db, shipment)
        await cancel_tasks(db, shipment.id, TaskKind.CAPTURE_FAILED)
        await SHIPMENTS.add_event(db, shipment, "capture_written_off", "system", {})
        await signal_order(db, shipment)


async def question_end(db: AsyncConnection, shipment: ShipmentRow, status: ShipmentStatus) -> None:
    """Ask support what is right when a settled shipment has ended otherwise than was booked.

    Units, stock and money stay as they were booked: the other side was told of them already.
    """
    settled = await get_settlement(db, shipment.id)
    if status is ShipmentStatus.DELIVERED and not settled.written_off:
        return
    loss = await find_loss(db, shipment.id)
    if loss is not None:
        booked = loss.answer
        await signal(db, Document(Kind.RETURN, loss.return_id), Signal.RETURN_CHANGED)
    elif settled.refunded:
        booked = "refund"
    elif await find_return_of(db, shipment.id) is not None:
        booked = "return"
    else:
        booked = "write_off" if settled.written_off else "delivery"
    facts = {
        "reason": f"{status}_after_{booked}",
        "shipment": shipment.number,
        "order_id": shipment.order_id,
        "refunded": settled.refunded,
    }
    await open_task(db, TaskKind.PARCEL_EXCEPTION, "shipment", shipment.id, facts)
