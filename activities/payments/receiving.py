"""Receipts: money that people tell us of, because no provider does. Use cases in a transaction."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders.waiting import wake_waiting
from activities.refunds.leftover import give_leftover_back, overpaid_by
from db.documents import ORDERS
from db.ledgers import ledger_of
from db.orders.captures import count_order_capture
from db.orders.tables import OrderRow
from db.orders.writes import lines_of
from db.outbox import signal
from db.payments import find_by_key, record_entry
from db.reads.payments import get_payment
from db.tasks import TaskRow, answer_task, cancel_tasks, find_open, lock_task, open_task
from domain.access import EVERYTHING, Reach
from domain.answers import OverpaidAnswer
from domain.documents import Document, Kind, Signal
from domain.errors import AlreadyExists, CurrencyMismatch, Malformed
from domain.money import Money, share
from domain.orders.receipts import PaymentMethod, RecordReceipt, check_provider, receipt_key
from domain.orders.status import OrderStatus
from domain.payments import EntryKind, Phase, add_up, lower_capture
from domain.tasks import Decision, TaskKind, TaskStatus

_SUPERSEDED = "superseded: a newer task asks about all that is too much"


async def record_receipt(
    db: AsyncConnection,
    payment_id: UUID,
    receipt: RecordReceipt,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Book that money has come without a provider, once per reference; its order's run looks.

    What is more than the order owes is asked about, and what comes for a cancelled one goes back.
    Of an order on terms it frees credit for others of its customer.
    Raises NotFound, IllegalMove for a payment of a provider's, Malformed, and AlreadyExists for
    another amount or day under a reference that is known.
    """
    payment = await get_payment(db, payment_id, reach)
    check_provider(payment.provider)
    order = await ORDERS.lock(db, payment.order_id)
    amount = _amount(receipt, payment.currency)
    key = receipt_key(payment_id, receipt.reference)
    if known := await find_by_key(db, key):
        if (known[0].amount, known[0].received_on) != (amount, receipt.received_on):
            raise AlreadyExists(
                f"{receipt.reference} was recorded with another amount or day", id=str(payment_id)
            )
        return
    data = {
        "payment_id": payment_id,
        "kind": EntryKind.CAPTURE,
        "amount": receipt.amount.model_dump(),
        "received_on": receipt.received_on,
    }
    event = ORDERS.event(order, "payment_received", actor, data)
    for phase in (Phase.REQUESTED, Phase.SUCCEEDED):
        await record_entry(
            db,
            payment_id,
            EntryKind.CAPTURE,
            phase,
            key,
            amount,
            provider_reference=receipt.reference,
            received_on=receipt.received_on,
            event=event if phase is Phase.SUCCEEDED else None,
        )
    await ORDERS.change(db, order)
    if order.payment_method == PaymentMethod.NET_TERMS:
        await _count_on_terms(db, order)
        await wake_waiting(db, order.customer_id)
    await review_receipts(db, await ORDERS.lock(db, order.id))
    await signal(db, Document(Kind.ORDER, order.id), Signal.PAYMENT_REPORTED)


async def count_receipts(db: AsyncConnection, order: OrderRow, amount: int) -> None:
    """Count what has come in all (minor units) on the lines of a locked order that are to pay."""
    rows = await lines_of(db, order.id)
    by_line = {row.id: share(row.total_amount, row.captured_units, row.quantity, 0) for row in rows}
    shipping = order.shipping_amount + order.shipping_tax_amount
    lines, rest = lower_capture(amount, by_line, shipping)
    await count_order_capture(db, order.id, lines, rest)


async def _count_on_terms(db: AsyncConnection, order: OrderRow) -> None:
    """Count what has come for a locked order on terms; before its confirmation that does so."""
    if order.confirmed_at is not None and order.status != OrderStatus.CANCELLED:
        await count_receipts(db, order, add_up((await ledger_of(db, order.id)).values).captured)


async def review_receipts(db: AsyncConnection, order: OrderRow) -> None:
    """Give back what came for a locked cancelled order; ask finance about more than is owed.

    What is asked already about another amount is asked anew: units may be cancelled meanwhile.
    """
    if order.status == OrderStatus.CANCELLED:
        await give_leftover_back(db, order, "order_cancelled")
        return
    more = await overpaid_by(db, order)
    if more <= 0:
        await cancel_tasks(db, order.id, TaskKind.OVERPAID)
        return
    money = Money(amount=more, currency=order.currency)
    asked = await find_open(db, TaskKind.OVERPAID, order.id)
    if asked is not None and asked.facts["amount"] == money.model_dump():
        return
    facts = {"order": order.number, "order_id": order.id, "amount": money.model_dump()}
    await cancel_tasks(db, order.id, TaskKind.OVERPAID, why=_SUPERSEDED)
    told = f"{order.number}: {money}."
    await open_task(db, TaskKind.OVERPAID, Kind.ORDER, order.id, facts, told=told)


async def settle_overpaid(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Record what becomes of money that is more than an order owes; give it back, if it is to be.

    No more goes back than the question told. Raises IllegalMove for what was not offered or is
    decided.
    """
    order = await ORDERS.lock(db, task.document_id)
    is_open = (await lock_task(db, task.id)).status == TaskStatus.OPEN
    await answer_task(db, decision)
    if is_open and decision.choice == OverpaidAnswer.GIVE_BACK:
        most = min(int(task.facts["amount"]["amount"]), await overpaid_by(db, order))
        await give_leftover_back(db, order, "overpaid", most)


def _amount(receipt: RecordReceipt, currency: str) -> int:
    if receipt.amount.currency != currency:
        raise CurrencyMismatch(
            f"the payment is in {currency}",
            errors=[{"pointer": "/amount/currency", "message": f"must be {currency}"}],
        )
    if not receipt.amount.amount:
        raise Malformed(
            "nothing came", errors=[{"pointer": "/amount/amount", "message": "more than 0"}]
        )
    return receipt.amount.amount
