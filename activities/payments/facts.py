"""Facts of payment providers: what they say happened to money, under our keys."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.amounts import question_amount
from activities.payments.provider import EVENTS
from activities.payments.review import review_declines
from db.documents import ORDERS
from db.orders.tables import OrderRow
from db.outbox import signal
from db.payments import KnownEntry, find_by_key, find_order_number, record_entry
from domain.documents import Document, Kind, Signal
from domain.facts import FactEnd, applied, of_no_interest, questioned, waiting
from domain.money import Money
from domain.orders.status import OrderStatus
from domain.payments import EntryKind, Intent, Phase
from gateways.payments.port import Outcome, PaymentEvent

ECHO = "an echo of our own request, whose answer counts"


class NotInTheBooks(Exception):
    """The provider did by itself what our books have no entry for: a person must see to it."""


async def apply_payment(db: AsyncConnection, provider: str, event: PaymentEvent) -> FactEnd:
    """Record what a provider says of one of its operations; return what became of that.

    One about a key and an authorization that are not known here waits. Raises NotInTheBooks for
    money that the provider moved without being asked, and for an end that it takes back.
    """
    entries = await find_by_key(db, event.result.key)
    if not entries or entries[0].provider != provider:
        return await _of_no_key(db, provider, event)
    asked = entries[0]
    told = event.result.amount
    ours = Money(amount=asked.amount, currency=asked.currency)
    succeeded = event.result.outcome is Outcome.SUCCEEDED
    phase = Phase.SUCCEEDED if succeeded else Phase.FAILED
    if _takes_back(entries, phase):
        raise NotInTheBooks(
            f"the provider reports that the {asked.kind} of {ours} has {phase}, which it had told"
            " otherwise"
        )
    matches = told == ours or not succeeded
    if matches and not _is_news(entries, phase):
        return of_no_interest(ECHO)
    order = await ORDERS.lock(db, asked.order_id)
    under_way = {entry.phase for entry in await find_by_key(db, asked.key)} == {Phase.REQUESTED}
    if not matches:
        intent = Intent(asked.payment_id, asked.kind, asked.key, ours, asked.shipment_id)
        if not await question_amount(db, order, intent, event.result):
            return of_no_interest("the amount is asked about or was decided")
        await _signal_order(db, order)
        return questioned(f"{order.number}: {told.amount} where {ours.amount} was asked for")
    data = {"payment_id": asked.payment_id, "kind": asked.kind, "amount": told.model_dump()}
    what = EVENTS[asked.kind] if succeeded else "failed"
    fresh = await record_entry(
        db,
        asked.payment_id,
        asked.kind,
        phase,
        asked.key,
        asked.amount,
        provider_reference=event.result.reference,
        failure_code=event.result.failure_code,
        failure_message=event.result.failure_message,
        event=ORDERS.event(order, f"payment_{what}", "provider", data),
    )
    if not fresh:
        return of_no_interest(ECHO)
    if not succeeded:
        await review_declines(db, order)
    # The step under way, if one is, looks at the entries when it records the answer that it got.
    if not (under_way and order.status == OrderStatus.PENDING):
        await _signal_order(db, order)
    return applied(f"{order.number}: {asked.kind} {phase}")


async def _of_no_key(db: AsyncConnection, provider: str, event: PaymentEvent) -> FactEnd:
    number = await find_order_number(db, provider, event.authorization)
    if number is not None:
        raise NotInTheBooks(
            f"{number}: the provider reports a {event.kind} of {event.result.amount} that we did"
            " not ask for"
        )
    return waiting(f"no payment at {provider} has the key {event.result.key}")


async def _signal_order(db: AsyncConnection, order: OrderRow) -> None:
    """Have the order's run look at its money, where that changes its path."""
    if order.status in (OrderStatus.PENDING, OrderStatus.CANCELLED):
        await signal(db, Document(Kind.ORDER, order.id), Signal.PAYMENT_REPORTED)


def _takes_back(entries: Sequence[KnownEntry], phase: Phase) -> bool:
    """Whether a report is the opposite of the end that is recorded under its key.

    That an authorization which failed succeeds after all is no surprise: it is news.
    """
    phases = {entry.phase for entry in entries}
    if phase is Phase.FAILED:
        return Phase.SUCCEEDED in phases
    failed = Phase.FAILED in phases and Phase.SUCCEEDED not in phases
    return failed and entries[0].kind != EntryKind.AUTHORIZATION


def _is_news(entries: Sequence[KnownEntry], phase: Phase) -> bool:
    """Whether a report adds to what is recorded under its key.

    Only of authorizations: the customer may decide about one before the step that asked for it
    has recorded that it waits for that, and one that we gave up may succeed after all. Captures,
    voids and refunds are counted by the steps that ask for them.
    """
    phases = {entry.phase for entry in entries}
    if entries[0].kind != EntryKind.AUTHORIZATION:
        return False
    return phase not in phases and Phase.SUCCEEDED not in phases
