"""Facts from outside, kept as they came, once each."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Row, UniqueConstraint, bindparam, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.engine import to_json
from db.metadata import Base, Id, one_of

STATES = ("received", "waiting", "applied", "ignored")


class InboundFactRow(Base):
    """A partner's webhook; ``waiting`` while what it is about does not exist yet."""

    __tablename__ = "inbound_facts"
    __table_args__ = (
        one_of("state", STATES),
        UniqueConstraint("provider", "provider_event_id"),
        Index("ix_inbound_facts_open", "received_at", postgresql_where=text("state = 'waiting'")),
    )

    id: Mapped[Id]
    provider: Mapped[str]
    provider_event_id: Mapped[str]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())
    applied_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(server_default="")


# The fact and its place in the outbox are one statement: a webhook costs one round trip.
_RECORD = text(
    """WITH fact AS (
        INSERT INTO inbound_facts (id, provider, provider_event_id, payload, state)
        VALUES (:id, :provider, :provider_event_id, CAST(:payload AS jsonb), 'received')
        ON CONFLICT DO NOTHING RETURNING id)
    INSERT INTO outbox (kind, workflow, document_id, payload)
    SELECT 'fact', '', id, '{}' FROM fact RETURNING id"""
)

_LOCK = (
    select(InboundFactRow.__table__).where(InboundFactRow.id == bindparam("fact")).with_for_update()
)
_FINISH = text(
    "UPDATE inbound_facts SET state = :state, note = :note, applied_at = now() WHERE id = :fact"
)


async def record_fact(
    db: AsyncConnection,
    fact_id: UUID,
    *,
    provider: str,
    provider_event_id: str,
    payload: dict[str, Any],
) -> bool:
    """Keep a fact as it came and queue it; return False when the provider has told us before."""
    queued = await db.execute(
        _RECORD,
        {
            "id": fact_id,
            "provider": provider,
            "provider_event_id": provider_event_id,
            "payload": to_json(payload),
        },
    )
    return queued.one_or_none() is not None


async def lock_fact(db: AsyncConnection, fact_id: UUID) -> Row[Any] | None:
    """Lock and return a stored fact."""
    return (await db.execute(_LOCK, {"fact": fact_id})).one_or_none()


async def finish_fact(db: AsyncConnection, fact_id: UUID, state: str, note: str) -> None:
    """Note that a fact was applied, or that it is ignored and why."""
    await db.execute(_FINISH, {"fact": fact_id, "state": state, "note": note})


async def park_fact(db: AsyncConnection, fact_id: UUID, note: str) -> None:
    """Note that a fact waits for what it is about."""
    await db.execute(
        update(InboundFactRow)
        .where(InboundFactRow.id == fact_id)
        .values(state="waiting", note=note)
    )
