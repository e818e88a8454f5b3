"""Runs as the books know them: what a document's run is started with, and which are needed."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import RUNS
from domain.access import EVERYTHING, Reach
from domain.documents import Document, Kind, Run, run_id
from domain.errors import NotFound


def run_of(
    document: Document, number: str, status: str, customer_id: UUID | None, about: Any
) -> Run:
    """Make the run of a document of what its kind's query selects."""
    summary = f"{number}: {RUNS[document.kind].summary(about)}"
    return Run(document, number, status, customer_id, summary)


_RUN = {
    kind: text(
        f"SELECT number, status, customer_id, about, source FROM ({each.run}) d WHERE id = :id"
    )
    for kind, each in RUNS.items()
}


async def get_run(db: AsyncConnection, document: Document, reach: Reach = EVERYTHING) -> Run:
    """Return what a document's run is known by.

    Raises NotFound, also for a document out of ``reach``.
    """
    found = (await db.execute(_RUN[document.kind], {"id": document.id})).one_or_none()
    if found is None or not reach.covers(found.customer_id, found.source):
        raise NotFound(f"there is no {document.kind} {document.id}")
    return run_of(document, found.number, found.status, found.customer_id, found.about)


class Unfinished(NamedTuple):
    """A document that needs a run; ``due`` while the outbox still has a message for that run."""

    kind: Kind
    id: UUID
    number: str
    due: bool

    @property
    def document(self) -> Document:
        """The document itself."""
        return Document(self.kind, self.id)

    @property
    def run_id(self) -> str:
        """The workflow id of the run that it needs."""
        return run_id(self.kind, self.number)


_UNFINISHED = text(
    "SELECT kind, id, number,"
    " EXISTS (SELECT 1 FROM outbox o WHERE o.document_id = d.id) AS due FROM ("
    + " UNION ALL ".join(
        f"SELECT '{kind}' AS kind, u.* FROM ({each.unfinished}) u" for kind, each in RUNS.items()
    )
    + """) d WHERE id > :after AND since <= now() - CAST(:older_than AS interval)
    ORDER BY id LIMIT :limit"""
)
_FIRST = UUID(int=0)


async def find_unfinished(
    db: AsyncConnection,
    *,
    after: UUID = _FIRST,
    older_than: timedelta = timedelta(),
    limit: int | None = None,
) -> Sequence[Unfinished]:
    """Return documents that need a run, in the order of their ids."""
    given = {"after": after, "older_than": older_than, "limit": limit}
    rows = await db.execute(_UNFINISHED, given)
    return [Unfinished(Kind(kind), *rest) for kind, *rest in rows]
