"""One kind of document in the books: its table and state machine, and how it is written."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from prometheus_client import Counter
from sqlalchemy import Row, TextClause, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.events import ADD_EVENTS, Event, add_events, to_add
from db.metadata import DocumentRow, columns_of
from domain.documents import Document, Kind, correlation_id
from domain.errors import NotFound
from domain.lifecycle import Moves, check_running, move
from telemetry import metrics

R = TypeVar("R", bound=DocumentRow)


@dataclass(frozen=True)
class Documents(Generic[R]):
    """One kind of document: where its rows are, how they move, and when they need a run.

    Everything that changes a document locks its row first. A move is one statement: status,
    version and event together.
    """

    kind: Kind
    row: type[R]
    made: str
    """The event with which its history begins: ``placed`` of ``order.placed``."""
    first: StrEnum
    moves: Moves[Any]
    running: AbstractSet[StrEnum]
    """The states in which it is on its way, and may be asked for something."""
    run: str
    """Selects id, number, status, customer_id and source (or NULL), and ``about`` (JSON)."""
    summary: Callable[[Mapping[str, Any]], str]
    """Says in a few words what a document is about, of ``about``."""
    unfinished: str
    """Selects id, number and ``since`` of the documents that need a run."""
    transitions: Counter
    """Counts the moves between states."""
    part_of: Kind | None = None
    """The kind of the document that this one belongs to; its column is ``<kind>_id``."""
    waits: str = ""
    """Selects what, detail, since and document_id: what only this kind waits for."""

    @property
    def table(self) -> str:
        """The name of the table."""
        return str(self.row.__tablename__)

    @cached_property
    def _lock(self) -> Any:
        # Statements are made once: to build one anew costs the worker more than to run it. No key
        # changes, so that others may write rows that refer to this one meanwhile.
        table = self.row.__table__
        query = select(table).where(self.row.id == bindparam("document"))
        return query.with_for_update(key_share=True)

    async def lock(self, db: AsyncConnection, document_id: UUID) -> R:
        """Lock and return a document's row; raise NotFound."""
        found: Row[Any] | None = (
            await db.execute(self._lock, {"document": document_id})
        ).one_or_none()
        if found is None:
            raise NotFound(f"there is no {self.kind} {document_id}")
        return cast(R, found)

    async def change(self, db: AsyncConnection, document: R, **values: Any) -> None:
        """Write columns of a locked document and count its version up."""
        row = self.row
        await db.execute(
            update(columns_of(row))
            .where(row.id == document.id)
            .values(version=row.version + 1, **values)
        )

    async def move(
        self,
        db: AsyncConnection,
        document: R,
        target: StrEnum,
        actor: str,
        data: Mapping[str, Any] | None = None,
        *,
        told_as: str = "",
        **values: Any,
    ) -> None:
        """Move a locked document along its state table, with the event ``<kind>.<target>``.

        ``values`` are further columns to write, ``data`` what the event tells beside the states,
        ``told_as`` what it is called where that is not the state. A column ``<target>_at`` is set
        to now.
        """
        event = self.moved(document, target, actor, data, told_as)
        given = {"document": document.id, "to_status": target, "events": to_add([event])}
        stamp = f"{target}_at" if f"{target}_at" in self.row.__table__.columns else ""
        await db.execute(_move(self.table, stamp, tuple(values)), {**given, **values})

    def moved(
        self,
        document: R,
        target: StrEnum,
        actor: str,
        data: Mapping[str, Any] | None = None,
        told_as: str = "",
    ) -> Event:
        """Return the event of a move along the state table, and count it."""
        status = document.status
        move(self.moves, type(target)(status), target)
        metrics.count(self.transitions.labels(status, str(target)))
        told = {"from": status, "to": target, **(data or {})}
        return self.event(document, told_as or str(target), actor, told)

    def event(self, document: R, what: str, actor: str, data: Mapping[str, Any]) -> Event:
        """Return the event ``<kind>.<what>`` of a document, correlated by its process."""
        root, context = Document(self.kind, document.id), {}
        if self.part_of is not None:
            column = f"{self.part_of}_id"
            root = Document(self.part_of, getattr(document, column))
            context = {column: root.id}
        return Event(
            f"{self.kind}.{what}",
            subject=document.number,
            subject_id=document.id,
            actor=actor,
            correlation_id=correlation_id(root),
            data={**context, **data},
        )

    async def add_event(
        self, db: AsyncConnection, document: R, what: str, actor: str, data: Mapping[str, Any]
    ) -> None:
        """Append the event ``<kind>.<what>`` of a locked document."""
        await add_events(db, [self.event(document, what, actor, data)])

    def check_running(self, status: str) -> None:
        """Raise IllegalMove when a document in this state has ended."""
        check_running(self.kind, status, self.running)


@cache
def _move(table: str, stamp: str, columns: tuple[str, ...]) -> TextClause:
    changes = ["status = :to_status", "version = version + 1"]
    changes += [f"{column} = :{column}" for column in columns]
    changes += [f"{stamp} = now()"] if stamp else []
    return text(
        f"""WITH moved AS (UPDATE {table} SET {", ".join(changes)} WHERE id = :document)
        {ADD_EVENTS}"""
    )
