"""What a refund on a claim is worth: known before it is approved, and what its return gives."""

from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from db.claims.tables import ClaimRow
from db.orders.reads import get_order_row
from db.refunds.refundable import billed_order
from db.warranties.reads import WarrantyRead
from domain.money import Money
from domain.orders.status import OrderKind
from domain.refunds.rules import Kept, give_back
from domain.warranties.coverage import DaysLeft, refund_days
from domain.warranties.terms import RefundRule


async def refund_worth(
    db: AsyncConnection, claim: ClaimRow, warranty: WarrantyRead
) -> Money | None:
    """Return what would go back for a claim's goods as things are now (warranties R7).

    None for what no order of ours has brought, and for what was not paid for itself.
    """
    if warranty.order_id is None or warranty.order_line_id is None:
        return None
    order = await get_order_row(db, warranty.order_id)
    if order.kind == OrderKind.REPLACEMENT:
        return None
    line_id = warranty.order_line_id
    kept = {line_id: Kept(days=days_of(warranty, claim.failed_on))}
    paid = await billed_order(db, order)
    due, _ = give_back({line_id: claim.quantity}, paid, shipping=0, kept=kept)
    return Money(amount=due.amount, currency=order.currency)


def days_of(warranty: WarrantyRead, failed_on: date) -> DaysLeft | None:
    """Return by which days of a warranty the price of its goods goes back; None: all of it."""
    rule = RefundRule(warranty.refund_rule)
    return refund_days(rule, warranty.starts_on, warranty.ends_on, failed_on)
