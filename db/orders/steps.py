"""The writes of an order's run: each under the order's lock, each with its event."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.orders.tables import OrderLineRow
from domain.orders.status import LineCounters

# Statements are made once: to build one anew costs the worker more than to run it.
_LINES = (
    select(OrderLineRow.__table__)
    .where(OrderLineRow.order_id == bindparam("order"))
    .order_by(OrderLineRow.position)
)
_OPEN_POINTS = text(
    """SELECT EXISTS (
            SELECT 1 FROM holds WHERE document_id = :order AND released_at IS NULL) AS held,
        ARRAY(SELECT id FROM shipments WHERE order_id = :order AND status = 'pending'
            ORDER BY id) AS to_book"""
)


async def lines_of(db: AsyncConnection, order_id: UUID) -> Sequence[Row[Any]]:
    """Return the order's lines in their order."""
    return (await db.execute(_LINES, {"order": order_id})).all()


async def open_points_of(db: AsyncConnection, order_id: UUID) -> Row[Any]:
    """Return whether a locked order is ``held``, and its shipments ``to_book``."""
    return (await db.execute(_OPEN_POINTS, {"order": order_id})).one()


def counters_of(line: Row[Any]) -> LineCounters:
    """Return the counters of a line's row."""
    return LineCounters(
        quantity=line.quantity,
        cancelled=line.cancelled,
        shipped=line.shipped,
        delivered=line.delivered,
        written_off=line.written_off,
        total_amount=line.total_amount,
    )


async def count_up(db: AsyncConnection, line_id: UUID, **counters: int) -> None:
    """Add to counters of a line whose order is locked; the table's checks bound them."""
    await db.execute(
        update(OrderLineRow)
        .where(OrderLineRow.id == line_id)
        .values({name: getattr(OrderLineRow, name) + by for name, by in counters.items()})
    )


async def cancel_open_units(db: AsyncConnection, order_id: UUID) -> None:
    """Count everything that has not been shipped as cancelled."""
    await db.execute(
        update(OrderLineRow)
        .where(OrderLineRow.order_id == order_id)
        .values(cancelled=OrderLineRow.quantity - OrderLineRow.shipped)
    )
