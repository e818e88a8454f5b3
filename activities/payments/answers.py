"""Finance's answers about mismatched amounts, booked in the same transaction."""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.by_hand import book_by_hand
from activities.payments.confirming import book_order_capture
from activities.payments.provider import EVENTS
from activities.refunds.settling import settle_refund
from activities.shipments.departure import planned_by_line
from activities.shipments.older_refunds import adopt
from activities.shipments.settlement import signal_order
from db.documents import ORDERS, REFUNDS, SHIPMENTS
from db.orders.tables import OrderRow
from db.outbox import signal
from db.payments import KnownEntry, find_by_key, record_entry
from db.shipments.captures import count_capture, plan_capture
from db.tasks import TaskRow, answer_task
from domain.answers import RightAmount
from domain.documents import Document, Kind, Signal
from domain.errors import IllegalMove
from domain.money import Money
from domain.orders.by_hand import is_by_hand
from domain.payments import EntryKind, Phase, lower_capture
from domain.tasks import Decision


async def settle_amount(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Record which amount stands, book it, and have the runs that waited for it look again.

    Raises IllegalMove for what was not offered, and for money in another currency, which cannot be
    booked: the provider has to put it right. The first answer counts.
    """
    [asked, *_] = await find_by_key(db, task.facts["key"])
    order = await ORDERS.lock(db, asked.order_id)
    theirs = Money.stored(task.facts["theirs"])
    amount = asked.amount
    if decision.choice == RightAmount.THEIRS:
        if theirs.currency != asked.currency or not theirs.amount:
            raise IllegalMove(
                f"{theirs} cannot be booked; let the provider put it right",
                current_status=task.status,
                allowed=[RightAmount.OURS],
            )
        amount = theirs.amount
    await answer_task(db, decision)
    booked = Money(amount=amount, currency=asked.currency)
    data = {"payment_id": asked.payment_id, "kind": asked.kind, "amount": booked.model_dump()}
    reference = task.facts.get("reference")
    refund_id = asked.refund_id
    if asked.kind is EntryKind.REFUND and refund_id is None:
        phases = {entry.phase for entry in await find_by_key(db, asked.key)}
        if Phase.SUCCEEDED not in phases:
            refund_id = (await adopt(db, order, asked, amount, reference, decision.actor)).id
    fresh = await record_entry(
        db,
        asked.payment_id,
        asked.kind,
        Phase.SUCCEEDED,
        asked.key,
        amount,
        provider_reference=reference,
        shipment_id=asked.shipment_id,
        refund_id=refund_id,
        event=ORDERS.event(order, f"payment_{EVENTS[asked.kind]}", decision.actor, data),
    )
    if not fresh:
        return
    if asked.refund_id is not None:
        refund = await REFUNDS.lock(db, asked.refund_id)
        await settle_refund(db, refund, amount, reference, actor=decision.actor)
        await signal(db, Document(Kind.REFUND, asked.refund_id), Signal.PAYMENT_REPORTED)
        return
    await _count(db, order, asked, amount)
    if asked.shipment_id is not None:
        await signal(db, Document(Kind.SHIPMENT, asked.shipment_id), Signal.CARRIER_REPORTED)
        return
    # Also of an order that has ended: its run is started again and drops what is still reserved.
    await signal(db, Document(Kind.ORDER, order.id), Signal.PAYMENT_REPORTED)


async def _count(db: AsyncConnection, order: OrderRow, asked: KnownEntry, amount: int) -> None:
    """Count what has moved by hand, or was captured, as the steps that asked for it would."""
    shipment_id = asked.shipment_id
    if is_by_hand(asked.kind, asked.key, asked.payment_id):
        await book_by_hand(db, order, asked.kind, ask=True)
        return
    if asked.kind is not EntryKind.CAPTURE:
        return
    if shipment_id is None:
        await book_order_capture(db, order, amount)
        return
    shipment = await SHIPMENTS.lock(db, shipment_id)
    if amount < asked.amount:
        by_line = await planned_by_line(db, shipment_id)
        taken = amount + shipment.prepaid_amount
        lines, shipping = lower_capture(taken, by_line, shipment.capture_shipping_amount)
        await plan_capture(db, shipment_id, lines, shipping)
    await count_capture(db, shipment_id)
    if shipment.settled_at is not None:
        await signal_order(db, shipment)
