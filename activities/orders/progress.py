"""Progress of an order: where it stands and whether it may be confirmed."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import ORDERS
from db.orders.tables import OrderRow
from db.orders.writes import OpenPoints, open_points_of
from db.shipments.writes import plan_shipments
from domain.orders.requests import (
    Cancellation,
    Progress,
    Standing,
    payment_due,
    standing_of,
)
from domain.orders.status import RUNNING, OrderStatus


async def progress_of(db: AsyncConnection, order: OrderRow) -> Progress:
    """Return where a locked order stands."""
    return progress_by(order, await open_points_of(db, order.id))


def progress_by(order: OrderRow, found: OpenPoints) -> Progress:
    """Return where a locked order stands by its open points."""
    return Progress(
        status=OrderStatus(order.status),
        standing=standing_of(order.total_amount, found.paid),
        held=found.held_since is not None,
        payment_due_at=payment_due(order.payment_due_at, found.held_since),
        to_book=found.to_book if order.status == OrderStatus.CONFIRMED else (),
        authorized_amount=found.paid.authorized,
        unconfirmed=found.paid.action_required,
        cancellation=_asked_for(order),
    )


async def confirm_if_ready(db: AsyncConnection, order: OrderRow, carrier: str) -> Progress:
    """Confirm a locked pending order whose money is secured, with its pick lists.

    A hold or a requested cancellation keeps it pending.
    """
    progress = await look_again(db, order, carrier)
    ready = (
        progress.status is OrderStatus.PENDING
        and progress.standing is Standing.SECURED
        and not progress.held
        and order.cancel_requested_at is None
    )
    if not ready:
        return progress
    await ORDERS.move(db, order, OrderStatus.CONFIRMED, "system")
    planned = await plan_shipments(db, order, carrier)
    return progress.model_copy(update={"status": OrderStatus.CONFIRMED, "to_book": planned})


async def look_again(db: AsyncConnection, order: OrderRow, carrier: str) -> Progress:
    """Return where a locked order stands, with pick lists for goods that no label takes along.

    Those are due when the run that took labels back was lost before it cancelled the order.
    """
    if order.status == OrderStatus.CONFIRMED and order.cancel_requested_at is None:
        await plan_shipments(db, order, carrier)
    return await progress_of(db, order)


async def plan_again(db: AsyncConnection, order_id: UUID, carrier: str) -> Progress:
    """Let an order go on whose cancellation came too late: its stopped goods are planned anew."""
    order = await ORDERS.lock(db, order_id)
    if order.cancel_requested_at is not None:
        await ORDERS.change(
            db,
            order,
            cancel_requested_at=None,
            cancel_requested_by=None,
            cancel_requested_reason=None,
        )
    await plan_shipments(db, order, carrier)
    return await progress_of(db, order)


def _asked_for(order: OrderRow) -> Cancellation | None:
    if order.cancel_requested_at is None or order.status not in RUNNING:
        return None
    return Cancellation(
        order_id=order.id,
        reason=order.cancel_requested_reason,
        actor=order.cancel_requested_by,
    )
