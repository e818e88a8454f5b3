"""Timelines: what has happened to a document of any kind, read past SQLAlchemy."""

from collections.abc import Mapping, Sequence
from typing import Any

from db.documents import DOCUMENTS
from db.driver_reads import fetch
from db.engine import Database
from domain.access import EVERYTHING, Reach
from domain.documents import Document
from domain.errors import NotFound

# The planner leaves out what a run is known by besides its customer and source.
_TIMELINE = {
    kind: f"""SELECT e.id, e.type, e.subject, e.sequence, e.time, e.actor, e.correlation_id, e.data
    FROM ({each.run}) d JOIN events e ON e.subject_id = d.id
    WHERE d.id = $1 AND ($2::uuid IS NULL OR d.customer_id = $2)
        AND ($3::text IS NULL OR d.source = $3) ORDER BY e.sequence"""
    for kind, each in DOCUMENTS.items()
}


async def get_timeline(
    db: Database, document: Document, reach: Reach = EVERYTHING
) -> Sequence[Mapping[str, Any]]:
    """Return a document's events, oldest first.

    Raises NotFound, also for a document out of ``reach``.
    """
    found: Sequence[Mapping[str, Any]] = await fetch(
        db, _TIMELINE[document.kind], document.id, reach.customer_id, reach.source
    )
    if not found:
        # Every document begins with an event.
        raise NotFound(f"there is no {document.kind} {document.id}")
    return found
