"""Goods of an order on terms that came back or never arrived: the order owes less.

What has come beyond what it owes then goes back; money that never came is not given. Use cases in
the caller's transaction, under the order's lock.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders.waiting import wake_waiting
from activities.refunds.accepting import promise
from activities.refunds.leftover import overpaid_by
from db.documents import ORDERS
from db.orders.credit_notes import credited_by, write_credit_note
from db.orders.tables import OrderRow
from db.refunds.refundable import paid_order, promised_for
from domain.ids import new_id
from domain.money import Money
from domain.policy import Policy
from domain.refunds.due import Due
from domain.refunds.rules import unasked
from domain.refunds.status import RefundSource


async def credit(
    db: AsyncConnection,
    note_id: UUID,
    order: OrderRow,
    due: Due,
    policy: Policy | None,
    *,
    source: RefundSource,
    reason: str,
    actor: str,
    return_id: UUID | None = None,
    shipment_id: UUID | None = None,
) -> None:
    """Write what a locked order on terms owes less, once per id, and give back what is over.

    The refund has the id of the note, and needs approval as any of this source does; without a
    ``policy`` it needs none. Orders of the customer that wait for credit look again.
    """
    fresh = await write_credit_note(
        db,
        note_id,
        order,
        due,
        reason=reason,
        actor=actor,
        return_id=return_id,
        shipment_id=shipment_id,
    )
    if not fresh:
        return
    money = Money(amount=due.amount, currency=order.currency).model_dump()
    data = {"amount": money, "reason": reason, "return_id": return_id, "shipment_id": shipment_id}
    await ORDERS.add_event(db, order, "credited", actor, data)
    given = await promised_for(db, order.id, return_id, shipment_id)
    credited = await credited_by(db, order.id, return_id, shipment_id)
    back = min(credited - given, await overpaid_by(db, order, asked_too=False))
    if back > 0:
        paid = await paid_order(db, order)
        await promise(
            db,
            note_id,
            order,
            paid,
            unasked(back, paid),
            policy,
            source=source,
            reason=reason,
            actor=actor,
            return_id=return_id,
            shipment_id=shipment_id,
        )
    await wake_waiting(db, order.customer_id)


async def give_unowed_back(db: AsyncConnection, order: OrderRow, reason: str) -> None:
    """Promise what came beyond what a locked order on terms owes since units were cancelled.

    It is not ours, so no person is needed. What finance is asked about, or keeps, is not among it.
    Orders of the customer that wait for credit look again.
    """
    back = await overpaid_by(db, order, asked_too=False)
    if back > 0:
        paid = await paid_order(db, order)
        await promise(
            db,
            new_id(),
            order,
            paid,
            unasked(back, paid),
            None,
            source=RefundSource.CANCELLATION,
            reason=reason,
            actor="system",
        )
    await wake_waiting(db, order.customer_id)
