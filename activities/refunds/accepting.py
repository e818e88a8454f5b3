"""Asking for refunds: use cases in the caller's transaction.

They know neither HTTP nor Temporal: id and actor are given. The refund's run is started through the
outbox, once the caller has committed.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.refunds.deciding import ask_for_approval
from activities.refunds.settling import settle_refund
from db.documents import ORDERS, REFUNDS
from db.orders.reads import get_order_row
from db.orders.tables import OrderRow
from db.outbox import add_messages, start_of
from db.refunds.refundable import paid_order
from db.refunds.tables import RefundRow
from db.refunds.writes import write_refund
from domain.access import EVERYTHING, Reach
from domain.documents import Document, Kind
from domain.errors import NotFound
from domain.ids import following_id, new_id
from domain.policy import Policy
from domain.refunds.due import Due
from domain.refunds.requests import RefundParts, RequestRefund
from domain.refunds.rules import PaidOrder, tenders, unasked, work_out
from domain.refunds.status import RefundSource, RefundStatus


async def preview_refund(
    db: AsyncConnection, asked: RefundParts, reach: Reach = EVERYTHING
) -> tuple[str, Due, list[tuple[UUID, Due]]]:
    """Return the currency, what would go back, and what each payment would give of it.

    As things are at this moment: nothing is locked. Raises what `request_refund` would be refused
    with.
    """
    order = await get_order_row(db, asked.order_id, reach)
    paid = await paid_order(db, order)
    due = work_out(asked, paid)
    return order.currency, due, tenders(due, paid.payments)


async def request_refund(
    db: AsyncConnection,
    refund_id: UUID,
    asked: RequestRefund,
    policy: Policy,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
    source: RefundSource = RefundSource.GOODWILL,
) -> None:
    """Promise money of an order to its customer, and have it given back.

    Above the limit another person has to approve it first. What no one payment can give becomes
    several refunds, of which the first has this id and is the parent of the others. Raises
    NotFound, also for an order out of ``reach``, and what `work_out` refuses.
    """
    order = await _lock(db, asked.order_id, reach)
    paid = await paid_order(db, order)
    due = work_out(asked, paid)
    await promise(
        db, refund_id, order, paid, due, policy, source=source, reason=asked.reason, actor=actor
    )
    await ORDERS.change(db, order)


async def promise(
    db: AsyncConnection,
    refund_id: UUID,
    order: OrderRow,
    paid: PaidOrder,
    due: Due,
    policy: Policy | None,
    *,
    source: RefundSource,
    reason: str,
    actor: str,
    return_id: UUID | None = None,
    shipment_id: UUID | None = None,
) -> None:
    """Write what is due of a locked order as refunds, and start their runs.

    One per payment that gives some of it, the newest capture first. ``paid`` is the order's money
    as it was read under that lock. Without a ``policy`` no person has to approve it.
    """
    for nth, (payment_id, part) in enumerate(tenders(due, paid.payments)):
        refund = await write_refund(
            db,
            following_id(refund_id, "part", nth) if nth else refund_id,
            order,
            payment_id,
            part,
            parent_id=refund_id if nth else None,
            source=source,
            reason=reason,
            actor=actor,
            return_id=return_id,
            shipment_id=shipment_id,
        )
        # A whole that was divided over payments needs what the whole needs.
        by_person = policy is not None and exceeds_limit(policy, order, due.amount)
        await begin_refund(db, refund, by_person=by_person)


def exceeds_limit(policy: Policy, order: OrderRow, amount: int) -> bool:
    """Whether another person has to approve that so much (minor units) goes back at once."""
    return amount > policy.refund_limit.get(order.currency, 0)


async def begin_refund(db: AsyncConnection, refund: RefundRow, *, by_person: bool) -> None:
    """Let a new refund go, or ask finance first whether it may; its run is started."""
    if by_person:
        await ask_for_approval(db, refund)
    else:
        await REFUNDS.move(db, refund, RefundStatus.APPROVED, "system", approved_by="system")
    await add_messages(db, start_of(Document(Kind.REFUND, refund.id)))


async def record_made_by_provider(
    db: AsyncConnection, order: OrderRow, payment_id: UUID, amount: int, reference: str | None
) -> UUID:
    """Write a refund of a locked order that the provider has made by itself; return its id.

    ``amount`` in minor units, which may be more than anybody here would have given.
    """
    due = unasked(amount, await paid_order(db, order))
    refund = await write_refund(
        db,
        new_id(),
        order,
        payment_id,
        due,
        source=RefundSource.PROVIDER,
        reason="made at the provider",
        actor="provider",
    )
    await settle_refund(db, refund, amount, reference)
    return refund.id


async def _lock(db: AsyncConnection, order_id: UUID, reach: Reach) -> OrderRow:
    order = await ORDERS.lock(db, order_id)
    if not reach.covers(order.customer_id, order.source):
        raise NotFound(f"there is no order {order_id}")
    return order
