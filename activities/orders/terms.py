"""The confirmation of an order on terms: under its customer's lock, within what credit is left."""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.holds import lift, place
from activities.orders.progress import confirm_if_ready, progress_of
from db.customers import CustomerRow
from db.documents import ORDERS
from db.engine import Database
from db.holds import change_note, is_held, open_hold
from db.orders.tables import OrderRow
from db.orders.terms import (
    exposure_of,
    is_let_pass,
    lock_customer_of,
    older_waiting,
    owed_on_terms,
)
from domain.documents import Document, Kind
from domain.holds import HoldPlacement, HoldReason, HoldRelease
from domain.ids import OrderId, new_id
from domain.orders.requests import Progress
from domain.orders.status import OrderStatus
from domain.orders.terms import Credit, claimed
from domain.policy import Policy

_BY_US = "system"


async def confirm_on_terms(books: Database, order_id: OrderId, carrier: str) -> Progress:
    """Confirm a pending order within its customer's credit, or hold it (``credit_limit``).

    The hold is released as soon as there is credit. Once finance has released it, the order is
    confirmed whatever is left. An order that is further, or held for another reason, is only
    looked at.
    """
    async with books.begin() as db:
        # First the customer: of two orders that are confirmed at once, one sees the other.
        customer = await lock_customer_of(db, order_id)
        order = await ORDERS.lock(db, order_id)
        document = Document(Kind.ORDER, order_id)
        hold_id = await open_hold(db, document, HoldReason.CREDIT_LIMIT, placed_by=_BY_US)
        stopped = order.cancel_requested_at or await is_held(db, order_id, but=hold_id)
        if order.status != OrderStatus.PENDING or stopped:
            return await confirm_if_ready(db, order, carrier)
        credit = await _credit(db, order, customer)
        needed = await owed_on_terms(db, order_id)
        let_pass = await is_let_pass(db, order_id)
        if let_pass or credit.covers(needed):
            if hold_id is not None:
                release = HoldRelease(document=document, hold_id=hold_id, actor=_BY_US)
                await lift(db, order, release, Policy())
                order = await ORDERS.lock(db, order_id)
            return await confirm_if_ready(db, order, carrier, _proof(credit, needed, let_pass))
        note = _why(customer, order, credit, needed)
        if hold_id is not None:
            await change_note(db, hold_id, note)
        else:
            placement = HoldPlacement(
                document=document,
                hold_id=new_id(),
                reason=HoldReason.CREDIT_LIMIT,
                note=note,
                actor=_BY_US,
            )
            await place(db, order, placement)
        return await progress_of(db, await ORDERS.lock(db, order_id))


async def _credit(db: AsyncConnection, order: OrderRow, customer: CustomerRow) -> Credit:
    """Return the credit of a locked customer for a locked order: none without terms by now."""
    given = customer.credit_limit_currency == order.currency and customer.terms_days > 0
    limit = (customer.credit_limit_amount or 0) if given else 0
    exposure = await exposure_of(db, customer.id, order.currency)
    older = claimed(limit - exposure, await older_waiting(db, order))
    return Credit(order.currency, limit, exposure, older)


def _why(customer: CustomerRow, order: OrderRow, credit: Credit, needed: int) -> str:
    if customer.credit_limit_amount is None or not customer.terms_days:
        return f"the customer has no terms of payment any more: {credit.told(needed)}"
    if customer.credit_limit_currency != order.currency:
        changed = f"the customer's credit is in {customer.credit_limit_currency} by now"
        return f"{changed}: {credit.told(needed)}"
    return credit.told(needed)


def _proof(credit: Credit, needed: int, let_pass: bool) -> dict[str, object]:
    """Return what the event of the confirmation keeps, in minor units of the order's currency."""
    return {
        "credit": {
            "limit": credit.limit,
            "exposure": credit.exposure,
            "needed": needed,
            "let_pass": let_pass,
        }
    }
