"""Facts of payment providers: what they say happened to money, under our keys."""

from collections.abc import Sequence, Set

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.amounts import question_amount
from activities.payments.provider import EVENTS
from activities.payments.renewing import stop_unrenewed
from activities.payments.reversals import RestsOnIt, take_back
from activities.payments.review import review_declines
from activities.payments.unasked import (
    BY_THEMSELVES,
    ask_about_the_rest,
    record_late_capture,
    record_unasked,
)
from activities.refunds.cancelled import give_cancelled_back
from activities.refunds.stopping import wake_stopped
from db.documents import ORDERS
from db.ledgers import ledger_of
from db.orders.tables import OrderRow
from db.outbox import signal
from db.payments import KnownEntry, PaymentRow, find_authorized, find_by_key, record_entry
from db.refunds.attempts import is_pending, key_of
from domain.documents import Document, Kind, Signal
from domain.facts import FactEnd, applied, of_no_interest, questioned, waiting
from domain.money import Money
from domain.orders.status import RUNNING, OrderStatus
from domain.payments import EntryKind, Intent, Phase, add_up
from gateways.payments.port import Outcome, PaymentEvent

ECHO = "an echo of our own request, whose answer counts"


class NotInTheBooks(Exception):
    """The provider did what our books have no place for: a person must see to it."""


async def apply_payment(db: AsyncConnection, provider: str, event: PaymentEvent) -> FactEnd:
    """Record what a provider says of one of its operations; return what became of that.

    It is known by our key, or else by the provider's own name for it (payments R10). One about a
    key and an authorization that are not known here waits. Raises NotInTheBooks for
    what the books have no place for.
    """
    entries = await find_by_key(db, event.result.key)
    if not entries or entries[0].provider != provider:
        return await _of_no_key(db, provider, event)
    asked = entries[0]
    phases = {entry.phase for entry in entries}
    if event.result.outcome is not Outcome.SUCCEEDED and Phase.SUCCEEDED in phases:
        return await _taken_back(db, entries, event)
    if asked.refund_id is not None and Phase.REVERSED in phases:
        # It may be an echo that comes late, or the truth: the run asks the provider.
        await signal(db, Document(Kind.REFUND, asked.refund_id), Signal.PAYMENT_REPORTED)
        return applied(f"the provider is asked whether {asked.key} stands after all")
    if asked.refund_id is not None and await is_pending(db, asked.refund_id):
        # Its run asks only now and then; what it hears counts.
        await signal(db, Document(Kind.REFUND, asked.refund_id), Signal.PAYMENT_REPORTED)
    if (nothing := _no_news(asked, phases, event)) is not None:
        return nothing
    if _matches(asked, event):
        return await _record(db, asked, event)
    order = await ORDERS.lock(db, asked.order_id)
    intent = Intent(
        asked.payment_id,
        asked.kind,
        asked.key,
        _ours(asked),
        asked.shipment_id,
        refund_id=asked.refund_id,
    )
    if not await question_amount(db, order, intent, event.result):
        return of_no_interest("the amount is asked about or was decided")
    await _signal_order(db, order)
    theirs = event.result.amount.amount
    return questioned(f"{order.number}: {theirs} where {asked.amount} was asked for")


def _no_news(asked: KnownEntry, phases: Set[Phase], event: PaymentEvent) -> FactEnd | None:
    """Return what becomes of a report that changes nothing, or nothing yet; None when it does.

    Raises NotInTheBooks for a success of what had failed: our side has gone on without it. That
    an authorization which failed succeeds after all is no surprise.
    """
    of_authorization = asked.kind == EntryKind.AUTHORIZATION
    if event.result.outcome is not Outcome.SUCCEEDED:
        if phases == {Phase.REQUESTED} and not of_authorization:
            return waiting("the step that asked for it has not heard the answer yet")
        return None if _is_news(asked, phases, Phase.FAILED) else of_no_interest(ECHO)
    if Phase.FAILED in phases and Phase.SUCCEEDED not in phases and not of_authorization:
        if Phase.REQUESTED not in phases:
            return of_no_interest("the provider has told before that this failed")
        raise NotInTheBooks(
            f"the provider reports that the {asked.kind} of {_ours(asked)} has succeeded, which it"
            " had told otherwise"
        )
    if _matches(asked, event) and not _is_news(asked, phases, Phase.SUCCEEDED):
        return of_no_interest(ECHO)
    return None


