"""Finance's answers about mismatched amounts, booked in the same transaction."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.provider import EVENTS
from activities.refunds.settling import settle_refund
from activities.shipments.failed_refunds import recount_refund
from activities.shipments.settlement import signal_order, write_off
from db.documents import ORDERS, REFUNDS, SHIPMENTS
from db.orders.tables import OrderRow
from db.outbox import signal
from db.payments import KnownEntry, find_by_key, record_entry
from db.shipments.captures import count_capture, plan_capture
from db.shipments.tables import ShipmentRow
from db.shipments.writes import shipment_lines_of
from db.tasks import TaskRow, answer_task
from domain.answers import RightAmount
from domain.documents import Document, Kind, Signal
from domain.errors import IllegalMove
from domain.money import Money
from domain.payments import POSTAGE, EntryKind, Phase, lower_capture
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
    fresh = await record_entry(
        db,
        asked.payment_id,
        asked.kind,
        Phase.SUCCEEDED,
        asked.key,
        amount,
        provider_reference=task.facts.get("reference"),
        shipment_id=asked.shipment_id,
        refund_id=asked.refund_id,
        event=ORDERS.event(order, f"payment_{EVENTS[asked.kind]}", decision.actor, data),
    )
    if not fresh:
        return
    if asked.refund_id is not None:
        refund = await REFUNDS.lock(db, asked.refund_id)
        await settle_refund(db, refund, amount, task.facts.get("reference"), actor=decision.actor)
        await signal(db, Document(Kind.REFUND, asked.refund_id), Signal.PAYMENT_REPORTED)
        return
    if asked.shipment_id is not None:
        shipment = await SHIPMENTS.lock(db, asked.shipment_id)
        await _settle_shipment(db, order, shipment, asked, amount)
        return
    # Also of an order that has ended: its run is started again and drops what is still reserved.
    await signal(db, Document(Kind.ORDER, order.id), Signal.PAYMENT_REPORTED)


async def _settle_shipment(
    db: AsyncConnection, order: OrderRow, shipment: ShipmentRow, asked: KnownEntry, amount: int
) -> None:
    """Count what was captured or given back for a shipment, as its own step would have."""
    if asked.kind == EntryKind.REFUND:
        if shipment.settled_at is None:
            await write_off(db, order, shipment, refunded=amount)
        elif not asked.key.endswith(f"/{POSTAGE}"):
            await recount_refund(db, shipment, asked.key, amount)
    else:
        if amount < asked.amount:
            by_line: dict[Any, int] = {}
            for part in await shipment_lines_of(db, shipment.id):
                by_line[part.order_line_id] = (
                    by_line.get(part.order_line_id, 0) + part.capture_amount
                )
            lines, shipping = lower_capture(amount, by_line, shipment.capture_shipping_amount)
            await plan_capture(db, shipment.id, lines, shipping)
        await count_capture(db, shipment.id)
        if shipment.settled_at is not None:
            await signal_order(db, shipment)
    await signal(db, Document(Kind.SHIPMENT, shipment.id), Signal.CARRIER_REPORTED)
