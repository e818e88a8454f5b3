"""Waits of a document, its own and those of its parts: why it has not ended."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.document import Documents
from db.documents import DOCUMENTS
from domain.access import Reach
from domain.documents import Document, Kind
from domain.errors import NotFound


class Part(NamedTuple):
    """A document, or one that belongs to it; ``on_its_way`` while its process has not ended."""

    kind: Kind
    number: str
    status: str
    on_its_way: bool
    customer_id: UUID | None
    source: str | None


class Waiting(NamedTuple):
    """One thing that is open, with the attempts so far where something is being tried."""

    what: str
    detail: str
    since: datetime
    attempts: int
    last_error: str | None
    next_attempt_at: datetime | None


def _and_parts(of: Kind, columns: Callable[[Documents[Any]], str]) -> str:
    """Select ``columns`` of the document ``:id``, and of the documents that belong to it."""
    members = [(DOCUMENTS[of], "id")]
    members += [(each, f"{of}_id") for each in DOCUMENTS.values() if each.part_of is of]
    return " UNION ALL ".join(
        f"SELECT {columns(each)} FROM {each.table} d WHERE d.{column} = :id"
        for each, column in members
    )


def _part(each: Documents[Any]) -> str:
    running = ", ".join(f"'{status}'" for status in sorted(each.running))
    return f"""'{each.kind}' AS kind, d.number, d.status, d.status IN ({running})
            OR EXISTS (SELECT 1 FROM ({each.unfinished}) u WHERE u.id = d.id) AS on_its_way,
        (SELECT r.customer_id FROM ({each.run}) r WHERE r.id = d.id) AS customer_id,
        (SELECT r.source FROM ({each.run}) r WHERE r.id = d.id) AS source, d.id"""


MOST_PARTS = MOST_WAITS = 100
"""So much is told of a document's process: what people may end, and what has not ended, first."""
_PARTS = {
    kind: text(
        "SELECT kind, number, status, on_its_way, customer_id, source, count(*) OVER () AS parts"
        f" FROM ({_and_parts(kind, _part)}) p"
        f" ORDER BY id <> :id, NOT on_its_way, id LIMIT {MOST_PARTS}"
    )
    for kind in DOCUMENTS
}
# An array is known before the plan of what follows: a join would read whole tables for it.
_THESE = "ARRAY(SELECT id FROM documents)"
_OWN_WAITS = "".join(
    f""" UNION ALL SELECT w.what, w.detail, w.since, 0, NULL, NULL
    FROM ({each.waits}) w WHERE w.document_id = ANY({_THESE})"""
    for each in DOCUMENTS.values()
    if each.waits
)
_WAITING = {
    kind: text(
        f"""WITH documents AS ({_and_parts(kind, lambda _: "d.id")})
    SELECT w.*, count(*) OVER () AS waits FROM (
    SELECT 'dispatch' AS what, o.kind || ' of ' || o.document_type AS detail, o.created_at AS since,
        o.attempts, o.last_error, o.next_attempt_at
    FROM outbox o WHERE o.document_id = ANY({_THESE})
    UNION ALL SELECT 'task', t.number || ': ' || t.question, t.opened_at, 0, NULL, NULL
    FROM tasks t WHERE t.document_id = ANY({_THESE}) AND t.status = 'open'
    UNION ALL SELECT 'hold', h.reason || CASE h.note WHEN '' THEN '' ELSE ': ' || h.note END,
        h.placed_at, 0, NULL, NULL
    FROM holds h WHERE h.document_id = ANY({_THESE}) AND h.released_at IS NULL
    {_OWN_WAITS}) w
    ORDER BY what NOT IN ('task', 'hold'), since LIMIT {MOST_WAITS}"""
    )
    for kind in DOCUMENTS
}


async def parts_of(
    db: AsyncConnection, document: Document, reach: Reach
) -> tuple[Sequence[Part], int]:
    """Return the document itself, and then those that belong to it; and how many are left out.

    Raises NotFound, also for a document out of ``reach``.
    """
    rows = (await db.execute(_PARTS[document.kind], {"id": document.id})).all()
    parts = [Part(Kind(kind), *rest) for kind, *rest, _ in rows]
    if not parts or not reach.covers(parts[0].customer_id, parts[0].source):
        raise NotFound(f"there is no {document.kind} {document.id}")
    return parts, rows[0].parts - len(parts)


async def waits_of(db: AsyncConnection, document: Document) -> tuple[Sequence[Waiting], int]:
    """Return what is open about a document and its parts, and how many of that are left out.

    What a person has to do comes first, then the oldest.
    """
    rows = (await db.execute(_WAITING[document.kind], {"id": document.id})).all()
    return [Waiting(*wait) for *wait, _ in rows], (rows[0].waits - len(rows) if rows else 0)
