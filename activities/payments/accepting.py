"""Further attempts to pay an order: a use case in the caller's transaction, dispatched after it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.orders.steps import change_order, lock_order
from db.outbox import add_outbox
from db.payments import entries_of, entry_of, record_payment
from domain.errors import NotFound
from domain.ids import CustomerId
from domain.orders.status import OrderStatus
from domain.orders.steps import check_payable, standing_of
from domain.payments import add_up


async def pay_order(
    db: AsyncConnection,
    payment_id: UUID,
    order_id: UUID,
    *,
    token: str,
    actor: str,
    only_customer: CustomerId | None = None,
) -> None:
    """Record another card for an order and have its run try it.

    Raises NotFound, also for another customer's order when ``only_customer`` is given, and
    IllegalMove for an order that has ended, is paid, or whose last attempt is in flight. The card's
    token goes nowhere but the payment's row.
    """
    order = await lock_order(db, order_id)
    if only_customer not in (None, order.customer_id):
        raise NotFound(f"there is no order {order_id}")
    paid = add_up([entry_of(row) for row in await entries_of(db, order_id)])
    check_payable(OrderStatus(order.status), standing_of(order.total_amount, paid))
    await record_payment(db, payment_id, order, provider="sandbox", token=token, actor=actor)
    await change_order(db, order)
    await add_outbox(db, "signal", "OrderFulfillment", order_id, {"signal": "payment_reported"})
