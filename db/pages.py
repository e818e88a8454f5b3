"""Keyset pages, newest first: as fast on the last page as on the first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

R = TypeVar("R")


@dataclass(frozen=True)
class Window:
    """Moments from ``start`` on and before ``end``, where given: of a column with an index.

    The index holds the id behind the moment, and nothing else.
    """

    column: InstrumentedAttribute[datetime]
    start: datetime | None = None
    end: datetime | None = None

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        """What holds of the rows inside."""
        from_on = [] if self.start is None else [self.column >= self.start]
        return from_on if self.end is None else [*from_on, self.column < self.end]


async def get_page(
    db: AsyncConnection,
    kind: type[R],
    query: Select[Any],
    column: InstrumentedAttribute[UUID],
    *,
    after: UUID | None,
    limit: int,
    windows: Sequence[Window] = (),
) -> tuple[Sequence[R], bool]:
    """Return at most ``limit`` rows of a kind that follow ``after``, and whether there are more."""
    page = newest(query, column, after=after, windows=windows)
    rows = (await db.execute(page.limit(limit + 1))).all()
    return cast(Sequence[R], rows[:limit]), len(rows) > limit


def newest(
    query: Select[Any],
    column: InstrumentedAttribute[UUID],
    *,
    after: UUID | None,
    windows: Sequence[Window],
) -> Select[Any]:
    """Return the query of what follows ``after``, newest first.

    Ids are UUIDv7, so descending order is newest first. Within the first of the windows that is
    given the newest moment comes first: read along its index, no page costs more than its rows,
    however far back the window lies.
    """
    given = [window for window in windows if window.conditions]
    order: list[Any] = [*(window.column for window in given[:1]), column]
    query = query.where(*(condition for window in given for condition in window.conditions))
    if after is not None:
        query = query.where(_follows(order, after))
    return query.order_by(*(one.desc() for one in order))


def _follows(order: Sequence[Any], after: UUID) -> ColumnElement[bool]:
    """Return the condition on rows behind that with the id ``after``."""
    id_column = order[-1]
    if len(order) == 1:
        return cast(ColumnElement[bool], id_column < after)
    mark = id_column.table.alias("mark")
    place = select(*(mark.c[one.name] for one in order)).where(mark.c.id == after)
    return tuple_(*order) < place.scalar_subquery()
