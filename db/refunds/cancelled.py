"""Lines of orders that were paid for when they were confirmed, with what went back for them."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.refunds.refundable import COUNTS
from domain.refunds.cancelled import CancelledLine

# Nothing before the money is there; then all of it is promised at once.
_LINES = text(
    f"""SELECT l.id, l.quantity, l.total_amount, l.cancelled, l.delivered, l.captured_units,
        coalesce(r.given_units, 0)::bigint, coalesce(r.given_amount, 0)::bigint,
        coalesce(r.other_units, 0)::bigint, coalesce(r.other_amount, 0)::bigint
    FROM order_lines l LEFT JOIN LATERAL (
        SELECT sum(x.units) FILTER (WHERE f.source = 'cancellation') AS given_units,
            sum(x.amount) FILTER (WHERE f.source = 'cancellation') AS given_amount,
            sum(x.units) FILTER (WHERE f.source <> 'cancellation' AND f.status IN {COUNTS}
                AND f.shipment_id IS NULL) AS other_units,
            sum(x.amount) FILTER (WHERE f.source <> 'cancellation' AND f.status IN {COUNTS}
                AND f.shipment_id IS NULL AND x.units > 0) AS other_amount
        FROM refund_lines x JOIN refunds f ON f.id = x.refund_id
        WHERE x.order_line_id = l.id) r ON true
    WHERE l.order_id = :order AND EXISTS (
        SELECT FROM order_lines t JOIN orders o ON o.id = t.order_id
        WHERE t.order_id = :order AND t.captured_units > 0
            AND t.captured_amount + o.captured_shipping_amount > 0)
    ORDER BY l.position"""
)


_LEFTOVER = text(
    """SELECT coalesce(sum(amount), 0)::bigint FROM (
        SELECT goodwill_amount AS amount FROM refunds
        WHERE order_id = :order AND source = 'cancellation'
        UNION ALL SELECT CAST(facts->'amount'->>'amount' AS bigint) FROM tasks
        WHERE document_id = :order AND kind = 'overpaid' AND outcome = 'keep') seen_to"""
)


_OTHERWISE = text(
    """SELECT coalesce(sum(amount), 0)::bigint FROM refunds
    WHERE order_id = :order AND source = 'cancellation' AND status = 'cancelled'"""
)


async def leftover_seen_to(db: AsyncConnection, order_id: UUID) -> int:
    """Return of an order's money that was for nothing what was given back or kept (minor units).

    Whatever became of such a refund, a person has seen to it.
    """
    return int((await db.execute(_LEFTOVER, {"order": order_id})).scalar_one())


async def given_otherwise(db: AsyncConnection, order_id: UUID) -> int:
    """Return what was to go back by refunds that are cancelled themselves (minor units).

    No entry tells of it, yet it is not ours to promise again: a person has seen to it.
    """
    return int((await db.execute(_OTHERWISE, {"order": order_id})).scalar_one())


async def cancelled_lines(db: AsyncConnection, order_id: UUID) -> list[CancelledLine]:
    """Return all lines of a locked order whose money was taken when it was confirmed; else none."""
    return [CancelledLine(*row) for row in await db.execute(_LINES, {"order": order_id})]
