"""Cancelling some units of an order: use cases in the caller's transaction.

Goods that are on no pick list are given up at once. Else the order keeps the request: its run makes
sure that there is no label, or takes it back, and cancels then what has not left meanwhile.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import null
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders.changing import note_cancellation, wake
from activities.refunds.cancelled import give_cancelled_back
from db.documents import ORDERS, SHIPMENTS
from db.inventory.movements import Share
from db.inventory.posting import release
from db.inventory.splitting import split_reservations
from db.orders.backorders import is_short, settle_short
from db.orders.tables import OrderRow
from db.orders.writes import count_up, counters_of, lines_of
from db.shipments.picking import lock_picked, put_all_back
from db.shipments.promises import promises_of
from db.shipments.replacing import replace_shipment
from db.shipments.tables import ShipmentRow
from db.shipments.writes import lock_shipments_of, shipment_lines_of
from db.tasks import cancel_tasks
from domain.ids import new_id
from domain.orders.cancelling import (
    LINE_CANCELLATIONS,
    LineCancellation,
    Promise,
    check_divisible,
    check_units,
    in_the_way,
    leaves_nothing,
    take,
    wanted,
)
from domain.orders.status import LineCounters, OrderKind, OrderStatus
from domain.shipments.status import ShipmentStatus
from domain.tasks import TaskKind


async def cancel_lines(db: AsyncConnection, order: OrderRow, asked: LineCancellation) -> None:
    """Cancel units of a locked order, or have its run do it; with the last ones the order.

    Raises IllegalMove, also for some units of a replacement, NotFound and QuantityExceeded.
    """
    shipments = await lock_shipments_of(db, order.id)
    lines = await _lines(db, order)
    requests = (*requests_of(order), asked)
    cancelling = order.cancel_requested_at is not None
    check_units(OrderStatus(order.status), lines, requests, cancelling=cancelling)
    check_divisible(OrderKind(order.kind), lines, requests)
    promises = await promises_of(db, order.id)
    if _ends(lines, requests, promises):
        await note_cancellation(db, order, asked.reason, asked.actor)
    elif len(requests) > 1 or in_the_way(wanted([asked]), promises):
        kept = [request.model_dump(mode="json") for request in requests]
        await ORDERS.change(db, order, line_cancellations=kept)
    else:
        await _give_up(db, order, shipments, asked, promises)
        await ORDERS.change(db, order)
    await wake(db, order)


async def settle_requests(db: AsyncConnection, order: OrderRow) -> None:
    """Cancel what a locked order's requests are about, save what has a label still or has left."""
    requests = requests_of(order)
    if not requests:
        return
    shipments = await lock_shipments_of(db, order.id)
    promises = await promises_of(db, order.id)
    if _ends(await _lines(db, order), requests, promises):
        await note_cancellation(db, order, requests[-1].reason, requests[-1].actor)
        return
    whole = OrderKind(order.kind) is OrderKind.REPLACEMENT
    for asked in requests:
        await _give_up(db, order, shipments, asked, () if whole else promises)
        shipments = await lock_shipments_of(db, order.id)
        promises = await promises_of(db, order.id)
    await ORDERS.change(db, order, line_cancellations=null())


def requests_of(order: OrderRow) -> tuple[LineCancellation, ...]:
    """Return the requests to cancel units that wait for labels, oldest first."""
    return LINE_CANCELLATIONS.validate_python(order.line_cancellations or ())


def _ends(
    lines: Mapping[UUID, LineCounters],
    requests: Sequence[LineCancellation],
    promises: Sequence[Promise],
) -> bool:
    """Whether the whole order is to be cancelled; with a label, units may leave meanwhile."""
    return leaves_nothing(lines, requests) and not any(each.labelled for each in promises)


async def _lines(db: AsyncConnection, order: OrderRow) -> dict[UUID, LineCounters]:
    return {line.id: counters_of(line) for line in await lines_of(db, order.id)}


async def _give_up(
    db: AsyncConnection,
    order: OrderRow,
    shipments: Sequence[ShipmentRow],
    asked: LineCancellation,
    promises: Sequence[Promise],
) -> None:
    """Give up the units that no label takes along; pick lists are replaced by shorter ones."""
    # Also for requests that follow: units are locked before balances.
    await lock_picked(db, order.id)
    taken = take(wanted([asked]), promises)
    freed, splits = [], []
    for promise, quantity in taken:
        reservation = promise.reservation_id
        if reservation is None:
            continue
        if quantity < promise.quantity:
            splits.append(Share(share := new_id(), reservation, quantity))
            reservation = share
        freed.append(reservation)
    await split_reservations(db, splits)
    for shipment in shipments:
        less = {
            promise.reservation_id: quantity
            for promise, quantity in taken
            if promise.reservation_id and promise.shipment_id == shipment.id
        }
        if less:
            await shorten(db, shipment, less, asked.actor)
    units: defaultdict[UUID, int] = defaultdict(int)
    for promise, quantity in taken:
        units[promise.line_id] += quantity
    for line_id, quantity in units.items():
        await count_up(db, line_id, cancelled=quantity)
    if any(promise.reservation_id is None for promise, _ in taken):
        await _settle_short(db, order)
    await _tell(db, order, asked, units)
    await give_cancelled_back(db, order)
    # Last, because many orders wait for the balance of a popular item.
    await release(db, order.id, freed)


async def _settle_short(db: AsyncConnection, order: OrderRow) -> None:
    await settle_short(db, order.id)
    if not await is_short(db, order.id):
        await cancel_tasks(db, order.id, TaskKind.SHORTAGE_REVIEW)


async def shorten(
    db: AsyncConnection, shipment: ShipmentRow, less: Mapping[UUID, int], actor: str
) -> UUID | None:
    """Take units of these reservations off a locked pick list, and return the one in its place.

    It goes, without another one, when nothing is left.
    """
    parts = await shipment_lines_of(db, shipment.id)
    left = [part.quantity - less.get(part.reservation_id, 0) for part in parts]
    if any(left):
        [fresh] = await replace_shipment(db, shipment, actor, shares=[left])
        return fresh
    await put_all_back(db, shipment.id, actor)
    await SHIPMENTS.move(db, shipment, ShipmentStatus.CANCELLED, actor)
    await cancel_tasks(db, shipment.id, TaskKind.BOOKING_REFUSED)
    return None


async def _tell(
    db: AsyncConnection, order: OrderRow, asked: LineCancellation, units: Mapping[UUID, int]
) -> None:
    """Add the events of what was cancelled, and of what could not be any more."""
    cancelled: list[dict[str, Any]] = [
        {"line_id": line_id, "units": quantity} for line_id, quantity in units.items()
    ]
    late = [
        {"line_id": line_id, "units": quantity - units.get(line_id, 0)}
        for line_id, quantity in wanted([asked]).items()
        if quantity > units.get(line_id, 0)
    ]
    for what, lines in (("lines_cancelled", cancelled), ("lines_not_cancelled", late)):
        if lines:
            data = {"lines": lines, "reason": asked.reason}
            await ORDERS.add_event(db, order, what, asked.actor, data)
