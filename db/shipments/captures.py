"""Captures by shipment: what a hand-over captures, and whether that money was taken."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.payments import AGAIN, STANDS

OWES = f"""s.handed_over_at IS NOT NULL
          AND s.capture_shipping_amount + (
              SELECT sum(l.capture_amount) FROM shipment_lines l WHERE l.shipment_id = s.id) > 0
          AND NOT EXISTS (
              SELECT 1 FROM payment_entries e WHERE e.shipment_id = s.id
              AND e.kind = 'capture' AND {STANDS})"""
"""The condition that the money for a shipment ``s`` that left is outstanding."""
_IS_OWED = f"""EXISTS (
        SELECT 1 FROM shipments s WHERE (s.id = :id OR s.order_id = :id) AND {OWES})"""
_OWED = text(f"SELECT {_IS_OWED}")
_AMOUNT = text(
    f"""SELECT s.capture_shipping_amount + (
        SELECT sum(l.capture_amount)::bigint FROM shipment_lines l WHERE l.shipment_id = s.id)
    FROM shipments s WHERE s.id = :id AND {OWES}"""
)
_AMOUNTS = text(
    f"""SELECT coalesce(sum(s.capture_shipping_amount + (
        SELECT sum(l.capture_amount) FROM shipment_lines l WHERE l.shipment_id = s.id)), 0)::bigint
    FROM shipments s WHERE s.order_id = :order AND {OWES}"""
)
_JOURNEY = text(
    f"""SELECT status, settled_at IS NOT NULL AS settled, {_IS_OWED} AS owed,
        EXISTS (SELECT FROM tasks t WHERE t.document_id = shipments.id AND {AGAIN}) AS refunding
    FROM shipments WHERE id = :id"""
)


async def is_owed(db: AsyncConnection, document_id: UUID) -> bool:
    """Whether money for goods that left is outstanding, of a shipment or of a whole order."""
    return bool((await db.execute(_OWED, {"id": document_id})).scalar_one())


async def amount_owed(db: AsyncConnection, shipment_id: UUID) -> int:
    """Return the money for a shipment that left which is outstanding, in minor units."""
    return (await db.execute(_AMOUNT, {"id": shipment_id})).scalar_one_or_none() or 0


async def amount_owed_of(db: AsyncConnection, order_id: UUID) -> int:
    """Return the money outstanding for all that left of an order, in minor units."""
    return int((await db.execute(_AMOUNTS, {"order": order_id})).scalar_one())


async def get_journey(db: AsyncConnection, shipment_id: UUID) -> Row[Any]:
    """Return a shipment's status, whether it is settled, and whether its money is owed."""
    return (await db.execute(_JOURNEY, {"id": shipment_id})).one()


_SETTLEMENT = text(
    f"""SELECT EXISTS (SELECT 1 FROM events WHERE subject_id = :id
            AND type = 'shipment.written_off.v1') AS written_off,
        (SELECT coalesce(sum(e.amount), 0)::bigint FROM payment_entries e
            WHERE e.shipment_id = :id AND e.kind = 'refund' AND {STANDS}) AS refunded"""
)


async def get_settlement(db: AsyncConnection, shipment_id: UUID) -> Row[Any]:
    """Return whether a settled shipment was ``written_off``, and what was ``refunded`` for it."""
    return (await db.execute(_SETTLEMENT, {"id": shipment_id})).one()


# A line that leaves from several locations carries its amount on the first of its parts.
_PLAN = text(
    """WITH parts AS (
        UPDATE shipment_lines l SET capture_amount = CASE WHEN l.id = first.id
            THEN coalesce((CAST(:amounts AS jsonb) ->> CAST(l.order_line_id AS text))::bigint, 0)
            ELSE 0 END
        FROM (
            SELECT DISTINCT ON (order_line_id) order_line_id, id FROM shipment_lines
            WHERE shipment_id = :shipment ORDER BY order_line_id, id) first
        WHERE l.shipment_id = :shipment AND l.order_line_id = first.order_line_id)
    UPDATE shipments SET capture_shipping_amount = :shipping WHERE id = :shipment"""
)
_PLANNED = text(
    """SELECT s.capture_shipping_amount + (
        SELECT coalesce(sum(l.capture_amount), 0)::bigint FROM shipment_lines l
        WHERE l.shipment_id = s.id) FROM shipments s WHERE s.id = :shipment"""
)
_COUNT = text(
    """WITH parts AS (
        SELECT order_line_id, sum(capture_amount)::bigint AS amount FROM shipment_lines
        WHERE shipment_id = :shipment GROUP BY 1),
    lines AS (
        UPDATE order_lines l SET captured_amount = l.captured_amount + :times * parts.amount
        FROM parts WHERE l.id = parts.order_line_id)
    UPDATE orders o SET captured_shipping_amount
        = o.captured_shipping_amount + :times * s.capture_shipping_amount
    FROM shipments s WHERE s.id = :shipment AND o.id = s.order_id"""
)


async def plan_capture(
    db: AsyncConnection, shipment_id: UUID, by_line: dict[UUID, int], shipping: int
) -> None:
    """Keep what this hand-over captures (minor units): per order line, and for shipping."""
    amounts = to_json({str(line_id): amount for line_id, amount in by_line.items()})
    given = {"shipment": shipment_id, "amounts": amounts, "shipping": shipping}
    await db.execute(_PLAN, given)


async def planned_capture(db: AsyncConnection, shipment_id: UUID) -> int:
    """Return what this shipment's hand-over captures in all, in minor units."""
    return int((await db.execute(_PLANNED, {"shipment": shipment_id})).scalar_one())


async def count_capture(db: AsyncConnection, shipment_id: UUID) -> None:
    """Add what was captured to the order and its lines."""
    await db.execute(_COUNT, {"shipment": shipment_id, "times": 1})


async def uncount_capture(db: AsyncConnection, shipment_id: UUID) -> None:
    """Take off the order and its lines what was captured and taken back again."""
    await db.execute(_COUNT, {"shipment": shipment_id, "times": -1})


async def waive_capture(db: AsyncConnection, shipment_id: UUID) -> None:
    """Give up what could not be captured for this shipment."""
    await plan_capture(db, shipment_id, {}, 0)
