"""Lists by words that are computed: by the rules of the view, document by document."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

from api.rows import last_id, shown
from db.pages import PAGE_BYTES, Window, get_page

Row = TypeVar("Row")
Shown = TypeVar("Shown")
Words = Mapping[str, AbstractSet[str]]
"""By field of the view the words that it may have."""
MOST_READ = 500
"""So many rows are read for a page at most: it costs the same however rare the words are."""
_AT_ONCE = 100
_READS = 5
"""So often are rows read for a page; each read has its part of the bytes of a page."""


@dataclass(frozen=True)
class Listed(Generic[Row, Shown]):
    """What a list is of: rows of a kind, by their id, and the view of each."""

    kind: type[Row]
    column: InstrumentedAttribute[UUID]
    parts: ColumnElement[int]
    view: str
    build: Callable[[Row], Shown]


async def worded_page(
    db: AsyncConnection,
    listed: Listed[Row, Shown],
    query: Select[Any],
    windows: Sequence[Window],
    words: Words,
    *,
    after: UUID | None,
    limit: int,
) -> tuple[list[Shown], UUID | None]:
    """Return the views of at most ``limit`` rows with these words, newest first.

    And the id behind which the next page begins, if there is one. A page is short, or empty, where
    none of the `MOST_READ` rows before its end has the words, or where they are large.
    """
    found: list[Shown] = []
    read, reads, more = 0, 0, True
    while more and len(found) <= limit and read < MOST_READ and reads < _READS:
        rows, more = await get_page(
            db,
            listed.kind,
            query,
            listed.column,
            after=after,
            limit=_AT_ONCE if words else limit,
            windows=windows,
            parts=listed.parts,
            most=PAGE_BYTES // _READS if words else PAGE_BYTES,
        )
        views = shown(listed.view, listed.build, rows)
        found += [view for view in views if all(_of(view, name) in words[name] for name in words)]
        after, read, reads = last_id(rows, more), read + len(rows), reads + 1
        if not words:
            return found, after
    if len(found) > limit:
        return found[:limit], _of(found[limit - 1], "id")
    return found, after


def _of(view: Any, name: str) -> Any:
    return view[name] if isinstance(view, Mapping) else getattr(view, name)
