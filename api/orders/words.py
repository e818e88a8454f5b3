"""Lists of orders by words that are computed: by the rules of the view, order by order."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncConnection

from api.rows import last_id, shown
from db.orders.tables import OrderRow
from db.pages import Window, get_page

Words = Mapping[str, AbstractSet[str]]
"""By field of the view the words that it may have."""
MOST_READ = 500
"""So many orders are read for a page at most: it costs the same however rare the words are."""
_AT_ONCE = 100


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
    none of the `MOST_READ` orders before its end has the words.
    """
    found: list[dict[str, Any]] = []
    read, more = 0, True
    while more and len(found) <= limit and read < MOST_READ:
        rows, more = await get_page(
            db,
            OrderRow,
            query,
            OrderRow.id,
            after=after,
            limit=_AT_ONCE if words else limit,
            windows=windows,
        )
        views = shown("OrderView", build, rows)
        found += [view for view in views if all(view[name] in words[name] for name in words)]
        after, read = last_id(rows, more), read + len(rows)
        if not words:
            return found, after
    if len(found) > limit:
        return found[:limit], found[limit - 1]["id"]
    return found, after
