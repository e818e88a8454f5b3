"""Coverage of what is still to be sent: nothing leaves for money that is no longer reserved."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.holds import lift, place
from db.documents import ORDERS
from db.holds import open_hold
from db.ledgers import Ledger, ledger_of
from db.orders.captures import is_outstanding
from db.orders.tables import OrderRow
from db.orders.writes import counters_of, lines_of
from db.outbox import signal
from db.payments import end_authorization, record_entry
from db.shipments.captures import amount_owed_of
from domain.documents import Document, Kind, Signal
from domain.holds import HoldPlacement, HoldReason, HoldRelease
from domain.ids import new_id
from domain.money import Money
from domain.orders.status import RUNNING, OrderStatus, billable
from domain.payments import (
    EntryKind,
    Phase,
    add_up,
    authorization_key,
    requirement_met,
    still_to_capture,
)
from domain.policy import Policy

_BY_US = "system"


async def money_needed(db: AsyncConnection, order: OrderRow, captured: int) -> int:
    """Return what has to be reserved or captured of a locked order, in minor units.

    ``captured`` is what was: to that comes what is still to be sent, and what has left unpaid, as
    far as none of it was captured by hand for that.
    """
    rows = await lines_of(db, order.id)
    lines = [counters_of(line) for line in rows]
    shipping = order.shipping_amount + order.shipping_tax_amount
    if order.status == OrderStatus.PENDING:
        return billable(lines, shipping)
    if any(row.captured_units for row in rows):
        # Hand-overs take nothing: all was asked for when it was confirmed.
        outstanding = await is_outstanding(db, order.id)
        return captured + (billable(lines, shipping) if outstanding else 0)
    due = still_to_capture(lines, shipping)
    return captured + max(0, due + await amount_owed_of(db, order.id))


async def is_covered(db: AsyncConnection, order: OrderRow) -> bool:
    """Whether a locked running order has the money for what is still to be sent; hold it if not.

    What was reserved for a time that is over is booked as gone first.
    """
    return await _check(db, order, await current_ledger(db, order))


async def stop_uncovered(db: AsyncConnection, order: OrderRow) -> None:
    """Hold a locked order of which the provider has ended a reservation, if it needs that."""
    if order.status in RUNNING and not await _check(db, order, await ledger_of(db, order.id)):
        await signal(db, Document(Kind.ORDER, order.id), Signal.PAYMENT_REPORTED)


async def release_covered(db: AsyncConnection, order: OrderRow) -> bool:
    """Let a locked order go on that waited for money, if that is there now; return whether."""
    document = Document(Kind.ORDER, order.id)
    hold_id = await open_hold(db, document, HoldReason.AWAITING_PAYMENT, placed_by=_BY_US)
    if hold_id is None:
        return False
    paid = (await ledger_of(db, order.id)).lasting
    if not requirement_met(await money_needed(db, order, paid.captured), paid):
        return False
    release = HoldRelease(document=document, hold_id=hold_id, actor=_BY_US)
    await lift(db, order, release, Policy())
    return True


async def current_ledger(db: AsyncConnection, order: OrderRow) -> Ledger:
    """Return the payments of a locked order; what was reserved for a time that is over is gone."""
    ledger = await ledger_of(db, order.id)
    if not ledger.lapsed:
        return ledger
    for payment_id, amount in ledger.lapsed.items():
        await book_end(db, order, payment_id, amount, "authorization_expired", actor=_BY_US)
    return await ledger_of(db, order.id)


async def book_end(
    db: AsyncConnection,
    order: OrderRow,
    payment_id: UUID,
    amount: int,
    code: str,
    message: str = "",
    *,
    actor: str,
) -> bool:
    """Book that what is left of an authorization (minor units) is reserved no more; once."""
    await end_authorization(db, payment_id)
    data = {
        "payment_id": payment_id,
        "kind": EntryKind.AUTHORIZATION,
        "amount": Money(amount=amount, currency=order.currency).model_dump(),
        "failure_code": code,
    }
    return await record_entry(
        db,
        payment_id,
        EntryKind.AUTHORIZATION,
        Phase.REVERSED,
        authorization_key(payment_id),
        amount,
        failure_code=code,
        failure_message=message,
        event=ORDERS.event(order, "payment_reversed", actor, data),
    )


async def _check(db: AsyncConnection, order: OrderRow, ledger: Ledger) -> bool:
    paid = add_up(ledger.values)
    needed = await money_needed(db, order, paid.captured)
    if requirement_met(needed, paid):
        return True
    short = needed - paid.captured - max(0, paid.authorized)
    missing = Money(amount=short, currency=order.currency)
    placement = HoldPlacement(
        document=Document(Kind.ORDER, order.id),
        hold_id=new_id(),
        reason=HoldReason.AWAITING_PAYMENT,
        note=f"{missing} is no longer reserved: the customer has to pay again",
        actor=_BY_US,
    )
    await place(db, order, placement)
    return False
