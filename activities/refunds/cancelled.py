"""Refunds of units that were paid for when their order was confirmed, and are cancelled."""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.refunds.accepting import promise
from activities.refunds.crediting import give_unowed_back
from activities.refunds.surplus import give_surplus_back
from db.orders.tables import OrderRow
from db.orders.writes import lines_of
from db.refunds.cancelled import cancelled_lines
from db.refunds.refundable import paid_order
from domain.ids import new_id
from domain.orders.receipts import PaymentMethod
from domain.refunds.cancelled import cancelled
from domain.refunds.status import RefundSource


async def give_cancelled_back(db: AsyncConnection, order: OrderRow) -> None:
    """Promise the money for cancelled units of a locked order, as far as it was taken.

    What was promised for that reason before is not promised again, so this may be done at every
    turn. It needs no person: the money is not ours. The postage goes with the last units. Of an
    order on terms it is what has come beyond what it still owes.
    """
    if order.payment_method == PaymentMethod.NET_TERMS:
        ended = all(row.cancelled == row.quantity for row in await lines_of(db, order.id))
        await give_unowed_back(db, order, "order_cancelled" if ended else "units_cancelled")
        return
    await give_surplus_back(db, order)
    lines = await cancelled_lines(db, order.id)
    if not lines:
        return
    paid = await paid_order(db, order)
    none_left = all(line.cancelled == line.quantity for line in lines)
    due = cancelled([line for line in lines if line.captured_units], paid, postage=none_left)
    if not due.amount:
        return
    await promise(
        db,
        new_id(),
        order,
        paid,
        due,
        None,
        source=RefundSource.CANCELLATION,
        reason="order_cancelled" if none_left else "units_cancelled",
        actor="system",
    )
