"""Captures by shipment: what a hand-over captures, and whether that money was taken."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.orders.by_hand import MOVES_BY_HAND, PREPAID
from db.payments import AGAIN, STANDS

_TO_CAPTURE = """(s.capture_shipping_amount - s.prepaid_amount + (
        SELECT sum(l.capture_amount) FROM shipment_lines l WHERE l.shipment_id = s.id))"""
OWES = f"""s.handed_over_at IS NOT NULL
          AND {_TO_CAPTURE} > 0
          AND NOT EXISTS (
              SELECT 1 FROM payment_entries e WHERE e.shipment_id = s.id
              AND e.kind = 'capture' AND {STANDS})
          AND NOT EXISTS (
              SELECT 1 FROM order_lines c WHERE c.order_id = s.order_id AND c.captured_units > 0)"""
"""The condition that the money for a shipment ``s`` that left is outstanding.

That of an order which pays when it is confirmed is asked for as a whole: db/orders/captures.py.
"""
_IS_OWED = f"""EXISTS (
        SELECT 1 FROM shipments s WHERE (s.id = :id OR s.order_id = :id) AND {OWES})"""
_OWED = text(f"SELECT {_IS_OWED}")
_AMOUNT = text(f"""SELECT {_TO_CAPTURE}::bigint FROM shipments s WHERE s.id = :id AND {OWES}""")
_AMOUNTS = text(
    f"""SELECT (SELECT coalesce(sum({_TO_CAPTURE}), 0)::bigint
            FROM shipments s WHERE s.order_id = o.id AND {OWES}) - {PREPAID}
    FROM orders o WHERE o.id = :order"""
)
# What the provider is being asked for is not paid otherwise meanwhile.
_UNPAID = text(
    f"""SELECT s.id FROM shipments s WHERE s.order_id = :order AND {OWES}
        AND NOT EXISTS (SELECT FROM payment_entries e WHERE e.shipment_id = s.id
            AND e.kind = 'capture' GROUP BY e.key HAVING bool_and(e.phase = 'requested'))
    ORDER BY s.handed_over_at, s.id"""
)
_USE = text("UPDATE shipments SET prepaid_amount = prepaid_amount + :amount WHERE id = :shipment")
# Asked for, it has an entry; and finance is asked where there was nothing to ask for.
_IS_UNTRIED = f"""EXISTS (
        SELECT FROM shipments s WHERE s.id = :id AND {OWES}
        AND NOT EXISTS (SELECT FROM payment_entries e WHERE e.shipment_id = s.id
            AND e.kind = 'capture')
        AND NOT EXISTS (SELECT FROM tasks t WHERE t.document_id = s.id
            AND t.kind = 'capture_failed')
        AND NOT EXISTS (SELECT FROM ({MOVES_BY_HAND}) m WHERE m.order_id = s.order_id))"""
_UNTRIED = text(f"SELECT {_IS_UNTRIED}")
_JOURNEY = text(
    f"""SELECT status, settled_at IS NOT NULL AS settled, {_IS_OWED} AS owed,
        {_IS_UNTRIED} AS untried,
        EXISTS (SELECT FROM tasks t WHERE t.document_id = shipments.id AND {AGAIN}) AS refunding
    FROM shipments WHERE id = :id"""
)


async def is_owed(db: AsyncConnection, document_id: UUID) -> bool:
    """Whether money for goods that left is outstanding, of a shipment or of a whole order."""
    return bool((await db.execute(_OWED, {"id": document_id})).scalar_one())


async def is_untried(db: AsyncConnection, shipment_id: UUID) -> bool:
    """Whether money for a shipment that left is outstanding, and nobody has asked for it yet.

    Not while money of its order is being moved by hand.
    """
    return bool((await db.execute(_UNTRIED, {"id": shipment_id})).scalar_one())


async def amount_owed(db: AsyncConnection, shipment_id: UUID) -> int:
    """Return the money for a shipment that left which is outstanding, in minor units."""
    return (await db.execute(_AMOUNT, {"id": shipment_id})).scalar_one_or_none() or 0


async def amount_owed_of(db: AsyncConnection, order_id: UUID) -> int:
    """Return the money outstanding for all that left of an order, in minor units.

    Less what was captured by hand and has paid for nothing yet: below 0 where that is more.
    """
    return int((await db.execute(_AMOUNTS, {"order": order_id})).scalar_one())


async def unpaid_shipments(db: AsyncConnection, order_id: UUID) -> list[UUID]:
    """Return what left of an order and is not paid nor being paid for, the first to leave first."""
    return list((await db.execute(_UNPAID, {"order": order_id})).scalars())


async def use_prepaid(db: AsyncConnection, shipment_id: UUID, amount: int) -> None:
    """Have money that was captured by hand (minor units) pay for a shipment that left."""
    await db.execute(_USE, {"shipment": shipment_id, "amount": amount})


async def get_journey(db: AsyncConnection, shipment_id: UUID) -> Row[Any]:
    """Return a shipment's status, if it is settled, and if its money is owed, or untried."""
    return (await db.execute(_JOURNEY, {"id": shipment_id})).one()


_SETTLEMENT = text(
    f"""SELECT EXISTS (SELECT 1 FROM events WHERE subject_id = :id
            AND type = 'shipment.written_off.v1') AS written_off,
        (SELECT coalesce(sum(given.amount), 0)::bigint FROM (
            SELECT e.amount FROM payment_entries e
            WHERE e.shipment_id = :id AND e.kind = 'refund' AND {STANDS}
            UNION ALL SELECT r.amount FROM refunds r WHERE r.shipment_id = :id
            AND r.status NOT IN ('failed', 'cancelled')) given) AS refunded"""
)


async def get_settlement(db: AsyncConnection, shipment_id: UUID) -> Row[Any]:
    """Return whether a settled shipment was ``written_off``, and what is ``refunded`` for it."""
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


async def count_capture(db: AsyncConnection, shipment_id: UUID) -> None:
    """Add what was captured to the order and its lines."""
    await db.execute(_COUNT, {"shipment": shipment_id, "times": 1})


async def uncount_capture(db: AsyncConnection, shipment_id: UUID) -> None:
    """Take off the order and its lines what was captured and taken back again."""
    await db.execute(_COUNT, {"shipment": shipment_id, "times": -1})


async def waive_capture(db: AsyncConnection, shipment_id: UUID) -> None:
    """Give up what could not be captured for this shipment."""
    await plan_capture(db, shipment_id, {}, 0)
