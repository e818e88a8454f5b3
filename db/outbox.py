"""What must still be told to Temporal: starts, signals and facts to apply, at least once each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, Row, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.engine import to_json
from db.metadata import Base, one_of

KINDS = ("start", "signal", "fact")


class OutboxRow(Base):
    """One thing to dispatch; removed when it was done, kept with its error while it fails."""

    __tablename__ = "outbox"
    __table_args__ = (
        one_of("kind", KINDS),
        Index("ix_outbox_due", "next_attempt_at", "id"),
        Index("ix_outbox_document", "document_id"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str]
    workflow: Mapped[str]
    document_id: Mapped[UUID]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(server_default="0")
    last_error: Mapped[str | None]


@dataclass(frozen=True)
class Message:
    """A start or a signal for the run of a document, or a fact to apply."""

    kind: str
    workflow: str
    document_id: UUID
    payload: dict[str, Any]


ADD_MESSAGES = """INSERT INTO outbox (kind, workflow, document_id, payload)
    SELECT kind, workflow, document_id, payload
    FROM jsonb_to_recordset(CAST(:messages AS jsonb))
        AS m(kind text, workflow text, document_id uuid, payload jsonb)"""
"""Adds ``:messages``; for statements that write what they tell of together with them."""
_ADD = text(ADD_MESSAGES)

# Taking a row pushes its next attempt past the lease, so that a worker that dies meanwhile
# delays it and never loses it. Rows of one document go one at a time, in order.
_TAKE = text(
    """WITH due AS (
        SELECT id FROM outbox o WHERE next_attempt_at <= now()
          AND NOT EXISTS (
              SELECT 1 FROM outbox e WHERE e.document_id = o.document_id AND e.id < o.id)
        ORDER BY next_attempt_at, id LIMIT :limit FOR UPDATE SKIP LOCKED)
    UPDATE outbox SET attempts = attempts + 1, next_attempt_at = now() + CAST(:lease AS interval)
    FROM due WHERE outbox.id = due.id
    RETURNING outbox.id, kind, workflow, document_id, payload, created_at, attempts"""
)

# One array, because a list of parameters would be another statement for every number of rows.
_DROP = text("DELETE FROM outbox WHERE id = ANY(:ids)")


async def add_messages(db: AsyncConnection, messages: Sequence[Message]) -> None:
    """Queue messages in their order; they are dispatched after the transaction commits."""
    await db.execute(_ADD, {"messages": to_json(messages)})


async def add_outbox(
    db: AsyncConnection, kind: str, workflow: str, document_id: UUID, payload: dict[str, Any]
) -> None:
    """Queue a start, signal or fact; it is dispatched after the transaction commits."""
    await add_messages(db, [Message(kind, workflow, document_id, payload)])


async def take_due(db: AsyncConnection, limit: int, lease: timedelta) -> Sequence[Row[Any]]:
    """Lease up to ``limit`` due rows; another worker takes them when the lease runs out."""
    return (await db.execute(_TAKE, {"limit": limit, "lease": lease})).all()


async def drop_done(db: AsyncConnection, ids: Sequence[int]) -> None:
    """Remove rows that were dispatched."""
    await db.execute(_DROP, {"ids": list(ids)})


async def postpone(db: AsyncConnection, row_id: int, error: str, after: timedelta) -> None:
    """Keep a row that failed, with its error, for another try."""
    await db.execute(
        update(OutboxRow)
        .where(OutboxRow.id == row_id)
        .values(last_error=error[:1000], next_attempt_at=func.now() + after)
    )


async def backlog(db: AsyncConnection) -> Row[int, int, int]:
    """Return depth, age in seconds of the oldest row, and how many rows failed more than once."""
    return (
        await db.execute(
            select(
                func.count().label("depth"),
                func.coalesce(
                    func.extract("epoch", func.now() - func.min(OutboxRow.created_at)), 0
                ).label("oldest_seconds"),
                func.count().filter(OutboxRow.last_error.is_not(None)).label("failing"),
            )
        )
    ).one()


async def depth_by_kind(db: AsyncConnection) -> dict[str, int]:
    """Return how many rows of each kind wait; also of those that none wait of."""
    rows = await db.execute(
        select(OutboxRow.kind, func.count().label("depth")).group_by(OutboxRow.kind)
    )
    return {**dict.fromkeys(KINDS, 0), **{row.kind: row.depth for row in rows}}


async def ring(db: AsyncConnection) -> None:
    """Tell listening dispatchers that there is work; not for use inside a transaction."""
    await db.execute(text("NOTIFY outbox"))
