"""Further attempts to pay an order: a use case in the caller's transaction, dispatched after it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.coverage import money_needed
from db.customers import get_customer
from db.documents import ORDERS
from db.ledgers import ledger_of
from db.outbox import signal
from db.payments import record_payment
from db.reads.payments import declines_of
from domain.access import EVERYTHING, Reach
from domain.documents import Document, Kind, Signal
from domain.errors import NotFound
from domain.orders.attempts import check_attempt, check_declines
from domain.orders.receipts import check_card
from domain.orders.requests import Standing, check_payable, standing_of
from domain.orders.status import OrderStatus
from gateways.partners import PROVIDER


async def pay_order(
    db: AsyncConnection,
    payment_id: UUID,
    order_id: UUID,
    *,
    token: str,
    actor: str,
    return_url: str | None = None,
    reach: Reach = EVERYTHING,
    most_declines: int = 0,
) -> None:
    """Record another card for what an order still needs, and have its run try it.

    Raises NotFound, also for an order out of ``reach``, and IllegalMove for one that has ended, is
    paid, on hold because of its declined cards, or whose last attempt is in flight or waits to be
    tried, so that each accepted card is tried; TooManyAttempts in a pause, and where
    ``most_declines`` (0: any number) of the customer's cards were declined within an hour. The
    card's token goes nowhere but the payment's row.
    """
    order = await ORDERS.lock(db, order_id)
    if not reach.covers(order.customer_id, order.source):
        raise NotFound(f"there is no order {order_id}")
    check_card(order.payment_method, OrderStatus(order.status))
    ledger = await ledger_of(db, order_id)
    paid = ledger.lasting
    needed = await money_needed(db, order, paid.captured)
    standing = standing_of(needed, paid)
    if ledger.untried and standing is not Standing.SECURED:
        standing = Standing.IN_FLIGHT
    check_payable(OrderStatus(order.status), standing)
    declined = await declines_of(db, order_id)
    check_attempt(declined.cards, declined.last_at, declined.now, in_review=declined.in_review)
    customer = await get_customer(db, order.customer_id)
    check_declines(customer.declines, customer.declines_from, declined.now, most_declines)
    await record_payment(
        db,
        payment_id,
        order,
        amount=needed - paid.captured,
        provider=PROVIDER.name,
        token=token,
        return_url=return_url,
        actor=actor,
    )
    await ORDERS.change(db, order)
    await signal(db, Document(Kind.ORDER, order_id), Signal.PAYMENT_REPORTED)
