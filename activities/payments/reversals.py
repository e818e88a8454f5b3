"""Successes that the provider takes back: counted no more, with what follows from each kind."""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.coverage import book_end, stop_uncovered
from activities.refunds.settling import unsettle_refund
from activities.shipments.departure import ask_about_capture
from activities.shipments.failed_refunds import ask_about_refund, uncount_refund
from db.documents import ORDERS, REFUNDS, SHIPMENTS
from db.ledgers import ledger_of
from db.orders.tables import OrderRow
from db.outbox import signal
from db.payments import KnownEntry, record_entry
from db.refunds.refundable import rests_on_capture
from db.shipments.captures import uncount_capture
from db.shipments.tables import ShipmentRow
from db.tasks import open_task
from domain.documents import Document, Kind, Signal
from domain.facts import FactEnd, applied, of_no_interest
from domain.money import Money
from domain.payments import EntryKind, Phase, Refusal, add_up
from domain.tasks import TaskKind
from gateways.payments.port import PaymentResult

PROVIDER = "provider"
"""The actor of what a provider does by itself."""


class RestsOnIt(Exception):
    """Other money has moved because of what is taken back: a person has to untangle that."""


_TOLD = of_no_interest("the provider has told before that it took this back")


async def take_back(
    db: AsyncConnection, order: OrderRow, done: KnownEntry, told: PaymentResult
) -> FactEnd:
    """Book that a success of a locked order's money has failed after all; once.

    Raises RestsOnIt for a capture of which money was given back meanwhile.
    """
    if done.kind is EntryKind.AUTHORIZATION:
        return await _end(db, order, done, told)
    shipment = await SHIPMENTS.lock(db, done.shipment_id) if done.shipment_id else None
    if done.kind is EntryKind.CAPTURE and shipment is not None:
        await _check_kept(db, order, shipment, done)
    money = Money(amount=done.amount, currency=done.currency)
    data = {
        "payment_id": done.payment_id,
        "kind": done.kind,
        "amount": money.model_dump(),
        "failure_code": told.failure_code,
    }
    if not await record_entry(
        db,
        done.payment_id,
        done.kind,
        Phase.REVERSED,
        done.key,
        done.amount,
        provider_reference=told.reference,
        shipment_id=done.shipment_id,
        refund_id=done.refund_id,
        failure_code=told.failure_code,
        failure_message=told.failure_message,
        event=ORDERS.event(order, "payment_reversed", PROVIDER, data),
    ):
        return _TOLD
    await ORDERS.change(db, order)
    if done.refund_id is not None:
        await unsettle_refund(db, await REFUNDS.lock(db, done.refund_id), told)
        await signal(db, Document(Kind.REFUND, done.refund_id), Signal.PAYMENT_REPORTED)
    if shipment is not None and done.kind is EntryKind.REFUND:
        goods, postage = await uncount_refund(db, shipment, done.key, done.amount)
        await ask_about_refund(db, order, shipment, goods, postage)
    if shipment is not None and done.kind is EntryKind.CAPTURE:
        await uncount_capture(db, shipment.id)
        await ask_about_capture(db, shipment)
        await signal(db, Document(Kind.SHIPMENT, shipment.id), Signal.CARRIER_REPORTED)
    if done.kind is EntryKind.VOID:
        refused = Refusal(code=told.failure_code, message=told.failure_message, amount=money)
        facts = {"order": order.number, "refused": refused.model_dump()}
        words = f"The provider has not dropped the reservation of {refused} after all."
        await open_task(db, TaskKind.UNDO_FAILED, Kind.ORDER, order.id, facts, told=words)
    return _reversed(order, done)


async def _end(
    db: AsyncConnection, order: OrderRow, done: KnownEntry, told: PaymentResult
) -> FactEnd:
    """Book that nothing more is reserved; what was captured of it stays."""
    left = add_up((await ledger_of(db, order.id)).of(done.payment_id)).authorized
    if left <= 0:
        return of_no_interest("nothing was reserved any more by this authorization")
    code, words = told.failure_code, told.failure_message
    if not await book_end(db, order, done.payment_id, left, code, words, actor=PROVIDER):
        return of_no_interest("it was booked before that this authorization has ended")
    await stop_uncovered(db, order)
    return _reversed(order, done)


def _reversed(order: OrderRow, done: KnownEntry) -> FactEnd:
    return applied(f"{order.number}: {done.kind} reversed")


async def _check_kept(
    db: AsyncConnection, order: OrderRow, shipment: ShipmentRow, done: KnownEntry
) -> None:
    ledger = await ledger_of(db, order.id)
    if await rests_on_capture(db, ledger, done.payment_id, shipment.id, done.amount):
        raise RestsOnIt(
            f"{shipment.number}: the provider takes the money back that it had captured, and of"
            " which we have given money back"
        )
