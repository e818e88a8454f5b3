"""Money that returns give back, promised by refunds: of each order by its own."""

from collections.abc import Mapping, Sequence
from typing import TypedDict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.refunds.accepting import promise
from activities.refunds.crediting import credit
from activities.returns.estimating import OrderDue
from db.documents import ORDERS
from db.orders.tables import OrderRow
from db.returns.tables import ReturnRow
from domain.ids import following_id
from domain.orders.receipts import PaymentMethod
from domain.policy import Policy
from domain.refunds.status import RefundSource


class _Given(TypedDict):
    source: RefundSource
    reason: str
    actor: str
    return_id: UUID
    shipment_id: UUID | None


async def promise_dues(
    db: AsyncConnection,
    orders: Mapping[UUID, OrderRow],
    found: ReturnRow,
    dues: Sequence[OrderDue],
    policy: Policy,
    actor: str,
) -> int:
    """Promise what a locked return gives back of each order; return the sum in minor units.

    An order on terms owes that much less first.
    ``actor`` is who asks for it: another person than that one approves it above the limit. Once for
    each time that something is set in motion for the return, as ``resolved`` counts.
    """
    for nth, each in enumerate(dues):
        if not each.due.amount:
            continue
        order = orders[each.order_id]
        # Parts of one refund that several payments give are numbered by `promise` itself.
        refund_id = following_id(found.id, f"refund/{found.resolved}/{order.id}", nth)
        given: _Given = {
            "source": RefundSource.RETURN,
            "reason": f"return {found.number}",
            "actor": actor,
            "return_id": found.id,
            "shipment_id": found.shipment_id,
        }
        if order.payment_method == PaymentMethod.NET_TERMS:
            await credit(db, refund_id, order, each.due, policy, **given)
            continue
        await promise(db, refund_id, order, each.paid, each.due, policy, **given)
        await ORDERS.change(db, order)
    return sum(each.due.amount for each in dues)
