"""Successes that the provider takes back: counted no more, with what follows from each kind."""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.confirming import is_of_order, unbook_order_capture
from activities.payments.coverage import book_end, is_covered, stop_uncovered
from activities.payments.refused import ask_about_refused
from activities.refunds.settling import unsettle_refund
from activities.shipments.departure import ask_about_capture
from activities.shipments.older_refunds import come_back
from db.documents import ORDERS, REFUNDS, SHIPMENTS
from db.ledgers import ledger_of
from db.orders.by_hand import prepaid_of
from db.orders.tables import OrderRow
from db.outbox import signal
from db.payments import KnownEntry, record_entry
from db.refunds.refundable import rests_on_capture
from db.shipments.captures import uncount_capture
from domain.documents import Document, Kind, Signal
from domain.facts import FactEnd, applied, of_no_interest
from domain.money import Money
from domain.orders.by_hand import is_by_hand
from domain.orders.status import RUNNING
from domain.payments import EntryKind, Phase, Refusal, add_up
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
    if done.kind is EntryKind.CAPTURE:
        await _check_kept(db, order, done)
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
        await come_back(db, order, done, told)
    if shipment is not None and done.kind is EntryKind.CAPTURE:
        await uncount_capture(db, shipment.id)
        await ask_about_capture(db, shipment)
        await signal(db, Document(Kind.SHIPMENT, shipment.id), Signal.CARRIER_REPORTED)
    if done.kind is EntryKind.CAPTURE and is_of_order(done.key, order.id):
        await unbook_order_capture(db, order, money, told)
    await _ask_who_relied(db, order, done, told)
    return _reversed(order, done)


async def _ask_who_relied(
    db: AsyncConnection, order: OrderRow, done: KnownEntry, told: PaymentResult
) -> None:
    """Tell a person of a void, or of what was by hand; goods that are no longer covered wait."""
    by_hand = is_by_hand(done.kind, done.key, done.payment_id)
    if not by_hand and done.kind is not EntryKind.VOID:
        return
    money = Money(amount=done.amount, currency=done.currency)
    refused = Refusal(code=told.failure_code, message=told.failure_message, amount=money)
    await ask_about_refused(db, order, done.kind, refused, by_hand=by_hand, after_all=True)
    if by_hand and order.status in RUNNING:
        await is_covered(db, order)
        await signal(db, Document(Kind.ORDER, order.id), Signal.PAYMENT_REPORTED)


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


async def _check_kept(db: AsyncConnection, order: OrderRow, done: KnownEntry) -> None:
    ledger = await ledger_of(db, order.id)
    by_hand = is_by_hand(done.kind, done.key, done.payment_id)
    if by_hand and await prepaid_of(db, order.id) < done.amount:
        raise RestsOnIt(
            f"{order.number}: the provider takes the money back that was captured by hand, and that"
            " has paid for goods that left, or goes back"
        )
    if await rests_on_capture(db, ledger, done.payment_id, done.shipment_id, done.amount):
        raise RestsOnIt(
            f"{order.number}: the provider takes the money back that it had captured, and of"
            " which we have given money back"
        )
