"""Keyset pages, newest or oldest first: as fast on the last page as on the first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, func, literal_column, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

R = TypeVar("R")
PAGE_BYTES = 1_000_000
"""About so large is a page at most, whatever its limit: answers are built in memory."""


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
    offset: int = 0,
    windows: Sequence[Window] = (),
    parts: ColumnElement[int] | None = None,
    most: int = PAGE_BYTES,
) -> tuple[Sequence[R], bool]:
    """Return at most ``limit`` rows of a kind that follow ``after``, and whether there are more.

    The first ``offset`` of those that follow are skipped. The page ends before what does not fit
    into ``most`` bytes, yet has one row at least; ``parts`` is about how many bytes of a row come
    from other tables.
    """
    page = bounded(
        query,
        column,
        after=after,
        limit=limit,
        offset=offset,
        windows=windows,
        parts=parts,
        most=most,
    )
    rows = (await db.execute(page)).all()
    return cast(Sequence[R], rows), bool(rows) and rows[0].ahead > len(rows)


def bounded(
    query: Select[Any],
    column: InstrumentedAttribute[UUID],
    *,
    after: UUID | None,
    limit: int,
    offset: int = 0,
    windows: Sequence[Window] = (),
    parts: ColumnElement[int] | None = None,
    most: int = PAGE_BYTES,
) -> Select[Any]:
    """Return the query of a page, each row with ``ahead``: how many of ``limit + 1`` there are.

    Sizes are looked at first, so that neither the parts of rows that do not fit are read, nor those
    rows sent.
    """
    order = _order(column, windows)
    size: ColumnElement[int] = literal_column(f"octet_length({_table(column).name}::text)")
    keys = (
        newest(query, column, after=after, windows=windows)
        .with_only_columns(
            *(one.label(f"key_{place}") for place, one in enumerate(order)),
            (size if parts is None else size + parts).label("size"),
            maintain_column_froms=True,
        )
        .offset(offset or None)
        .limit(limit + 1)
        .cte("keys")
    )
    along = [keys.c[f"key_{place}"].desc() for place in range(len(order))]
    before = (func.sum(keys.c.size).over(order_by=along) - keys.c.size).label("before")
    key = keys.c[f"key_{len(order) - 1}"]
    sized = select(key.label("id"), before).order_by(*along).limit(limit).subquery()
    ahead = select(func.count()).select_from(keys).scalar_subquery()
    return (
        query.add_columns(ahead.label("ahead"))
        .where(column.in_(select(sized.c.id).where(sized.c.before < most)))
        .order_by(*(one.desc() for one in order))
    )


def oldest(rows: str, order: str, limit: str) -> str:
    """Return the SQL of a page in this order, each row with ``ahead``: how many ``rows`` there are.

    They are those of the page and one more, each with its ``size`` in bytes; ``limit`` is the SQL
    of how many the page has at most. It ends before what does not fit, yet has one row at least.
    """
    return f"""SELECT * FROM (
        SELECT r.*, count(*) OVER () AS ahead, row_number() OVER (ORDER BY {order}) AS row_nth,
            sum(r.size) OVER (ORDER BY {order}) - r.size AS bytes_before
        FROM ({rows}) r) sized
    WHERE bytes_before < {PAGE_BYTES} AND row_nth <= {limit}"""


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
    order = _order(column, windows)
    query = query.where(*(condition for window in windows for condition in window.conditions))
    if after is not None:
        query = query.where(_follows(order, after))
    return query.order_by(*(one.desc() for one in order))


def _order(column: InstrumentedAttribute[UUID], windows: Sequence[Window]) -> list[Any]:
    given = [window.column for window in windows if window.conditions]
    return [*given[:1], column]


def _table(column: InstrumentedAttribute[UUID]) -> Table:
    return cast(Table, column.property.columns[0].table)


def _follows(order: Sequence[Any], after: UUID) -> ColumnElement[bool]:
    """Return the condition on rows behind that with the id ``after``."""
    id_column = order[-1]
    if len(order) == 1:
        return cast(ColumnElement[bool], id_column < after)
    mark = id_column.table.alias("mark")
    place = select(*(mark.c[one.name] for one in order)).where(mark.c.id == after)
    return tuple_(*order) < place.scalar_subquery()
