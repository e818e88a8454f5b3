"""Keyset pages, newest first: as fast on the last page as on the first."""

from collections.abc import Sequence
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

R = TypeVar("R")


async def get_page(
    db: AsyncConnection,
    kind: type[R],
    query: Select[Any],
    column: InstrumentedAttribute[UUID],
    *,
    after: UUID | None,
    limit: int,
) -> tuple[Sequence[R], bool]:
    """Return at most ``limit`` rows of a kind that follow ``after``, and whether there are more.

    Ids are UUIDv7, so descending order is newest first.
    """
    if after is not None:
        query = query.where(column < after)
    rows = (await db.execute(query.order_by(column.desc()).limit(limit + 1))).all()
    return cast(Sequence[R], rows[:limit]), len(rows) > limit
