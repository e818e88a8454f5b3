"""Counts of certain orders by their state."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# One array parameter, because a statement takes no more than 32,767 single ones.
_COUNT = text("SELECT status, count(*) AS found FROM orders WHERE id = ANY(:ids) GROUP BY 1")
_FIND = text(
    """SELECT external_reference, id FROM orders
    WHERE source = :source AND external_reference = ANY(:references)"""
)


async def count_by_status(db: AsyncConnection, ids: Sequence[UUID]) -> dict[str, int]:
    """Return how many of these orders are in each state."""
    rows = await db.execute(_COUNT, {"ids": list(ids)})
    return {row.status: row.found for row in rows}


async def find_references(
    db: AsyncConnection, source: str, references: Sequence[str]
) -> dict[str, UUID]:
    """Return which of a source's references have an order already, and its id."""
    rows = await db.execute(_FIND, {"source": source, "references": list(references)})
    return {row.external_reference: row.id for row in rows}
