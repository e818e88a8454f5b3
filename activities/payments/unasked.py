"""Money that the provider moved by itself: refunds of its dashboard, chargebacks, dropped reserves.

It is booked at once, matched by the authorization, and finance is asked or told.
"""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.holds import place
from activities.payments.coverage import stop_uncovered
from activities.payments.provider import EVENTS
from activities.payments.reversals import PROVIDER
from activities.refunds.accepting import begin_refund, record_made_by_provider
from db.documents import ORDERS
from db.ledgers import Ledger, ledger_of
from db.orders.tables import OrderRow
from db.orders.writes import counters_of, lines_of
from db.outbox import signal
from db.payments import PaymentRow, find_by_key, record_entry
from db.refunds.refundable import paid_order
from db.refunds.tables import RefundRow
from db.refunds.writes import write_refund
from db.tasks import cancel_tasks, is_open, open_task
from domain.documents import Document, Kind, Signal
from domain.holds import HoldPlacement, HoldReason
from domain.ids import new_id
from domain.money import Money
from domain.orders.status import RUNNING
from domain.payments import Entry, EntryKind, Phase, add_up, own_keys
from domain.refunds.attempts import after_all_key
from domain.refunds.rules import unasked
from domain.refunds.status import RefundSource
from domain.tasks import TaskKind
from gateways.payments.port import Outcome, PaymentResult

BY_THEMSELVES = frozenset({EntryKind.REFUND, EntryKind.CHARGEBACK, EntryKind.VOID})
"""What providers do without being asked, and the books have a place for."""

_SUPERSEDED = "superseded: a newer task asks about all that has moved"
_ASKED = {EntryKind.REFUND: TaskKind.UNASKED_REFUND, EntryKind.CHARGEBACK: TaskKind.CHARGEBACK}


async def record_unasked(
    db: AsyncConnection,
    order: OrderRow,
    payment: PaymentRow,
    kind: EntryKind,
    told: PaymentResult,
) -> bool:
    """Book what a provider did by itself with a locked order's money; False when it was booked.

    What failed there moved nothing, and is kept so that no late word of a success counts.
    """
    succeeded = told.outcome is Outcome.SUCCEEDED
    data = {
        "payment_id": payment.id,
        "kind": kind,
        "amount": told.amount.model_dump(),
        "source": PROVIDER,
    }
    what = EVENTS[kind] if succeeded else "failed"
    if await find_by_key(db, told.key):
        return False
    refund_id = None
    if kind is EntryKind.REFUND and succeeded:
        amount, reference = told.amount.amount, told.reference
        refund_id = await record_made_by_provider(db, order, payment.id, amount, reference)
    if not await record_entry(
        db,
        payment.id,
        kind,
        Phase.SUCCEEDED if succeeded else Phase.FAILED,
        told.key,
        told.amount.amount,
        provider_reference=told.reference,
        refund_id=refund_id,
        failure_code=told.failure_code,
        failure_message=told.failure_message,
        event=ORDERS.event(order, f"payment_{what}", PROVIDER, data),
    ):
        return False
    await ORDERS.change(db, order)
    if not succeeded:
        return True
    if kind is EntryKind.VOID:
        await stop_uncovered(db, order)
        return True
    await _ask(db, order, kind)
    if kind is EntryKind.CHARGEBACK:
        await _hold(db, order, told.amount)
    return True


async def record_after_all(
    db: AsyncConnection, order: OrderRow, refund: RefundRow, told: PaymentResult
) -> None:
    """Book that a try of a refund, which the provider had taken back, stands after all; once.

    As a refund of its own, because the books went on without it: it may be too much. Finance is
    asked, and nothing else follows.
    """
    key = after_all_key(told.key)
    if told.amount.currency != refund.currency or await find_by_key(db, key):
        return
    amount = told.amount.amount
    made = await record_made_by_provider(db, order, refund.payment_id, amount, told.reference)
    data = {
        "payment_id": refund.payment_id,
        "kind": EntryKind.REFUND,
        "amount": told.amount.model_dump(),
        "source": PROVIDER,
    }
    await record_entry(
        db,
        refund.payment_id,
        EntryKind.REFUND,
        Phase.SUCCEEDED,
        key,
        amount,
        provider_reference=told.reference,
        refund_id=made,
        event=ORDERS.event(order, f"payment_{EVENTS[EntryKind.REFUND]}", PROVIDER, data),
    )
    await ORDERS.change(db, order)
    said = f"A try of {refund.number} that had failed has succeeded after all: {told.amount}."
    await _ask(db, order, EntryKind.REFUND, said)


