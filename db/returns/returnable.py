"""What of orders can still come back: read under their locks, before units are promised away."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.items import known_by
from db.orders.credit_notes import CREDITED_LINES
from db.refunds.refundable import COUNTS
from domain.returns.rules import Accepted, Delivery, SoldLine
from domain.returns.status import MERCHANT_FAULT

_LINES = text(
    f"""SELECT l.id, l.order_id, l.sku, l.quantity - l.cancelled - l.written_off AS sold,
        l.delivered, l.coming_back, l.returned, l.undelivered, i.return_window_days,
        i.restocking_fee_rate, {known_by("l")} AS tracking, coalesce((
            SELECT jsonb_agg(jsonb_build_object('on', d.day, 'units', d.units) ORDER BY d.day)
            FROM (SELECT (s.delivered_at AT TIME ZONE 'UTC')::date AS day, sum(x.quantity) AS units
                FROM shipment_lines x JOIN shipments s ON s.id = x.shipment_id
                WHERE x.order_line_id = l.id AND s.settled_at IS NOT NULL
                    AND s.delivered_at IS NOT NULL AND NOT EXISTS (SELECT FROM events e
                        WHERE e.subject_id = s.id AND e.type = 'shipment.written_off.v1')
                GROUP BY 1) d), '[]') AS deliveries
    FROM order_lines l JOIN items i ON i.id = l.item_id
    WHERE l.order_id = ANY(:orders) ORDER BY l.order_id, l.position"""
).bindparams(bindparam("orders", type_=ARRAY(Uuid)))
_SITE = text(
    """SELECT s.site_id FROM shipments s JOIN shipment_lines x ON x.shipment_id = s.id
    WHERE x.order_line_id = :line ORDER BY s.delivered_at DESC NULLS LAST LIMIT 1"""
)
_FAULTS = ", ".join(f"'{reason}'" for reason in sorted(MERCHANT_FAULT))
_ACCEPTED = text(
    f"""SELECT coalesce(sum(d.quantity), 0)::int AS units,
        coalesce(sum(d.quantity) FILTER (WHERE r.reason IN ({_FAULTS})), 0)::int AS faulty
    FROM return_dispositions d JOIN return_lines r ON r.id = d.return_line_id
    JOIN order_lines l ON l.id = r.order_line_id JOIN returns b ON b.id = r.return_id
    WHERE l.order_id = :order AND d.accepted AND d.revised_at IS NULL AND b.shipment_id IS NULL
        AND r.return_id IS DISTINCT FROM CAST(:without AS uuid)"""
)
_REFUNDED = text(
    f"""SELECT order_line_id, sum(units)::int AS units FROM (
        SELECT x.order_line_id, x.units FROM refund_lines x JOIN refunds r ON r.id = x.refund_id
        WHERE r.return_id = :return AND r.status IN {COUNTS}
        UNION ALL SELECT c.order_line_id, c.units FROM {CREDITED_LINES} c
        WHERE c.return_id = :return) given GROUP BY 1"""
)
_LABEL_FEES = text(
    f"""SELECT coalesce(sum(label_fee_amount), 0)::bigint FROM refunds r
    WHERE r.return_id = :return AND r.status IN {COUNTS}"""
)
_ORDERS = text(
    """SELECT DISTINCT order_id FROM order_lines
    WHERE id = ANY(:lines) ORDER BY order_id"""
).bindparams(bindparam("lines", type_=ARRAY(Uuid)))


async def orders_of(db: AsyncConnection, line_ids: Collection[UUID]) -> list[UUID]:
    """Return the orders that lines belong to, in the order in which they are locked."""
    return list((await db.execute(_ORDERS, {"lines": list(line_ids)})).scalars())


async def sold_lines(db: AsyncConnection, order_ids: Collection[UUID]) -> Mapping[UUID, SoldLine]:
    """Return the lines of orders as far as their units can come back, by their ids."""
    rows = await db.execute(_LINES, {"orders": list(order_ids)})
    return {
        row.id: SoldLine(
            id=row.id,
            order_id=row.order_id,
            sku=row.sku,
            sold=row.sold,
            delivered=row.delivered,
            coming_back=row.coming_back,
            returned=row.returned,
            deliveries=tuple(_delivery(each) for each in row.deliveries),
            window_days=row.return_window_days,
            fee_rate=row.restocking_fee_rate,
            undelivered=row.undelivered,
            tracking=row.tracking,
        )
        for row in rows
    }


def _delivery(each: Mapping[str, Any]) -> Delivery:
    return Delivery(date.fromisoformat(each["on"]), each["units"])


async def site_of(db: AsyncConnection, line_id: UUID) -> UUID | None:
    """Return the site from which units of an order's line were sent last; None when none were."""
    return (await db.execute(_SITE, {"line": line_id})).scalar_one_or_none()


async def accepted_of(
    db: AsyncConnection, order_id: UUID, *, without: UUID | None = None
) -> Accepted:
    """Return the accepted units of an order on all its returns, or on those ``without`` one.

    Delivered ones: what a carrier brought back counts as never sold.
    """
    found = await db.execute(_ACCEPTED, {"order": order_id, "without": without})
    return Accepted(*found.one())


async def refunded_by(db: AsyncConnection, return_id: UUID) -> dict[UUID, int]:
    """Return the units of each order's line that refunds of a return give back, or gave.

    Or for which an order on terms owes less.
    """
    rows = await db.execute(_REFUNDED, {"return": return_id})
    return {row.order_line_id: row.units for row in rows}


async def label_fee_kept(db: AsyncConnection, return_id: UUID) -> int:
    """Return what refunds of a return have kept for its label, or are to keep."""
    return int((await db.execute(_LABEL_FEES, {"return": return_id})).scalar_one())
