"""What an operator is shown at a glance: who is connected, what waits for people, what is open."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import DOCUMENTS, RUNS

Shown = Mapping[str, Any]

# What others' connections did last is only told to roles that may read it; NULL otherwise.
_PROCESSES = text("""
SELECT split_part(application_name, ' ', 1) AS part,
    split_part(application_name, ' ', 2) AS process,
    min(backend_start) AS since, max(state_change) AS heard_at, count(*) AS connections,
    clock_timestamp() AS now
FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'stateset-% %:%'
GROUP BY application_name ORDER BY application_name
""")

_QUESTIONS = text("""
SELECT role, count(*) AS open, count(*) FILTER (WHERE due_at < now()) AS overdue,
    min(opened_at) AS since, (array_agg(number ORDER BY opened_at, id))[1] AS number,
    (array_agg(kind ORDER BY opened_at, id))[1] AS kind
FROM tasks WHERE status = 'open' GROUP BY role ORDER BY role
""")

_NUMBERS = " ".join(
    f"WHEN '{kind}' THEN (SELECT number FROM {each.table} d WHERE d.id = h.document_id)"
    for kind, each in DOCUMENTS.items()
)
_HOLDS = text(f"""
SELECT reason, count(*) AS open, min(placed_at) AS since,
    (array_agg(number ORDER BY placed_at, id))[1] AS number
FROM (SELECT h.id, h.reason, h.placed_at, CASE h.document_type {_NUMBERS} END AS number
    FROM holds h WHERE h.released_at IS NULL) h
GROUP BY reason ORDER BY reason
""")

_PENDING = text(
    "SELECT kind, count(*) AS open, min(since) AS since,"
    " (array_agg(number ORDER BY since, id))[1] AS number FROM ("
    + " UNION ALL ".join(
        f"SELECT '{kind}' AS kind, u.* FROM ({each.unfinished}) u" for kind, each in RUNS.items()
    )
    + ") d GROUP BY kind ORDER BY kind"
)


async def _rows(db: AsyncConnection, query: TextClause) -> list[Shown]:
    return [dict(row) for row in (await db.execute(query)).mappings()]


async def connected_processes(db: AsyncConnection) -> list[Shown]:
    """Return our processes that are connected to the books, and when each was last heard."""
    return await _rows(db, _PROCESSES)


async def questions_by_role(db: AsyncConnection) -> list[Shown]:
    """Return how many tasks wait for each role, and the oldest of them."""
    return await _rows(db, _QUESTIONS)


async def holds_by_reason(db: AsyncConnection) -> list[Shown]:
    """Return how many holds stand for each reason, and the document that is held longest."""
    return await _rows(db, _HOLDS)


async def pending_by_kind(db: AsyncConnection) -> list[Shown]:
    """Return how many documents of each kind have not ended, and the oldest of them."""
    return await _rows(db, _PENDING)
