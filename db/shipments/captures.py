"""What each shipment's hand-over captures, and whether that money was taken."""

from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.orders.tables import OrderLineRow, OrderRow
from db.shipments.tables import ShipmentLineRow, ShipmentRow

_OWED = text(
    """SELECT EXISTS (
        SELECT 1 FROM shipments s
        WHERE (s.id = :id OR s.order_id = :id) AND s.handed_over_at IS NOT NULL
          AND s.capture_shipping_amount + (
              SELECT sum(l.capture_amount) FROM shipment_lines l WHERE l.shipment_id = s.id) > 0
          AND NOT EXISTS (
              SELECT 1 FROM payment_entries e WHERE e.shipment_id = s.id
              AND e.kind = 'capture' AND e.phase = 'succeeded'))"""
)


async def is_owed(db: AsyncConnection, document_id: UUID) -> bool:
    """Whether money for goods that left is outstanding, of a shipment or of a whole order."""
    return bool((await db.execute(_OWED, {"id": document_id})).scalar_one())


async def plan_capture(
    db: AsyncConnection, shipment_id: UUID, by_line: dict[UUID, int], shipping: int
) -> None:
    """Keep what this hand-over captures (minor units): per order line, and for shipping.

    A line that leaves from several locations carries its amount on the first of its parts.
    """
    parts = await db.execute(
        select(ShipmentLineRow.id, ShipmentLineRow.order_line_id)
        .where(ShipmentLineRow.shipment_id == shipment_id)
        .order_by(ShipmentLineRow.id)
    )
    left = dict(by_line)
    for part in parts:
        amount = left.pop(part.order_line_id, 0)
        await db.execute(
            update(ShipmentLineRow)
            .where(ShipmentLineRow.id == part.id)
            .values(capture_amount=amount)
        )
    await db.execute(
        update(ShipmentRow)
        .where(ShipmentRow.id == shipment_id)
        .values(capture_shipping_amount=shipping)
    )


async def planned_capture(db: AsyncConnection, shipment_id: UUID) -> int:
    """Return what this shipment's hand-over captures in all, in minor units."""
    lines = (
        select(func.coalesce(func.sum(ShipmentLineRow.capture_amount), 0))
        .where(ShipmentLineRow.shipment_id == shipment_id)
        .scalar_subquery()
    )
    query = select(lines + ShipmentRow.capture_shipping_amount).where(ShipmentRow.id == shipment_id)
    return int((await db.execute(query)).scalar_one())


async def count_capture(db: AsyncConnection, shipment_id: UUID) -> None:
    """Add what was captured to the order and its lines."""
    parts = (
        select(ShipmentLineRow.order_line_id, func.sum(ShipmentLineRow.capture_amount).label("sum"))
        .where(ShipmentLineRow.shipment_id == shipment_id)
        .group_by(ShipmentLineRow.order_line_id)
        .subquery()
    )
    await db.execute(
        update(OrderLineRow)
        .where(OrderLineRow.id == parts.c.order_line_id)
        .values(captured_amount=OrderLineRow.captured_amount + parts.c.sum)
    )
    await db.execute(
        update(OrderRow)
        .where(OrderRow.id == ShipmentRow.order_id, ShipmentRow.id == shipment_id)
        .values(
            captured_shipping_amount=OrderRow.captured_shipping_amount
            + ShipmentRow.capture_shipping_amount
        )
    )


async def waive_capture(db: AsyncConnection, shipment_id: UUID) -> None:
    """Give up what could not be captured for this shipment."""
    await plan_capture(db, shipment_id, {}, 0)
