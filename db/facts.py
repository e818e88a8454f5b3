"""The inbox of partners' facts: each kept as it came, once, with what became of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, func, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.engine import to_json
from db.metadata import Base, Id, one_of
from domain.facts import FactEnd, FactState

_DONE = "state IN ('applied', 'ignored', 'task')"


class InboundFactRow(Base):
    """A partner's webhook; ``waiting`` while what it is about does not exist yet."""

    __tablename__ = "inbound_facts"
    __table_args__ = (
        one_of("state", FactState),
        UniqueConstraint("provider", "provider_event_id"),
        Index("ix_inbound_facts_open", "received_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_inbound_facts_done", "applied_at", postgresql_where=text(_DONE)),
    )

    id: Mapped[Id]
    provider: Mapped[str]
    provider_event_id: Mapped[str]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    applied_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(server_default="")


@dataclass(frozen=True)
class Fact:
    """A partner's webhook as it came, under an id of ours."""

    id: UUID
    provider: str
    provider_event_id: str
    payload: dict[str, Any]
    trace: str = ""
    """The request's ``traceparent``, to which what the fact causes is linked."""


# Facts and their places in the outbox are one statement. Sorted by what is unique, so that two
# callers with the same facts never deadlock; dispatched in the order in which they came.
_RECORD = text(
    """WITH given AS (SELECT * FROM jsonb_to_recordset(CAST(:facts AS jsonb))
            AS f(id uuid, provider text, provider_event_id text, payload jsonb, trace text)),
    facts AS (
        INSERT INTO inbound_facts (id, provider, provider_event_id, payload, state)
        SELECT id, provider, provider_event_id, payload, 'received'
        FROM given ORDER BY provider, provider_event_id, id
        ON CONFLICT DO NOTHING RETURNING id)
    INSERT INTO outbox (kind, document_type, document_id, payload)
    SELECT 'fact', 'fact', id,
        CASE coalesce(trace, '') WHEN '' THEN '{}' ELSE jsonb_build_object('trace', trace) END
    FROM facts JOIN given USING (id) ORDER BY id RETURNING document_id"""
)
# Sorted like every lock on several rows, so that two workers never deadlock.
_LOCK = text("SELECT * FROM inbound_facts WHERE id = ANY(:facts) ORDER BY id FOR UPDATE")
# Facts that need no other look leave the outbox with the transaction that applied them.
_NOTE = text(
    """WITH done AS (DELETE FROM outbox WHERE document_id = ANY(:done))
    UPDATE inbound_facts f SET state = n.state, note = n.note,
        applied_at = CASE WHEN n.state = 'waiting' THEN f.applied_at ELSE now() END
    FROM jsonb_to_recordset(CAST(:notes AS jsonb)) AS n(id uuid, state text, note text)
    WHERE f.id = n.id"""
)


async def record_facts(db: AsyncConnection, facts: Sequence[Fact]) -> set[UUID]:
    """Keep facts as they came and queue them; return the ids of those that are new."""
    queued = await db.execute(_RECORD, {"facts": to_json(facts)})
    return {row.document_id for row in queued}


async def lock_facts(db: AsyncConnection, fact_ids: Collection[UUID]) -> Sequence[InboundFactRow]:
    """Lock and return stored facts, in the order in which they came."""
    found = (await db.execute(_LOCK, {"facts": list(fact_ids)})).all()
    return cast(Sequence[InboundFactRow], found)


async def note_facts(
    db: AsyncConnection, ends: Mapping[UUID, FactEnd], *, done: Collection[UUID]
) -> None:
    """Note what became of locked facts, and what was applied or why nothing was.

    Those that are done with, now or before, leave the outbox.
    """
    given = [{"id": fact, "state": state, "note": note} for fact, (state, note) in ends.items()]
    await db.execute(_NOTE, {"notes": to_json(given), "done": list(done)})


# Who is asked about a fact may still want to read it.
_OLD = f"""f.{_DONE} AND f.applied_at < now() - CAST(:kept AS interval)
    AND NOT EXISTS (SELECT FROM tasks t WHERE t.document_id = f.id AND t.status = 'open')"""
_FIND_DONE = text(
    f"SELECT f.id FROM inbound_facts f WHERE {_OLD} ORDER BY f.applied_at LIMIT :limit"
)
_DROP_DONE = text(
    f"""DELETE FROM inbound_facts WHERE id IN (SELECT f.id FROM inbound_facts f
        WHERE f.id = ANY(:facts) AND {_OLD} ORDER BY f.id FOR UPDATE SKIP LOCKED)"""
)


async def find_done_facts(db: AsyncConnection, limit: int, kept: timedelta) -> Sequence[UUID]:
    """Return facts that were dealt with long enough ago, the oldest first."""
    return list((await db.execute(_FIND_DONE, {"limit": limit, "kept": kept})).scalars())


async def drop_done_facts(db: AsyncConnection, facts: Sequence[UUID], kept: timedelta) -> int:
    """Forget those of the facts that were dealt with long enough ago; return how many."""
    return (await db.execute(_DROP_DONE, {"facts": list(facts), "kept": kept})).rowcount
