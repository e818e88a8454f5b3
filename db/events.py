"""The append-only record of every state change: audit trail, timelines, and what others hear."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Connection, Sequence, UniqueConstraint, func, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.engine import to_json
from db.metadata import Base, Id, added_in_order
from domain.ids import new_id

feed_origin = Sequence("feed_origin", metadata=Base.metadata)
"""What is added to transaction numbers, because those begin anew in a restored database."""


def feed_clock(transaction: str) -> str:
    """Return the SQL of the position at which this transaction's (an ``xid8``) events begin."""
    origin = "coalesce(pg_sequence_last_value('feed_origin'::regclass), 0)"
    return f"(({transaction}::text::bigint + {origin}) << 16)"


OWN_CLOCK = feed_clock("pg_current_xact_id()")
FEED_END = feed_clock("pg_snapshot_xmin(pg_current_snapshot())")
"""Before it nothing is added to the feed any more: all transactions that could have ended."""


class EventRow(Base):
    """One event with the attribute names of CloudEvents 1.0; ``sequence`` counts per document.

    The feed is ordered by ``position`` and ``id``. A position is never below the number of the
    transaction that commits it, and never below that of its document's event before.
    """

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("subject_id", "sequence"),
        added_in_order("events", "time"),
    )

    position: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, server_default=text(OWN_CLOCK)
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


# Ids are made in order, so that the events of one document are numbered as they happened. A
# transaction that had its number before it waited for the document's lock comes after the other's
# event all the same.
ADD_EVENTS = f"""INSERT INTO events
        (position, id, type, subject, subject_id, sequence, actor, correlation_id, data)
    SELECT greatest({OWN_CLOCK}, last.position + 1), e.id, e.type, e.subject, e.subject_id,
        coalesce(last.sequence, 0) + row_number() OVER (PARTITION BY e.subject_id ORDER BY e.id),
        e.actor, e.correlation_id, e.data
    FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS e(id uuid, type text, subject text,
        subject_id uuid, actor text, correlation_id text, data jsonb)
    LEFT JOIN LATERAL (SELECT x.position, x.sequence FROM events x
        WHERE x.subject_id = e.subject_id ORDER BY x.sequence DESC LIMIT 1) last ON true"""
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


AHEAD = f"""SELECT max(position) >> 16 AS newest FROM events
    HAVING max(position) >= {feed_clock("pg_snapshot_xmax(pg_current_snapshot())")}"""
"""The transaction of the newest event, where transactions to come have lower numbers."""
_MOVE_ORIGIN = text(
    f"""SELECT setval('feed_origin',
        newest + 1 - pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
    FROM ({AHEAD}) ahead"""
)


def continue_feed(db: Connection) -> None:
    """Let the feed go on after its newest event where transactions are numbered anew.

    A dump that is restored into another cluster brings positions that its own transactions would
    not reach for years. Changes nothing where the order holds.
    """
    db.execute(_MOVE_ORIGIN)
