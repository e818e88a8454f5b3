"""Captures and voids by hand: finance asks, the order's run has the provider do it, once.

In the three parts of every movement of money (activities/payments/provider.py): what is asked for
is an entry without an outcome, which keeps the money from being asked for twice.
"""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.coverage import current_ledger, money_needed, stop_uncovered
from activities.payments.provider import execute, look_up, record_intent, record_outcome
from activities.payments.refused import ask_about_refused
from activities.refunds.surplus import give_surplus_back
from activities.shipments.departure import ask_about_capture
from activities.shipments.prepaid import pay_what_left
from db.documents import ORDERS
from db.engine import Database
from db.ledgers import Ledger, ledger_of
from db.orders.by_hand import find_order_of
from db.orders.tables import OrderRow
from db.outbox import signal
from db.payments import PaymentRow
from db.shipments.captures import is_untried
from db.shipments.tables import ShipmentRow
from db.tasks import is_open
from domain.access import EVERYTHING, Reach
from domain.documents import Document, Kind, Signal
from domain.errors import IllegalMove, NotFound
from domain.ids import OrderId
from domain.money import Money
from domain.orders.by_hand import (
    CapturePayment,
    MoveByHand,
    Room,
    VoidPayment,
    capture_by_hand_key,
    is_by_hand,
    moving,
    to_capture,
    to_void,
    void_by_hand_key,
)
from domain.orders.status import RUNNING, CaptureOn, OrderStatus
from domain.payments import Entry, EntryKind, Intent, Phase, Refusal, add_up
from domain.tasks import TaskKind
from gateways.payments.port import Outcome, PaymentProvider

_CAPTURE, _VOID = EntryKind.CAPTURE, EntryKind.VOID


