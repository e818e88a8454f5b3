"""The intake of partners' facts: applied to the rows, and signalled where they matter to a run."""

from collections.abc import Collection, Mapping
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.facts import NotInTheBooks, apply_payment
from activities.shipments.scans import apply_scans
from db.engine import Database
from db.facts import InboundFactRow, lock_facts, note_facts
from db.tasks import open_task
from domain.facts import ENDED, FactEnd, FactState, of_no_interest, questioned, waiting
from domain.tasks import TaskKind
from gateways.carriers.port import CarrierPartner, Scan
from gateways.partners import PARTNERS
from gateways.payments.port import PaymentsPartner
from gateways.webhooks import IrrelevantEvent, UnknownEvent
from telemetry import metrics

LONGEST_RAW = 10_000
"""Characters of a fact that its task shows; all of it stays with the fact."""


class FactIntake:
    """Applies stored facts; a repeat finds nothing to do.

    A fact ends as applied, of no interest, or a task; it waits while what it is about is unknown.
    """

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
            ends: dict[UUID, FactEnd] = {}
            scans: dict[UUID, tuple[CarrierPartner, Scan]] = {}
            facts = await _lock_open(db, fact_ids)
            # Payments come first, because everyone locks orders before shipments.
            for fact_id, fact in facts.items():
                raw = orjson.dumps(fact.payload)
                try:
                    match PARTNERS.get(fact.provider):
                        case CarrierPartner() as carrier:
                            scans[fact_id] = (carrier, carrier.parse(raw))
                        case PaymentsPartner() as provider:
                            event = provider.parse(raw)
                            ends[fact_id] = await apply_payment(db, provider.name, event)
                        case None:
                            ends[fact_id] = waiting(f"{fact.provider} is no partner here")
                except IrrelevantEvent as reason:
                    ends[fact_id] = of_no_interest(str(reason))
                except (UnknownEvent, NotInTheBooks) as problem:
                    ends[fact_id] = await _question(db, fact, str(problem))
            ends |= await apply_scans(db, scans)
            for fact_id in ends.keys() & set(give_up):
                if ends[fact_id].state is FactState.WAITING:
                    missing, unknown = ends[fact_id].note, TaskKind.UNKNOWN_DOCUMENT
                    ends[fact_id] = await _question(db, facts[fact_id], missing, unknown)
            stay = {fact_id for fact_id, end in ends.items() if end.state is FactState.WAITING}
            await _note(db, facts, ends, done=set(fact_ids) - stay)
            return stay

    async def give_up(self, fact_id: UUID, problem: str) -> None:
        """Ask a person about a fact that cannot be applied, and apply it no more."""
        async with self._books.begin() as db:
            facts = await _lock_open(db, [fact_id])
            ends = {each: await _question(db, fact, problem) for each, fact in facts.items()}
            await _note(db, facts, ends, done=[fact_id])


async def _lock_open(db: AsyncConnection, fact_ids: Collection[UUID]) -> dict[UUID, InboundFactRow]:
    locked = await lock_facts(db, fact_ids)
    return {fact.id: fact for fact in locked if fact.state not in ENDED}


async def _question(
    db: AsyncConnection,
    fact: InboundFactRow,
    problem: str,
    kind: TaskKind = TaskKind.UNAPPLIED_FACT,
) -> FactEnd:
    raw = orjson.dumps(fact.payload).decode()[:LONGEST_RAW]
    about = {"provider": fact.provider, "event_id": fact.provider_event_id, "raw": raw}
    await open_task(db, kind, "fact", fact.id, {**about, "problem": problem})
    return questioned(problem)


async def _note(
    db: AsyncConnection,
    facts: Mapping[UUID, InboundFactRow],
    ends: Mapping[UUID, FactEnd],
    *,
    done: Collection[UUID],
) -> None:
    await note_facts(db, ends, done=done)
    for fact_id, end in ends.items():
        metrics.count(metrics.fact_ends.labels(facts[fact_id].provider, str(end.state)))
