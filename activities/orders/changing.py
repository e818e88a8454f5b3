"""Changing an order before its goods have a label: a use case in the caller's transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, null
from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import ORDERS
from db.orders.tables import OrderRow
from db.orders.writes import counters_of, lines_of
from db.outbox import signal
from db.shipments.picking import lock_picked
from db.shipments.replacing import replace_shipment
from db.shipments.tables import ShipmentRow
from db.shipments.writes import lock_shipments_of
from domain.documents import PROCESSES, Document, Kind
from domain.metadata import merged
from domain.orders.requests import (
    Cancellation,
    OrderChange,
    check_cancellable,
    check_changeable,
)
from domain.orders.status import CancelReason, OrderStatus
from domain.shipments.status import ShipmentStatus

_NOT_LABELLED = frozenset({ShipmentStatus.PENDING, ShipmentStatus.VOIDED, ShipmentStatus.CANCELLED})


async def change_order(
    db: AsyncConnection, order: OrderRow, change: OrderChange, actor: str
) -> bool:
    """Change a locked order, and whatever of it has no label yet; return whether it was news.

    Raises IllegalMove for an order that has ended or is to be cancelled, and when something of it
    has a label or has left, unless only whose turn it is or its metadata change.
    """
    shipments = await lock_shipments_of(db, order.id)
    if change.at_any_time:
        return await _write(db, order, shipments, change, actor)
    labelled = [
        one.number
        for one in shipments
        if one.status not in _NOT_LABELLED and not change.with_labels
    ]
    check_changeable(OrderStatus(order.status), order.cancel_requested_at is not None, labelled)
    return await _write(db, order, shipments, change, actor)


async def redirect_order(
    db: AsyncConnection, order: OrderRow, change: OrderChange, actor: str
) -> None:
    """Change a locked order for what of it has no label yet; the rest travels as it was booked."""
    await _write(db, order, await lock_shipments_of(db, order.id), change, actor)


async def request_cancellation(
    db: AsyncConnection, order: OrderRow, cancellation: Cancellation
) -> None:
    """Note that a locked order is to be cancelled; the first request counts.

    Raises IllegalMove when it has ended or something of it has left.
    """
    lines = [counters_of(line) for line in await lines_of(db, order.id)]
    check_cancellable(OrderStatus(order.status), lines)
    if order.cancel_requested_at is None:
        await note_cancellation(db, order, cancellation.reason, cancellation.actor)


async def note_cancellation(
    db: AsyncConnection, order: OrderRow, reason: CancelReason, actor: str
) -> None:
    """Note that a locked order is to be cancelled as a whole, and no units by themselves."""
    await ORDERS.change(
        db,
        order,
        cancel_requested_at=func.now(),
        cancel_requested_by=actor,
        cancel_requested_reason=reason,
        line_cancellations=null(),
    )


async def wake(db: AsyncConnection, order: OrderRow) -> None:
    """Have the order's run look at it again."""
    await signal(db, Document(Kind.ORDER, order.id), PROCESSES[Kind.ORDER].signals[0])


async def _write(
    db: AsyncConnection,
    order: OrderRow,
    shipments: Sequence[ShipmentRow],
    change: OrderChange,
    actor: str,
) -> bool:
    given: dict[str, Any] = merged(change.model_dump(exclude_none=True), order)
    values = {name: value for name, value in given.items() if getattr(order, name) != value}
    if not values:
        return False
    await ORDERS.change(db, order, **values)
    # Which fields, not what they say: addresses are personal data.
    await ORDERS.add_event(db, order, "changed", actor, {"fields": sorted(values)})
    travels = {"ship_to", "shipping_service"} & values.keys()
    pending = [one for one in shipments if one.status == ShipmentStatus.PENDING]
    if travels and pending:
        await lock_picked(db, order.id)
    for shipment in pending if travels else ():
        await replace_shipment(
            db,
            shipment,
            actor,
            service=values.get("shipping_service"),
            ship_to=values.get("ship_to"),
        )
    if travels and pending:
        await wake(db, order)
    return True
