"""Documents that need a run, and whether something for their run still waits in the outbox."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.shipments.captures import OWES

# A shipment needs its run from the first scan of one of its parcels until it is settled and paid.
_UNFINISHED = text(
    f"""SELECT workflow, id, EXISTS (SELECT 1 FROM outbox o WHERE o.document_id = d.id) AS due
    FROM (
        SELECT 'OrderFulfillment' AS workflow, id, placed_at AS since FROM orders
        WHERE status IN ('pending', 'confirmed')
        UNION ALL
        SELECT 'ShipmentTracking', s.id, coalesce(s.handed_over_at, s.booked_at)
        FROM shipments s JOIN orders o ON o.id = s.order_id
        WHERE o.status = 'confirmed' AND CASE WHEN s.handed_over_at IS NULL
            THEN s.status = 'booked' AND EXISTS (SELECT 1 FROM parcels p
                WHERE p.shipment_id = s.id AND p.status NOT IN ('booked', 'voided'))
            ELSE s.settled_at IS NULL OR ({OWES}) END) d
    WHERE id > :after AND since <= now() - CAST(:older_than AS interval)
    ORDER BY id LIMIT :limit"""
)
_FIRST = UUID(int=0)


async def find_unfinished(
    db: AsyncConnection,
    *,
    after: UUID = _FIRST,
    older_than: timedelta = timedelta(),
    limit: int | None = None,
) -> Sequence[Row[Any]]:
    """Return ``workflow`` and ``id`` of unfinished documents in the order of their ids.

    ``due``: the outbox still has something to tell their run, perhaps its start.
    """
    given = {"after": after, "older_than": older_than, "limit": limit}
    return (await db.execute(_UNFINISHED, given)).all()
