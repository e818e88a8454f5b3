"""Keyset pages, newest first: as fast on the last page as on the first."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute


async def get_page(
    db: AsyncConnection,
    query: Select[Any],
    column: InstrumentedAttribute[UUID],
    *,
    after: UUID | None,
    limit: int,
) -> tuple[Sequence[Row[Any]], bool]:
    """Return at most ``limit`` rows that follow ``after`` by this id, and whether there are more.

    Ids are UUIDv7, so descending order is newest first.
    """
    if after is not None:
        query = query.where(column < after)
    rows = (await db.execute(query.order_by(column.desc()).limit(limit + 1))).all()
    return rows[:limit], len(rows) > limit
