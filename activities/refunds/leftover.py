"""Money that is for nothing: more than an order owes, and what came for one that is cancelled."""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.refunds.accepting import promise
from db.orders.tables import OrderRow
from db.orders.terms import over_asked_about, owed_on_terms
from db.orders.writes import counters_of, lines_of
from db.refunds.cancelled import given_otherwise, leftover_seen_to
from db.refunds.refundable import paid_order
from domain.ids import new_id
from domain.orders.receipts import PaymentMethod
from domain.orders.status import billable
from domain.refunds.rules import unasked
from domain.refunds.status import RefundSource


async def overpaid_by(db: AsyncConnection, order: OrderRow, *, asked_too: bool = True) -> int:
    """Return how much more than it owes has come for a locked order, in minor units.

    What was counted on its lines when it was confirmed was owed, whatever was cancelled since. An
    order on terms owes what it has to pay now; what finance is asked about counts if ``asked_too``.
    """
    if order.payment_method == PaymentMethod.NET_TERMS:
        over = -await owed_on_terms(db, order.id)
        return over if asked_too else over - await over_asked_about(db, order.id)
    rows = await lines_of(db, order.id)
    shipping = order.shipping_amount + order.shipping_tax_amount
    counted = sum(row.captured_amount for row in rows) + order.captured_shipping_amount
    owed = counted or billable([counters_of(row) for row in rows], shipping)
    paid = await paid_order(db, order)
    return min(paid.refundable, paid.captured - owed - await leftover_seen_to(db, order.id))


async def give_leftover_back(
    db: AsyncConnection, order: OrderRow, reason: str, most: int | None = None
) -> None:
    """Promise what is left of a locked order's money, at ``most`` so much (minor units).

    Less what the customer got otherwise. It needs no person's approval: the money is not ours.
    """
    paid = await paid_order(db, order)
    left = paid.refundable - await given_otherwise(db, order.id)
    amount = left if most is None else min(most, left)
    if amount <= 0:
        return
    await promise(
        db,
        new_id(),
        order,
        paid,
        unasked(amount, paid),
        None,
        source=RefundSource.CANCELLATION,
        reason=reason,
        actor="system",
    )
