"""The outbox: starts, signals and facts to apply, written with their cause, done at least once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, Row, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.documents import RUNS
from db.engine import to_json
from db.metadata import Base, one_of
from db.runs import run_of
from domain.documents import PROCESSES, Document, Kind, Run, Signal
from telemetry import tracing

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
    document_type: Mapped[str | None]
    """A kind of document with a process, or ``fact``."""
    workflow: Mapped[str | None]
    """What releases before 0.2 write in its place."""
    document_id: Mapped[UUID]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(server_default="0")
    last_error: Mapped[str | None]


@dataclass(frozen=True)
class Message:
    """A row to be: what is to be done, for which document."""

    kind: str
    document_type: str
    document_id: UUID
    payload: dict[str, str]


def start_of(document: Document, trace: str | None = None) -> Message:
    """Return the message that starts a document's run, as part of this trace or of ``trace``."""
    carried = tracing.carried() if trace is None else trace
    return Message("start", document.kind, document.id, {"trace": carried})


def signal_to(document: Document, signal: Signal) -> Message:
    """Return the message that has a document's run look again; a run that is gone is started."""
    carried = tracing.carried()
    trace = {"trace": carried} if carried else {}
    return Message("signal", document.kind, document.id, {"signal": signal, **trace})


ADD_MESSAGES = """INSERT INTO outbox (kind, document_type, document_id, payload)
    SELECT kind, document_type, document_id, payload
    FROM jsonb_to_recordset(CAST(:messages AS jsonb))
        AS m(kind text, document_type text, document_id uuid, payload jsonb)"""
"""Adds ``:messages``; for statements that write what they tell of together with them."""
_ADD = text(ADD_MESSAGES)

_BY_WORKFLOW = " ".join(
    f"WHEN '{process.workflow}' THEN '{kind}'" for kind, process in PROCESSES.items()
)
# Taking a row pushes its next attempt past the lease, so that a worker that dies meanwhile
# delays it and never loses it. Rows of one document go one at a time, in order.
_TAKE = text(
    f"""WITH due AS (
        SELECT id FROM outbox o WHERE next_attempt_at <= now()
          AND NOT EXISTS (
              SELECT 1 FROM outbox e WHERE e.document_id = o.document_id AND e.id < o.id)
        ORDER BY next_attempt_at, id LIMIT :limit FOR UPDATE SKIP LOCKED),
    taken AS (
        UPDATE outbox
        SET attempts = attempts + 1, next_attempt_at = now() + CAST(:lease AS interval)
        FROM due WHERE outbox.id = due.id
        RETURNING outbox.id, kind, document_id, payload, attempts,
            coalesce(document_type, CASE workflow {_BY_WORKFLOW} ELSE 'fact' END) AS document_type)
    SELECT taken.*, d.number, d.status, d.customer_id, d.about
    FROM taken LEFT JOIN LATERAL ("""
    + " UNION ALL ".join(
        f"SELECT number, status, customer_id, about FROM ({each.run}) r"
        f" WHERE taken.document_type = '{kind}' AND r.id = taken.document_id"
        for kind, each in RUNS.items()
    )
    + ") d ON true"
)

# One array, because a list of parameters would be another statement for every number of rows.
_DROP = text("DELETE FROM outbox WHERE id = ANY(:ids)")


async def add_messages(db: AsyncConnection, *messages: Message) -> None:
    """Queue messages in their order; they are dispatched after the transaction commits."""
    await db.execute(_ADD, {"messages": to_json(messages)})


async def signal(db: AsyncConnection, document: Document, what: Signal) -> None:
    """Have a document's run look again; a run that is gone is started anew."""
    await add_messages(db, signal_to(document, what))


@dataclass(frozen=True, slots=True)
class Due:
    """A leased row of the outbox."""

    id: int
    kind: str
    document_type: str
    document_id: UUID
    payload: dict[str, str]
    attempts: int
    run: Run | None
    """The run of the document as the row has it now; None for a fact, or an unknown document."""


async def take_due(db: AsyncConnection, limit: int, lease: timedelta) -> list[Due]:
    """Lease up to ``limit`` due rows; another worker takes them when the lease runs out."""
    return [
        Due(
            id=row.id,
            kind=row.kind,
            document_type=row.document_type,
            document_id=row.document_id,
            payload=row.payload,
            attempts=row.attempts,
            run=None if row.number is None else _run(row),
        )
        for row in await db.execute(_TAKE, {"limit": limit, "lease": lease})
    ]


def _run(row: Row[Any]) -> Run:
    document = Document(Kind(row.document_type), row.document_id)
    return run_of(document, row.number, row.status, row.customer_id, row.about)


async def drop_done(db: AsyncConnection, ids: Sequence[int]) -> None:
    """Remove rows that were dispatched."""
    await db.execute(_DROP, {"ids": list(ids)})


async def hand_back(db: AsyncConnection, ids: Sequence[int]) -> None:
    """End the leases of rows that this process does not dispatch any more."""
    await db.execute(
        update(OutboxRow).where(OutboxRow.id.in_(ids)).values(next_attempt_at=func.now())
    )


async def postpone(db: AsyncConnection, row_id: int, error: str, after: timedelta) -> None:
    """Keep a row that failed, with its error, for another try."""
    await db.execute(
        update(OutboxRow)
        .where(OutboxRow.id == row_id)
        .values(last_error=error[:1000], next_attempt_at=func.now() + after)
    )


# A fact about what is not known here yet waits by design, and is late only when its look is.
_BACKLOG = text("""
SELECT count(*) AS depth, coalesce(extract(epoch FROM now() - min(since)), 0) AS oldest_seconds,
    count(*) FILTER (WHERE last_error IS NOT NULL AND NOT waits) AS failing
FROM (SELECT last_error, waits,
        CASE WHEN waits THEN least(next_attempt_at, now()) ELSE created_at END AS since
    FROM outbox o CROSS JOIN LATERAL (SELECT o.kind = 'fact' AND EXISTS (SELECT 1
        FROM inbound_facts f WHERE f.id = o.document_id AND f.state = 'waiting') AS waits) w) rows
""")


async def backlog(db: AsyncConnection) -> Row[int, int, int]:
    """Return depth, age in seconds of the oldest row, and how many rows failed.

    The one rule of readiness, of the gauges and of ``stateset status``.
    """
    return (await db.execute(_BACKLOG)).one()


async def depth_by_kind(db: AsyncConnection) -> dict[str, int]:
    """Return how many rows of each kind wait; also of those that none wait of."""
    rows = await db.execute(
        select(OutboxRow.kind, func.count().label("depth")).group_by(OutboxRow.kind)
    )
    return {**dict.fromkeys(KINDS, 0), **{row.kind: row.depth for row in rows}}


async def notify(db: AsyncConnection) -> None:
    """Tell listening dispatchers that there is work; not for use inside a transaction."""
    await db.execute(text("NOTIFY outbox"))
