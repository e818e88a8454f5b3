"""The database steps of an order's run; each is one transaction and may safely run twice."""

from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.holds import ASKED_ABOUT
from activities.orders.cancelling import settle_requests
from activities.orders.changing import request_cancellation
from activities.orders.missing import settle_missing
from activities.orders.progress import look_again, plan_again, progress_by, waits_for_labels
from activities.refunds.cancelled import give_cancelled_back
from activities.refunds.leftover import give_leftover_back
from activities.refunds.surplus import give_surplus_back
from db.documents import ORDERS, SHIPMENTS
from db.engine import Database
from db.events import add_events
from db.holds import release_all
from db.inventory.posting import release
from db.orders.tables import OrderRow
from db.orders.writes import (
    cancel_open_units,
    counters_of,
    lines_of,
    open_points_of,
)
from db.outbox import signal
from db.shipments.picking import lock_picked, put_all_back
from db.shipments.writes import lock_shipments_of
from db.tasks import cancel_tasks, open_task
from domain.documents import Document, Kind, Signal
from domain.ids import OrderId
from domain.orders.receipts import by_people
from domain.orders.requests import (
    Cancellation,
    Progress,
    UndoFailure,
    payment_due,
)
from domain.orders.status import OrderStatus, may_complete
from domain.shipments.status import ShipmentStatus
from domain.tasks import TaskKind

_ABOUT_OPEN_GOODS = (TaskKind.CAPTURE_REFUSED, TaskKind.OVERPAID, TaskKind.SHORTAGE_REVIEW)


class OrderActivities:
    """What an order's run does to the books."""

    def __init__(self, books: Database, carrier: str) -> None:
        """Plan shipments with this carrier."""
        self._books = books
        self._carrier = carrier

    @activity.defn
    async def cancel_order(self, cancellation: Cancellation) -> OrderStatus:
        """Undo of acceptance: release stock and holds, close the lines, drop the pick lists.

        Changes nothing once goods have left, while a label lives with which they may leave, or
        when the order has ended, nor when a window has passed that a hold keeps open; returns
        its status.
        """
        async with self._books.begin() as db:
            order = await ORDERS.lock(db, cancellation.order_id)
            shipments = await lock_shipments_of(db, order.id)
            if order.status not in (OrderStatus.PENDING, OrderStatus.CONFIRMED) or any(
                shipment.handed_over_at or shipment.status == ShipmentStatus.BOOKED
                for shipment in shipments
            ):
                return OrderStatus(order.status)
            if cancellation.window_end is not None and order.cancel_requested_at is None:
                found = await open_points_of(db, order.id)
                if payment_due(order.payment_due_at, found.held_since) > cancellation.window_end:
                    return OrderStatus(order.status)
            await settle_missing(db, order)
            await lock_picked(db, order.id)
            for shipment in shipments:
                if shipment.status == ShipmentStatus.PENDING:
                    await put_all_back(db, shipment.id, cancellation.actor)
                    await SHIPMENTS.move(db, shipment, ShipmentStatus.CANCELLED, cancellation.actor)
                    await cancel_tasks(db, shipment.id, TaskKind.BOOKING_REFUSED)
            await cancel_tasks(db, order.id, *_ABOUT_OPEN_GOODS)
            await cancel_open_units(db, order.id)
            await give_cancelled_back(db, order)
            if by_people(order.payment_method):
                await give_leftover_back(db, order, "order_cancelled")
            await release(db, order.id)
            await _drop_holds(db, order, cancellation.actor)
            reason = cancellation.reason
            await ORDERS.move(
                db,
                order,
                OrderStatus.CANCELLED,
                cancellation.actor,
                {"reason": reason},
                cancel_reason=reason,
            )
            if order.replaces_return_id is not None:
                back = Document(Kind.RETURN, order.replaces_return_id)
                await signal(db, back, Signal.RETURN_CHANGED)
            return OrderStatus.CANCELLED

    @activity.defn
    async def request_cancellation(self, cancellation: Cancellation) -> None:
        """Note that the order is to be cancelled, or refuse with IllegalMove."""
        async with self._books.begin() as db:
            order = await ORDERS.lock(db, cancellation.order_id)
            await request_cancellation(db, order, cancellation)

    @activity.defn
    async def resume_order(self, order_id: OrderId) -> Progress:
        """Let an order go on whose cancellation came after its goods had left."""
        async with self._books.begin() as db:
            return await plan_again(db, order_id, self._carrier)

    @activity.defn
    async def complete_order(self, order_id: OrderId) -> Progress:
        """Complete the order when its goods have ended their way and are paid or given up.

        Returns where it stands. Money that is owed is taken from what completing would drop.
        """
        async with self._books.begin() as db:
            return await self._complete(db, order_id)

    @activity.defn
    async def cancel_order_lines(self, order_id: OrderId) -> Progress:
        """Cancel the units that were waiting for labels, and complete the order if that ends it.

        Before, what was missing when it was picked is taken off. Returns where it stands; units
        that left meanwhile are not cancelled any more.
        """
        async with self._books.begin() as db:
            await settle_missing(db, await ORDERS.lock(db, order_id))
            await settle_requests(db, await ORDERS.lock(db, order_id))
            return await self._complete(db, order_id)

    async def _complete(self, db: AsyncConnection, order_id: OrderId) -> Progress:
        order = await ORDERS.lock(db, order_id)
        lines = [counters_of(line) for line in await lines_of(db, order.id)]
        ends = may_complete(lines) and not waits_for_labels(order)
        if order.status != OrderStatus.CONFIRMED or not ends:
            return await look_again(db, order, self._carrier)
        found = await open_points_of(db, order.id)
        progress = progress_by(order, found)
        if found.owed:
            return progress
        await give_surplus_back(db, order)
        if progress.held:
            await _drop_holds(db, order, "system")
        await ORDERS.move(db, order, OrderStatus.COMPLETED, "system")
        return progress.model_copy(update={"status": OrderStatus.COMPLETED})

    @activity.defn
    async def report_undo_failure(self, failure: UndoFailure) -> None:
        """Ask a person to finish an undo that failed for good."""
        async with self._books.begin() as db:
            order = await ORDERS.lock(db, failure.order_id)
            facts = {"order": order.number, "reason": failure.reason}
            told = f"{order.number}: {failure.reason}."
            await open_task(db, TaskKind.UNDO_FAILED, "order", order.id, facts, told=told)


async def _drop_holds(db: AsyncConnection, order: OrderRow, actor: str) -> None:
    """Release the holds of an order that ends: an ended order has none that is open."""
    released = await release_all(db, order.id, actor)
    await cancel_tasks(db, order.id, *ASKED_ABOUT.values())
    events = [
        ORDERS.event(order, "hold_released", actor, {"hold_id": hold_id, "reason": reason})
        for hold_id, reason in released.items()
    ]
    if events:
        await add_events(db, events)
