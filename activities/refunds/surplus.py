"""Refunds of money that was captured by hand and that nothing of the order needs any more."""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.refunds.accepting import promise
from db.ledgers import ledger_of
from db.orders.by_hand import prepaid_of, return_prepaid
from db.orders.tables import OrderRow
from db.orders.writes import counters_of, lines_of
from db.refunds.refundable import paid_order
from db.shipments.captures import amount_owed_of
from domain.ids import new_id
from domain.payments import add_up, still_to_capture
from domain.refunds.rules import unasked
from domain.refunds.status import RefundSource


async def give_surplus_back(db: AsyncConnection, order: OrderRow) -> None:
    """Promise back what was captured by hand of a locked order beyond all that it still takes.

    It is not ours, so no person is needed. Once: what goes back is counted as used. What a
    chargeback keeps from that is not: after a dispute that is won it goes back, too.
    """
    prepaid = await prepaid_of(db, order.id)
    if prepaid <= 0:
        return
    lines = [counters_of(line) for line in await lines_of(db, order.id)]
    due = still_to_capture(lines, order.shipping_amount + order.shipping_tax_amount)
    # What is owed is told less what is prepaid.
    surplus = min(prepaid, -(due + await amount_owed_of(db, order.id)))
    if surplus <= 0:
        return
    paid = await paid_order(db, order)
    given = max(0, min(surplus, paid.refundable))
    held = min(surplus - given, add_up((await ledger_of(db, order.id)).values).charged_back)
    await return_prepaid(db, order.id, surplus - held)
    if not given:
        return
    await promise(
        db,
        new_id(),
        order,
        paid,
        unasked(given, paid),
        None,
        source=RefundSource.CANCELLATION,
        reason="order_cancelled" if all(not line.shipped for line in lines) else "units_cancelled",
        actor="system",
    )
