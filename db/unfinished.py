"""Documents that need a run: what must move on, and is not waiting in the outbox."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_UNFINISHED = text(
    """SELECT workflow, id FROM (
        SELECT 'OrderFulfillment' AS workflow, id, placed_at AS since FROM orders
        WHERE status IN ('pending', 'confirmed')
        UNION ALL
        SELECT 'ShipmentTracking', id, handed_over_at FROM shipments
        WHERE handed_over_at IS NOT NULL AND settled_at IS NULL) d
    WHERE id > :after AND since < now() - CAST(:older_than AS interval)
      AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.document_id = d.id)
    ORDER BY id LIMIT :limit"""
)


async def find_unfinished(
    db: AsyncConnection, *, after: UUID, older_than: timedelta, limit: int
) -> Sequence[Row[Any]]:
    """Return workflow and id of unfinished documents in the order of their ids."""
    given = {"after": after, "older_than": older_than, "limit": limit}
    return (await db.execute(_UNFINISHED, given)).all()