async def record_late_capture(
    db: AsyncConnection, order: OrderRow, payment: PaymentRow, told: PaymentResult
) -> bool:
    """Book what a provider took by itself for a locked cancelled order, and promise all of it back.

    It is not ours, so that no person is needed. False when it was booked.
    """
    if await find_by_key(db, told.key):
        return False
    data = {
        "payment_id": payment.id,
        "kind": EntryKind.CAPTURE,
        "amount": told.amount.model_dump(),
        "source": PROVIDER,
    }
    await record_entry(
        db,
        payment.id,
        EntryKind.CAPTURE,
        Phase.SUCCEEDED,
        told.key,
        told.amount.amount,
        provider_reference=told.reference,
        event=ORDERS.event(order, f"payment_{EVENTS[EntryKind.CAPTURE]}", PROVIDER, data),
    )
    refund = await write_refund(
        db,
        new_id(),
        order,
        payment.id,
        unasked(told.amount.amount, await paid_order(db, order)),
        source=RefundSource.CANCELLATION,
        reason="order_cancelled",
        actor="system",
    )
    await begin_refund(db, refund, by_person=False)
    await ORDERS.change(db, order)
    return True


async def ask_about_the_rest(db: AsyncConnection, order: OrderRow) -> None:
    """Ask finance, where it is being asked, about the chargebacks that are left after a win."""
    if not await is_open(db, TaskKind.CHARGEBACK, order.id):
        return
    if _by_provider(await ledger_of(db, order.id), EntryKind.CHARGEBACK):
        await _ask(db, order, EntryKind.CHARGEBACK)
    else:
        await cancel_tasks(db, order.id, TaskKind.CHARGEBACK)


async def _ask(db: AsyncConnection, order: OrderRow, kind: EntryKind, said: str = "") -> None:
    """Ask finance about all that moved so of an order: a second time, the question has both.

    ``said`` is what is known of the last of it.
    """
    ledger = await ledger_of(db, order.id)
    paid = add_up(ledger.values)
    moved = [_money(order, entry.amount) for entry in _by_provider(ledger, kind)]
    facts = {
        "order": order.number,
        "order_id": order.id,
        "moved": [money.model_dump() for money in moved],
        "refundable": _money(order, max(0, paid.refundable)).model_dump(),
        "too_much": _money(order, max(0, paid.returned - paid.captured)).model_dump(),
    }
    await cancel_tasks(db, order.id, _ASKED[kind], why=_SUPERSEDED)
    told = f"{order.number}: {', '.join(map(str, moved))}. {said}".rstrip()
    await open_task(db, _ASKED[kind], Kind.ORDER, order.id, facts, told=told)


def _by_provider(ledger: Ledger, kind: EntryKind) -> list[Entry]:
    asked = own_keys(ledger.values)
    taken_back = {entry.key for entry in ledger.values if entry.phase is Phase.REVERSED}
    return [
        entry
        for entry in ledger.values
        if entry.kind is kind
        and entry.phase is Phase.SUCCEEDED
        and entry.key not in asked | taken_back
    ]


async def _hold(db: AsyncConnection, order: OrderRow, amount: Money) -> None:
    """Stop what has not left of a running order; one that has ended stays as it is."""
    unsent = any(counters_of(line).open for line in await lines_of(db, order.id))
    if order.status not in RUNNING or not unsent:
        return
    document = Document(Kind.ORDER, order.id)
    placement = HoldPlacement(
        document=document,
        hold_id=new_id(),
        reason=HoldReason.FRAUD_REVIEW,
        note=f"{amount} was charged back by the cardholder's bank",
        actor="system",
    )
    await place(db, order, placement)
    await signal(db, document, Signal.PAYMENT_REPORTED)


def _money(order: OrderRow, amount: int) -> Money:
    return Money(amount=amount, currency=order.currency)
