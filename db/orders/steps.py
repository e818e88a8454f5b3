"""The writes of an order's run: each under the order's lock, each with its event."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from db.events import ADD_EVENTS, Event, add_events, to_add
from db.orders.tables import OrderLineRow, OrderRow
from domain.documents import Document, Kind, correlation_id
from domain.errors import NotFound
from domain.lifecycle import move
from domain.orders.status import MOVES, LineCounters, OrderStatus
from telemetry import metrics

# Statements are made once: to build one anew costs the worker more than to run it.
_LOCK = select(OrderRow.__table__).where(OrderRow.id == bindparam("order")).with_for_update()
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
_MOVE = text(
    f"""WITH moved AS (
        UPDATE orders SET status = :status, version = version + 1,
            confirmed_at = CASE :status WHEN 'confirmed' THEN now() ELSE confirmed_at END,
            completed_at = CASE :status WHEN 'completed' THEN now() ELSE completed_at END,
            cancelled_at = CASE :status WHEN 'cancelled' THEN now() ELSE cancelled_at END,
            cancel_reason = coalesce(:reason, cancel_reason)
        WHERE id = :order)
    {ADD_EVENTS}"""
)


async def lock_order(db: AsyncConnection, order_id: UUID) -> Row[Any]:
    """Lock and return the order's row; everything that changes an order does this first."""
    found = (await db.execute(_LOCK, {"order": order_id})).one_or_none()
    if found is None:
        raise NotFound(f"there is no order {order_id}")
    return found


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


async def move_order(
    db: AsyncConnection, order: Row[Any], target: OrderStatus, actor: str, **facts: Any
) -> None:
    """Move a locked order along its state table, with the event ``order.<target>``."""
    move(MOVES, OrderStatus(order.status), target)
    data = {"from": order.status, "to": target, **facts}
    given = {"order": order.id, "status": target, "reason": facts.get("reason")}
    events = to_add([_event(order, str(target), actor, data)])
    await db.execute(_MOVE, {**given, "events": events})
    metrics.count(metrics.order_transitions.labels(order.status, str(target)))


async def change_order(db: AsyncConnection, order: Row[Any], **values: Any) -> None:
    """Write columns of a locked order and count its version up."""
    await db.execute(
        update(OrderRow)
        .where(OrderRow.id == order.id)
        .values(version=OrderRow.version + 1, **values)
    )


async def announce(
    db: AsyncConnection, order: Row[Any], what: str, actor: str, data: dict[str, Any]
) -> None:
    """Append the event ``order.<what>`` of a locked order."""
    await add_events(db, [_event(order, what, actor, data)])


def _event(order: Row[Any], what: str, actor: str, data: dict[str, Any]) -> Event:
    return Event(
        f"order.{what}",
        subject=order.number,
        subject_id=order.id,
        actor=actor,
        correlation_id=correlation_id(Document(Kind.ORDER, order.id)),
        data=data,
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
