"""The append-only record of every state change: audit trail, timelines, and what others hear."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Select, UniqueConstraint, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.engine import to_json
from db.metadata import Base, Id
from domain.ids import new_id


class EventRow(Base):
    """One event with the attribute names of CloudEvents 1.0; ``sequence`` counts per document."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("subject_id", "sequence"),
        Index("ix_events_type", "type", "id"),
    )

    id: Mapped[Id]
    type: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[UUID]
    sequence: Mapped[int]
    time: Mapped[datetime] = mapped_column(server_default=func.now())
    actor: Mapped[str]
    correlation_id: Mapped[str]
    data: Mapped[dict[str, Any]]


_ADD = text(
    """INSERT INTO events (id, type, subject, subject_id, sequence, actor, correlation_id, data)
    SELECT :id, :type, :subject, :subject_id,
           coalesce((SELECT max(sequence) FROM events WHERE subject_id = :subject_id), 0) + 1,
           :actor, :correlation_id, CAST(:data AS jsonb)"""
)


async def add_event(
    db: AsyncConnection,
    kind: str,
    *,
    subject: str,
    subject_id: UUID,
    actor: str,
    correlation_id: str,
    data: dict[str, Any],
) -> None:
    """Append an event (``kind`` such as ``order.confirmed``).

    The caller holds the lock of the document's row, which keeps the sequence without gaps.
    """
    await db.execute(
        _ADD,
        {
            "id": new_id(),
            "type": f"{kind}.v1",
            "subject": subject,
            "subject_id": subject_id,
            "actor": actor,
            "correlation_id": correlation_id,
            "data": to_json(data),
        },
    )


def timeline_of(subject_id: UUID) -> Select[Any]:
    """Select a document's events, oldest first."""
    return (
        select(EventRow.__table__)
        .where(EventRow.subject_id == subject_id)
        .order_by(EventRow.sequence)
    )
