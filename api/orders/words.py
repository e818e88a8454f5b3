"""Lists of orders by words that are computed: by the rules of the view, order by order."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncConnection

from api.rows import last_id, shown
from db.orders.reads import PARTS_SIZE
from db.orders.tables import OrderRow
from db.pages import PAGE_BYTES, Window, get_page

Words = Mapping[str, AbstractSet[str]]
"""By field of the view the words that it may have."""
MOST_READ = 500
"""So many orders are read for a page at most: it costs the same however rare the words are."""
_AT_ONCE = 100
_READS = 5
"""So often are orders read for a page; each read has its part of the bytes of a page."""


async def worded_page(
    db: AsyncConnection,
    query: Select[Any],
    windows: Sequence[Window],
    build: Callable[[OrderRow], dict[str, Any]],
    words: Words,
    *,
    after: UUID | None,
    limit: int,
) -> tuple[list[dict[str, Any]], UUID | None]:
    """Return the views of at most ``limit`` orders with these words, newest first.

    And the id behind which the next page begins, if there is one. A page is short, or empty, where
    none of the `MOST_READ` orders before its end has the words, or where orders are large.
    """
    found: list[dict[str, Any]] = []
    read, reads, more = 0, 0, True
    while more and len(found) <= limit and read < MOST_READ and reads < _READS:
        rows, more = await get_page(
            db,
            OrderRow,
            query,
            OrderRow.id,
            after=after,
            limit=_AT_ONCE if words else limit,
            windows=windows,
            parts=PARTS_SIZE,
            most=PAGE_BYTES // _READS if words else PAGE_BYTES,
        )
        views = shown("OrderView", build, rows)
        found += [view for view in views if all(view[name] in words[name] for name in words)]
        after, read, reads = last_id(rows, more), read + len(rows), reads + 1
        if not words:
            return found, after
    if len(found) > limit:
        return found[:limit], found[limit - 1]["id"]
    return found, after
