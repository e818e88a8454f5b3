"""Timelines: what has happened to a document of any kind, read past SQLAlchemy."""

from collections.abc import Mapping, Sequence
from typing import Any

from db.documents import DOCUMENTS
from db.driver_reads import fetch
from db.engine import Database
from db.pages import oldest
from domain.access import EVERYTHING, Reach
from domain.documents import Document
from domain.errors import NotFound

_FIELDS = ("id", "type", "subject", "sequence", "time", "actor", "correlation_id", "data")

_PAGE = oldest(
    f"""SELECT {", ".join(_FIELDS)}, 300 + octet_length(data::text) AS size
        FROM events WHERE subject_id = d.id AND sequence > $4
        ORDER BY sequence LIMIT $5::bigint + 1""",
    "sequence",
    "$5::bigint",
)
# The planner leaves out what a run is known by besides its customer and source. A document without
# further events is one row without an event.
_TIMELINE = {
    kind: f"""SELECT e.* FROM ({each.run}) d LEFT JOIN LATERAL ({_PAGE}) e ON true
    WHERE d.id = $1 AND ($2::uuid IS NULL OR d.customer_id = $2)
        AND ($3::text IS NULL OR d.source = $3)
    ORDER BY e.sequence"""
    for kind, each in DOCUMENTS.items()
}


async def get_timeline(
    db: Database, document: Document, reach: Reach = EVERYTHING, *, after: int = 0, limit: int
) -> tuple[Sequence[Mapping[str, Any]], bool]:
    """Return at most ``limit`` of a document's events, oldest first, and whether there are more.

    They follow that with the sequence ``after``, and fit into a page. Raises NotFound, also for a
    document out of ``reach``.
    """
    found: Sequence[Mapping[str, Any]] = await fetch(
        db,
        _TIMELINE[document.kind],
        document.id,
        reach.customer_id,
        reach.source,
        after,
        limit,
    )
    if not found:
        raise NotFound(f"there is no {document.kind} {document.id}")
    events = [{name: row[name] for name in _FIELDS} for row in found if row["id"] is not None]
    return events, bool(events) and found[0]["ahead"] > len(events)