async def capture_by_hand(
    db: AsyncConnection,
    payment_id: UUID,
    request_id: UUID,
    asked: CapturePayment,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Have money taken that a payment keeps reserved and its order still needs.

    Raises NotFound, also out of ``reach``, AmountExceeded, CurrencyMismatch, and IllegalMove while
    the order is being cancelled, and for one whose money is taken as a whole.
    """
    order, ledger = await _lock(db, payment_id, reach)
    asked_to_end = order.cancel_requested_at is not None and order.status in RUNNING
    if asked_to_end or order.status == OrderStatus.CANCELLED:
        raise IllegalMove(
            "the order is cancelled, or about to be", current_status=order.status, allowed=[]
        )
    if order.capture_on == CaptureOn.CONFIRMATION:
        raise IllegalMove(
            "the order's money is taken as a whole, when it is confirmed",
            current_status=order.status,
            allowed=[],
        )
    payment = ledger.payment(payment_id)
    amount = to_capture(asked, await _room(db, order, ledger, payment))
    key = capture_by_hand_key(payment_id, request_id)
    await _ask(db, order, payment, _CAPTURE, key, amount, asked, actor)


async def void_by_hand(
    db: AsyncConnection,
    payment_id: UUID,
    request_id: UUID,
    asked: VoidPayment,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Have money let go that a payment keeps reserved and, unless told so, its order needs not.

    Raises NotFound, also out of ``reach``, AmountExceeded and CurrencyMismatch.
    """
    order, ledger = await _lock(db, payment_id, reach)
    payment = ledger.payment(payment_id)
    amount = to_void(asked, await _room(db, order, ledger, payment))
    key = void_by_hand_key(payment_id, request_id)
    await _ask(db, order, payment, _VOID, key, amount, asked, actor)


def is_under_way(ledger: Ledger) -> bool:
    """Whether something that was asked for by hand has no outcome yet."""
    return any(True for _ in _undecided(ledger))


async def carry_out(books: Database, provider: PaymentProvider, order_id: UUID) -> None:
    """Do at the provider what was asked for by hand of an order's money, or learn how it ended.

    Each is asked of the provider once; an outcome that is in question is left to finance, and of
    the provider's no finance is told. For an order that was cancelled nothing is captured any more.
    """
    asked: set[str] = set()
    while True:
        async with books.begin() as db:
            order = await ORDERS.lock(db, order_id)
            intent = await _next(db, await ledger_of(db, order_id), asked)
        if intent is None:
            return
        asked.add(intent.key)
        late = intent.kind is _CAPTURE and order.status == OrderStatus.CANCELLED
        result = await (look_up if late else execute)(provider, intent)
        async with books.begin() as db:
            order = await ORDERS.lock(db, order_id)
            fresh = await record_outcome(db, order, intent, result)
            if fresh and result.outcome is Outcome.SUCCEEDED:
                await book_by_hand(db, order, intent.kind)
            elif fresh and not late:
                code, words = result.failure_code, result.failure_message
                refused = Refusal(code=code, message=words, amount=intent.amount)
                await ask_about_refused(db, order, intent.kind, refused, by_hand=True)


async def book_by_hand(
    db: AsyncConnection, order: OrderRow, kind: EntryKind, *, ask: bool = False
) -> None:
    """Count what has just moved by hand of a locked order's money.

    What was taken pays for what has left, and what nothing needs goes back. With ``ask`` the money
    for goods that are still unpaid then is captured now, or finance is asked about it. What was
    let go may stop the order.
    """
    await ORDERS.change(db, order)
    if kind is _VOID:
        await stop_uncovered(db, order)
    if kind is _CAPTURE or ask:
        ledger = await ledger_of(db, order.id)
        for shipment, _ in await pay_what_left(db, ledger, order):
            if ask:
                await _take_or_ask(db, shipment)
    if kind is _CAPTURE:
        await give_surplus_back(db, order)


async def _take_or_ask(db: AsyncConnection, shipment: ShipmentRow) -> None:
    """Have a shipment's run take what was not asked for yet; else ask finance about it."""
    if await is_untried(db, shipment.id):
        await signal(db, Document(Kind.SHIPMENT, shipment.id), Signal.CARRIER_REPORTED)
    else:
        await ask_about_capture(db, shipment)


async def is_questioned(db: AsyncConnection, order_id: UUID) -> bool:
    """Whether finance is asked which amount of an order's money has moved."""
    return await is_open(db, TaskKind.PAYMENT_MISMATCH, order_id)


async def _lock(db: AsyncConnection, payment_id: UUID, reach: Reach) -> tuple[OrderRow, Ledger]:
    order_id = await find_order_of(db, payment_id)
    order = None if order_id is None else await ORDERS.lock(db, order_id)
    if order is None or not reach.covers(order.customer_id, order.source):
        raise NotFound(f"there is no payment {payment_id}")
    return order, await current_ledger(db, order)


async def _room(db: AsyncConnection, order: OrderRow, ledger: Ledger, payment: PaymentRow) -> Room:
    entries = ledger.of(payment.id)
    reserved = sum(max(0, add_up(ledger.of(row.id)).authorized) for row in ledger.payments)
    captured = add_up(ledger.values).captured
    needed = await money_needed(db, order, captured) - captured
    taking, dropping = (moving(ledger.values, kind) for kind in (_CAPTURE, _VOID))
    return Room(
        currency=payment.currency,
        free=max(0, add_up(entries).authorized - moving(entries, _CAPTURE, _VOID)),
        needed=max(0, needed - taking),
        spare=reserved - dropping - max(0, needed),
    )


async def _ask(
    db: AsyncConnection,
    order: OrderRow,
    payment: PaymentRow,
    kind: EntryKind,
    key: str,
    amount: int,
    asked: MoveByHand,
    actor: str,
) -> None:
    await record_intent(db, payment, kind, key, amount)
    await ORDERS.change(db, order)
    data = {
        "payment_id": payment.id,
        "kind": kind,
        "amount": Money(amount=amount, currency=payment.currency).model_dump(),
        "reason": asked.reason,
    }
    await ORDERS.add_event(db, order, f"payment_{kind}_requested", actor, data)
    await signal(db, Document(Kind.ORDER, OrderId(order.id)), Signal.PAYMENT_REPORTED)


def _undecided(ledger: Ledger) -> Iterator[tuple[UUID, Entry]]:
    for payment_id, entry in ((each.payment_id, each.value) for each in ledger.entries):
        open_ = ledger.phases(entry.key) == {Phase.REQUESTED}
        if open_ and is_by_hand(entry.kind, entry.key, payment_id):
            yield payment_id, entry


async def _next(db: AsyncConnection, ledger: Ledger, asked: set[str]) -> Intent | None:
    for payment_id, entry in _undecided(ledger):
        if entry.key not in asked:
            payment = ledger.payment(payment_id)
            return await record_intent(db, payment, entry.kind, entry.key, entry.amount)
    return None
