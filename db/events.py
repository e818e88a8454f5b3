"""The append-only record of every state change: audit trail, timelines, and what others hear."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint, func, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.engine import to_json
from db.metadata import Base, Id
from domain.ids import new_id


class EventRow(Base):
    """One event with the attribute names of CloudEvents 1.0; ``sequence`` counts per document."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("subject_id", "sequence"),)

    id: Mapped[Id]
    type: Mapped[str]
    subject: Mapped[str]
    subject_id: Mapped[UUID]
    sequence: Mapped[int]
    time: Mapped[datetime] = mapped_column(server_default=func.now())
    actor: Mapped[str]
    correlation_id: Mapped[str]
    data: Mapped[dict[str, Any]]


# Ids are made in order, so that the events of one document are numbered as they happened.
ADD_EVENTS = """INSERT INTO events
        (id, type, subject, subject_id, sequence, actor, correlation_id, data)
    SELECT e.id, e.type, e.subject, e.subject_id,
        coalesce((SELECT max(sequence) FROM events x WHERE x.subject_id = e.subject_id), 0)
            + row_number() OVER (PARTITION BY e.subject_id ORDER BY e.id),
        e.actor, e.correlation_id, e.data
    FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS e(id uuid, type text, subject text,
        subject_id uuid, actor text, correlation_id text, data jsonb)"""
"""Adds ``:events``; for statements that write what happened together with it."""
_ADD = text(ADD_EVENTS)


@dataclass(frozen=True)
class Event:
    """Something that happened to a document (``kind`` such as ``order.confirmed``)."""

    kind: str
    subject: str
    subject_id: UUID
    actor: str
    correlation_id: str
    data: dict[str, Any]


def to_add(events: Iterable[Event]) -> str:
    """Return the parameter ``:events`` of ADD_EVENTS.

    The caller holds the locks of the documents' rows, which keep their sequences without gaps.
    """
    return to_json(
        [
            {
                "id": new_id(),
                "type": f"{event.kind}.v1",
                "subject": event.subject,
                "subject_id": event.subject_id,
                "actor": event.actor,
                "correlation_id": event.correlation_id,
                "data": event.data,
            }
            for event in events
        ]
    )


async def add_events(db: AsyncConnection, events: Iterable[Event]) -> None:
    """Append events of locked documents, in their order."""
    await db.execute(_ADD, {"events": to_add(events)})


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
    """Append one event of a locked document."""
    await add_events(db, [Event(kind, subject, subject_id, actor, correlation_id, data)])
