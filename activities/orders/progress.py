"""Progress of an order: where it stands and whether it may be confirmed."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.confirming import book_receipts
from db.documents import ORDERS
from db.inventory.demand import review_for
from db.orders.tables import OrderRow
from db.orders.writes import OpenPoints, open_points_of
from db.shipments.planning import plan_shipments
from domain.ids import ShipmentId
from domain.orders.receipts import by_people
from domain.orders.requests import (
    Cancellation,
    Progress,
    Standing,
    payment_due,
    standing_of,
)
from domain.orders.status import RUNNING, CaptureOn, OrderStatus


async def progress_of(db: AsyncConnection, order: OrderRow) -> Progress:
    """Return where a locked order stands."""
    return progress_by(order, await open_points_of(db, order.id))


def progress_by(order: OrderRow, found: OpenPoints) -> Progress:
    """Return where a locked order stands by its open points."""
    return Progress(
        status=OrderStatus(order.status),
        standing=standing_of(order.total_amount - found.given_up, found.paid),
        held=found.held_since is not None,
        payment_due_at=payment_due(order.payment_due_at, found.held_since),
        to_book=_to_book(order, found),
        to_capture=found.to_capture,
        authorized_amount=found.paid.authorized,
        short=found.short,
        unconfirmed=found.paid.action_required,
        cancellation=_asked_for(order),
        cancelling_lines=waits_for_labels(order) and order.status in RUNNING,
    )


def waits_for_labels(order: OrderRow) -> bool:
    """Whether labels are to be taken back for units to be cancelled, or that are missing."""
    return order.line_cancellations is not None or order.shortages is not None


async def confirm_if_ready(
    db: AsyncConnection, order: OrderRow, carrier: str, credit: Mapping[str, object] | None = None
) -> Progress:
    """Confirm a locked pending order whose money is secured, with its pick lists.

    Or is not needed yet: ``credit`` says so of one on terms, and is told by the event. A hold or a
    requested cancellation keeps it pending.
    """
    progress = await look_again(db, order, carrier)
    ready = (
        progress.status is OrderStatus.PENDING
        and (progress.standing is Standing.SECURED or credit is not None)
        and not progress.held
        and order.cancel_requested_at is None
    )
    if not ready:
        return progress
    await ORDERS.move(db, order, OrderStatus.CONFIRMED, "system", credit)
    planned = await plan_shipments(db, order, carrier)
    if progress.short:
        await review_for(db, order.id)
    if by_people(order.payment_method):
        await book_receipts(db, await ORDERS.lock(db, order.id))
    if order.capture_on == CaptureOn.CONFIRMATION:
        return await progress_of(db, await ORDERS.lock(db, order.id))
    return progress.model_copy(update={"status": OrderStatus.CONFIRMED, "to_book": planned})


async def look_again(db: AsyncConnection, order: OrderRow, carrier: str) -> Progress:
    """Return where a locked order stands, with pick lists for goods that no label takes along.

    Those are due when the run that took labels back was lost before it cancelled the order.
    """
    stays = order.cancel_requested_at is None and not waits_for_labels(order)
    if order.status == OrderStatus.CONFIRMED and stays:
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


def _to_book(order: OrderRow, found: OpenPoints) -> tuple[ShipmentId, ...]:
    """Return what is to get a label: nothing before an order that pays at once has paid."""
    if order.status != OrderStatus.CONFIRMED or found.uncaptured:
        return ()
    return found.to_book


def _asked_for(order: OrderRow) -> Cancellation | None:
    if order.cancel_requested_at is None or order.status not in RUNNING:
        return None
    return Cancellation(
        order_id=order.id,
        reason=order.cancel_requested_reason,
        actor=order.cancel_requested_by,
    )
