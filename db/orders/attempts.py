"""Further attempts to pay an order, accepted like the order itself: stored, then dispatched."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import ORDERS
from db.outbox import signal
from db.payments import ledger_of, record_payment
from domain.documents import Document, Kind, Signal
from domain.orders.status import OrderStatus
from domain.orders.steps import check_payable, standing_of
from domain.payments import add_up


async def add_attempt(
    db: AsyncConnection, order_id: UUID, payment_id: UUID, *, provider: str, token: str, actor: str
) -> None:
    """Record another card for an order and have its run try it.

    Raises IllegalMove for an order that has ended, is paid, or whose last attempt is in flight.
    The card's token goes nowhere but the payment's row.
    """
    order = await ORDERS.lock(db, order_id)
    paid = add_up((await ledger_of(db, order_id)).values)
    check_payable(OrderStatus(order.status), standing_of(order.total_amount, paid))
    await record_payment(db, payment_id, order, provider=provider, token=token, actor=actor)
    await ORDERS.change(db, order)
    await signal(db, Document(Kind.ORDER, order_id), Signal.PAYMENT_REPORTED)
