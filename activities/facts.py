"""The intake of partners' facts: applied to the rows, and signalled where they matter to a run."""

from collections.abc import Collection, Sequence
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.amounts import question_amount
from activities.payments.provider import EVENTS
from activities.payments.review import review_declines
from activities.shipments.scans import apply_scans
from db.documents import ORDERS
from db.engine import Database
from db.facts import lock_facts, note_facts
from db.orders.tables import OrderRow
from db.outbox import signal
from db.payments import KnownEntry, find_by_key, record_entry
from db.tasks import open_task
from domain.documents import Document, Kind, Signal
from domain.money import Money
from domain.orders.status import OrderStatus
from domain.payments import EntryKind, Intent, Phase
from domain.tasks import TaskKind
from gateways.carriers.port import CarrierPartner, Scan
from gateways.partners import PARTNERS
from gateways.payments.port import Outcome, PaymentEvent, PaymentsPartner
from gateways.webhooks import UnknownEvent


class UnknownDocument(Exception):
    """The fact is about something that does not exist here, or not yet."""


class FactIntake:
    """Applies stored facts; a repeat finds nothing to do."""

    def __init__(self, books: Database) -> None:
        """Apply facts to these books."""
        self._books = books

    async def apply(
        self, fact_ids: Collection[UUID], *, give_up: Collection[UUID] = ()
    ) -> set[UUID]:
        """Apply facts in one transaction, as they came; return those that stay in the outbox.

        A fact waits while what it is about is unknown; one of ``give_up`` becomes a task instead.
        """
        async with self._books.begin() as db:
            notes: dict[UUID, tuple[str, str]] = {}
            unknown: dict[UUID, str] = {}
            scans: dict[UUID, tuple[CarrierPartner, Scan]] = {}
            facts = {
                fact.id: fact
                for fact in await lock_facts(db, fact_ids)
                if fact.state not in ("applied", "ignored")
            }
            # Payments come first, because everyone locks orders before shipments.
            for fact_id, fact in facts.items():
                notes[fact_id] = ("applied", "")
                raw = orjson.dumps(fact.payload)
                try:
                    match PARTNERS.get(fact.provider):
                        case CarrierPartner() as carrier:
                            scans[fact_id] = (carrier, carrier.parse(raw))
                        case PaymentsPartner() as provider:
                            await _apply_payment(db, provider.name, provider.parse(raw))
                        case None:
                            raise UnknownDocument(f"{fact.provider} is no partner any more")
                except UnknownEvent:
                    notes[fact_id] = ("ignored", "this kind of event means nothing to us")
                except UnknownDocument as problem:
                    unknown[fact_id] = str(problem)
            unknown |= await apply_scans(db, scans)
            for fact_id, missing in unknown.items():
                notes[fact_id] = ("ignored" if fact_id in give_up else "waiting", missing)
                if fact_id in give_up:
                    about = {"provider": facts[fact_id].provider, "problem": missing}
                    await open_task(db, TaskKind.UNKNOWN_DOCUMENT, "fact", fact_id, about)
            waiting = {fact_id for fact_id in unknown if fact_id not in give_up}
            await note_facts(db, notes, done=set(fact_ids) - waiting)
            return waiting


async def _apply_payment(db: AsyncConnection, provider: str, event: PaymentEvent) -> None:
    entries = await find_by_key(db, event.result.key)
    if not entries or entries[0].provider != provider:
        raise UnknownDocument(f"no payment at {provider} has the key {event.result.key}")
    asked = entries[0]
    told = event.result.amount
    ours = Money(amount=asked.amount, currency=asked.currency)
    succeeded = event.result.outcome is Outcome.SUCCEEDED
    phase = Phase.SUCCEEDED if succeeded else Phase.FAILED
    matches = told == ours or not succeeded
    if matches and not _is_news(entries, phase):
        # An echo of our own request: the step that asked records the answer that it got.
        return
    order = await ORDERS.lock(db, asked.order_id)
    under_way = {entry.phase for entry in await find_by_key(db, asked.key)} == {Phase.REQUESTED}
    if not matches:
        intent = Intent(asked.payment_id, asked.kind, asked.key, ours, asked.shipment_id)
        if await question_amount(db, order, intent, event.result):
            await _signal_order(db, order)
        return
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
    if fresh and not succeeded:
        await review_declines(db, order)
    # The step under way, if one is, looks at the entries when it records the answer that it got.
    if fresh and not (under_way and order.status == OrderStatus.PENDING):
        await _signal_order(db, order)


async def _signal_order(db: AsyncConnection, order: OrderRow) -> None:
    """Have the order's run look at its money, where that changes its path."""
    if order.status in (OrderStatus.PENDING, OrderStatus.CANCELLED):
        await signal(db, Document(Kind.ORDER, order.id), Signal.PAYMENT_REPORTED)


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