async def _record(db: AsyncConnection, asked: KnownEntry, event: PaymentEvent) -> FactEnd:
    """Record how an authorization has ended."""
    order = await ORDERS.lock(db, asked.order_id)
    under_way = {entry.phase for entry in await find_by_key(db, asked.key)} == {Phase.REQUESTED}
    told = event.result
    succeeded = told.outcome is Outcome.SUCCEEDED
    phase = Phase.SUCCEEDED if succeeded else Phase.FAILED
    data = {"payment_id": asked.payment_id, "kind": asked.kind, "amount": told.amount.model_dump()}
    what = EVENTS[asked.kind] if succeeded else "failed"
    fresh = await record_entry(
        db,
        asked.payment_id,
        asked.kind,
        phase,
        asked.key,
        asked.amount,
        provider_reference=told.reference,
        failure_code=told.failure_code,
        failure_message=told.failure_message,
        expires_at=told.expires_at,
        event=ORDERS.event(order, f"payment_{what}", "provider", data),
    )
    if not fresh:
        return of_no_interest(ECHO)
    if not succeeded:
        await review_declines(db, order)
        await stop_unrenewed(db, order, asked.payment_id, told)
    # The step under way, if one is, looks at the entries when it records the answer that it got.
    if not (under_way and order.status == OrderStatus.PENDING):
        await _signal_order(db, order)
    return applied(f"{order.number}: {asked.kind} {phase}")


async def _taken_back(
    db: AsyncConnection, entries: Sequence[KnownEntry], event: PaymentEvent
) -> FactEnd:
    order = await ORDERS.lock(db, entries[0].order_id)
    done = next(entry for entry in entries if entry.phase is Phase.SUCCEEDED)
    try:
        end = await take_back(db, order, done, event.result)
    except RestsOnIt as reason:
        raise NotInTheBooks(str(reason)) from reason
    if done.kind is EntryKind.CHARGEBACK:
        await ask_about_the_rest(db, order)
        await wake_stopped(db, order.id)
        # While the bank had all of the money there was nothing to promise.
        await give_cancelled_back(db, order)
    return end


async def _of_no_key(db: AsyncConnection, provider: str, event: PaymentEvent) -> FactEnd:
    payment = await find_authorized(db, provider, event.authorization)
    if payment is None:
        return waiting(f"no payment at {provider} has the key {event.result.key}")
    order = await ORDERS.lock(db, payment.order_id)
    kind = EntryKind(event.kind)
    known = await key_of(db, payment.id, kind, event.result.reference)
    if known not in (None, event.result.key):
        # Our own after all, told without our key.
        result = event.result.model_copy(update={"key": known})
        return await apply_payment(db, provider, event.model_copy(update={"result": result}))
    if await _took_too_late(db, order, payment, event):
        if await record_late_capture(db, order, payment, event.result):
            return applied(f"{order.number}: {event.result.amount} go back, it is cancelled")
        return of_no_interest("the provider has told this before")
    if kind not in BY_THEMSELVES or event.result.amount.currency != payment.currency:
        raise NotInTheBooks(
            f"{order.number}: the provider reports a {kind} of {event.result.amount} that we did"
            " not ask for"
        )
    if await record_unasked(db, order, payment, kind, event.result):
        return applied(f"{order.number}: {kind} by the provider, {event.result.outcome}")
    return of_no_interest("the provider has told this before")


async def _took_too_late(
    db: AsyncConnection, order: OrderRow, payment: PaymentRow, event: PaymentEvent
) -> bool:
    """Whether the provider took money by itself that was reserved for a cancelled order."""
    told = event.result
    late = EntryKind(event.kind) is EntryKind.CAPTURE and order.status == OrderStatus.CANCELLED
    if not late or told.outcome is not Outcome.SUCCEEDED:
        return False
    reserved = add_up((await ledger_of(db, order.id)).of(payment.id)).authorized
    known = bool(await find_by_key(db, told.key))
    return known or (told.amount.currency == payment.currency and told.amount.amount <= reserved)


async def _signal_order(db: AsyncConnection, order: OrderRow) -> None:
    """Have the order's run look at its money, where that changes its path."""
    if order.status in (*RUNNING, OrderStatus.CANCELLED):
        await signal(db, Document(Kind.ORDER, order.id), Signal.PAYMENT_REPORTED)


def _ours(asked: KnownEntry) -> Money:
    return Money(amount=asked.amount, currency=asked.currency)


def _matches(asked: KnownEntry, event: PaymentEvent) -> bool:
    """Whether the amount is that which was asked for; a failure has moved none."""
    return event.result.outcome is not Outcome.SUCCEEDED or event.result.amount == _ours(asked)


def _is_news(asked: KnownEntry, phases: Set[Phase], phase: Phase) -> bool:
    """Whether a report adds to what is recorded under its key.

    Only of authorizations: the customer may decide about one before the step that asked for it
    has recorded that it waits for that, and one that we gave up may succeed after all. Captures,
    voids and refunds are counted by the steps that ask for them.
    """
    if asked.kind != EntryKind.AUTHORIZATION:
        return False
    return phase not in phases and Phase.SUCCEEDED not in phases
