"""The capture of an order that pays when it is confirmed: all of its money, before anything leaves.

In the three parts of every movement of money (activities/payments/provider.py). Refused, nothing of
the order gets a label before finance has settled it.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders.changing import note_cancellation
from activities.payments.provider import execute, look_up, record_intent, record_outcome
from activities.payments.receiving import count_receipts, review_receipts
from activities.refunds.cancelled import give_cancelled_back
from db.documents import ORDERS
from db.engine import Database
from db.ledgers import Ledger, ledger_of
from db.orders.captures import count_order_capture, is_due, last_retry, plan_order_capture
from db.orders.tables import OrderRow
from db.orders.writes import counters_of, lines_of
from db.outbox import signal
from db.tasks import TaskRow, answer_task, lock_task, open_task
from domain.answers import CaptureAnswer
from domain.documents import Document, Kind, Signal
from domain.ids import OrderId
from domain.money import Money, share
from domain.orders.requests import check_cancellable
from domain.orders.status import CancelReason, OrderStatus
from domain.payments import EntryKind, Intent, Phase, Refusal, add_up, capture_key
from domain.tasks import Decision, TaskKind, TaskStatus
from gateways.payments.port import Outcome, PaymentProvider, PaymentResult


async def capture_order(books: Database, provider: PaymentProvider, order_id: OrderId) -> None:
    """Take a confirmed order's money, or learn how that ended; silent while it is not due."""
    async with books.begin() as db:
        intent = await _intent(db, await ORDERS.lock(db, order_id))
    if intent is None:
        return
    result = await execute(provider, intent)
    async with books.begin() as db:
        await _settle(db, await ORDERS.lock(db, order_id), intent, result)


async def end_order_capture(books: Database, provider: PaymentProvider, order_id: OrderId) -> None:
    """Learn how the capture of an order ended that was cancelled meanwhile; it is not sent again.

    What was taken goes back.
    """
    async with books.begin() as db:
        order = await ORDERS.lock(db, order_id)
        intent = await _asked(db, order, await ledger_of(db, order_id))
    if intent is None or order.status != OrderStatus.CANCELLED:
        return
    result = await look_up(provider, intent)
    async with books.begin() as db:
        await _settle(db, await ORDERS.lock(db, order_id), intent, result)


def is_of_order(key: str, order_id: UUID) -> bool:
    """Whether a capture's key is that of an order, and not of one of its shipments."""
    ours = capture_key(order_id)
    return key == ours or key.startswith(f"{ours}/")


async def book_order_capture(db: AsyncConnection, order: OrderRow, amount: int) -> None:
    """Count what was taken (minor units) on all lines of a locked order that it was asked for.

    What was cancelled since goes back.
    """
    await count_receipts(db, order, amount)
    await give_cancelled_back(db, await ORDERS.lock(db, order.id))


async def book_receipts(db: AsyncConnection, order: OrderRow) -> None:
    """Count what came by bank transfer on all lines of a locked order that it confirms."""
    await plan_order_capture(db, order.id)
    captured = add_up((await ledger_of(db, order.id)).values).captured
    if captured:
        await book_order_capture(db, order, captured)
    await review_receipts(db, await ORDERS.lock(db, order.id))


async def unbook_order_capture(
    db: AsyncConnection, order: OrderRow, amount: Money, told: PaymentResult
) -> None:
    """Take off a locked order what was captured and taken back again, and ask finance."""
    await count_order_capture(db, order.id, {}, 0)
    refused = Refusal(code=told.failure_code, message=told.failure_message, amount=amount)
    await _ask(db, order, amount, refused)


async def settle_refused_capture(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Record how finance settles an order whose money could not be taken; its run goes on.

    Raises IllegalMove for what was not offered or is decided, and for cancelling what has left.
    """
    order = await ORDERS.lock(db, task.document_id)
    asked = (await lock_task(db, task.id)).status == TaskStatus.OPEN
    cancels = asked and decision.choice == CaptureAnswer.CANCEL
    if cancels:
        lines = [counters_of(line) for line in await lines_of(db, order.id)]
        check_cancellable(OrderStatus(order.status), lines)
    await answer_task(db, decision)
    if cancels and order.cancel_requested_at is None:
        await note_cancellation(db, order, CancelReason.PAYMENT_FAILED, decision.actor)
    await signal(db, Document(Kind.ORDER, order.id), Signal.PAYMENT_REPORTED)


async def _intent(db: AsyncConnection, order: OrderRow) -> Intent | None:
    """Record that all units which are not cancelled are to be paid for; None when nothing is due.

    A refused capture is not tried again by itself: a person's decision gives a new key.
    """
    if not await is_due(db, order.id):
        return None
    ledger = await ledger_of(db, order.id)
    key = capture_key(order.id, await last_retry(db, order.id))
    phases = ledger.phases(key)
    payment = ledger.asked_for(key) or ledger.drawn_on
    if not phases:
        await plan_order_capture(db, order.id)
    amount = await _planned(db, order)
    if payment is None or not phases <= {Phase.REQUESTED}:
        # The answer to that was lost with what a person was asked.
        await _ask(db, order, Money(amount=amount, currency=order.currency))
        return None
    return await record_intent(db, payment, EntryKind.CAPTURE, key, amount)


async def _asked(db: AsyncConnection, order: OrderRow, ledger: Ledger) -> Intent | None:
    """Return the capture of an order that has no outcome yet."""
    for entry in ledger.entries:
        value = entry.value
        undecided = ledger.phases(value.key) == {Phase.REQUESTED}
        if undecided and value.kind is EntryKind.CAPTURE and is_of_order(value.key, order.id):
            payment = ledger.payment(entry.payment_id)
            return await record_intent(db, payment, EntryKind.CAPTURE, value.key, value.amount)
    return None


async def _planned(db: AsyncConnection, order: OrderRow) -> int:
    rows = await lines_of(db, order.id)
    goods = sum(share(row.total_amount, row.captured_units, row.quantity, 0) for row in rows)
    return goods + _shipping(order)


async def _settle(
    db: AsyncConnection, order: OrderRow, intent: Intent, result: PaymentResult
) -> None:
    fresh = await record_outcome(db, order, intent, result)
    if fresh and result.outcome is Outcome.SUCCEEDED:
        await book_order_capture(db, order, intent.amount.amount)
    elif fresh:
        code, words = result.failure_code, result.failure_message
        await _ask(
            db, order, intent.amount, Refusal(code=code, message=words, amount=intent.amount)
        )


async def _ask(
    db: AsyncConnection, order: OrderRow, amount: Money, refused: Refusal | None = None
) -> None:
    """Ask finance about money of an order that goes on without it; silent while that is asked."""
    if order.status == OrderStatus.CANCELLED:
        return
    facts = {
        "order": order.number,
        "order_id": order.id,
        "amount": amount.model_dump(),
        "failure_code": refused.code if refused else "",
        "refused": refused.model_dump() if refused else None,
    }
    told = f"The provider refused to pay {refused}." if refused else ""
    await open_task(db, TaskKind.CAPTURE_REFUSED, Kind.ORDER, order.id, facts, told=told)


def _shipping(order: OrderRow) -> int:
    return order.shipping_amount + order.shipping_tax_amount
