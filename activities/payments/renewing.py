"""Renewal of authorizations: what has to last until the goods leave is reserved anew in time.

The new authorization is a payment of its own, made from the one that ends; then that is dropped.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.holds import place
from activities.payments.coverage import money_needed
from activities.payments.provider import (
    execute,
    record_authorization,
    record_intent,
    record_outcome,
)
from db.documents import ORDERS
from db.engine import Database
from db.ledgers import Ledger, ledger_of
from db.orders.tables import OrderRow
from db.orders.writes import counters_of, lines_of
from db.payments import PaymentRow
from db.renewals import record_renewal
from db.tasks import open_task
from domain.documents import Document, Kind
from domain.holds import HoldPlacement, HoldReason
from domain.ids import OrderId, new_id
from domain.money import Money
from domain.orders.status import RUNNING
from domain.payments import (
    RENEWED,
    EntryKind,
    Intent,
    Phase,
    Refusal,
    add_up,
    authorization_key,
    requirement_met,
    to_renew,
    void_key,
)
from domain.tasks import TaskKind
from gateways.payments.port import Outcome, PaymentProvider, PaymentResult


async def renew_authorizations(
    books: Database, provider: PaymentProvider, order_id: OrderId
) -> None:
    """Renew what ends within a day and is needed for longer, and drop what is replaced so.

    Each is asked of the provider once; an outcome that is in question is left to finance.
    """
    asked: set[str] = set()
    for next_due in (_next_renewal, _next_replaced):
        while True:
            async with books.begin() as db:
                order = await ORDERS.lock(db, order_id)
                intent = await next_due(db, order, await ledger_of(db, order_id))
            if intent is None or intent.key in asked:
                break
            asked.add(intent.key)
            result = await execute(provider, intent)
            async with books.begin() as db:
                order = await ORDERS.lock(db, order_id)
                await settle_authorization(db, order, intent, result)


async def renewal_due(
    db: AsyncConnection, order: OrderRow, ledger: Ledger
) -> tuple[PaymentRow, int] | None:
    """Return a payment of a locked order to be renewed, and for how much (minor units)."""
    renewed = {row.renews for row in ledger.payments}
    ending = {each: left for each, left in ledger.ending.items() if each not in renewed}
    if not ending or ledger.deciding or ledger.untried:
        return None
    if not await _is_to_be_sent(db, order):
        return None
    needed, lasting = await _needed(db, order, ledger), _lasting(ledger)
    for payment_id, left in ending.items():
        amount = to_renew(needed, lasting, left - ledger.capturing(payment_id))
        if amount > 0:
            return ledger.payment(payment_id), amount
    return None


async def settle_authorization(
    db: AsyncConnection, order: OrderRow, intent: Intent, result: PaymentResult
) -> None:
    """Record how an operation on a locked order's reserved money ended; see `stop_unrenewed`."""
    fresh = await record_outcome(db, order, intent, result)
    if fresh and intent.renews and result.outcome is Outcome.FAILED:
        await stop_unrenewed(db, order, intent.payment_id, result)


async def stop_unrenewed(
    db: AsyncConnection, order: OrderRow, payment_id: UUID, told: PaymentResult
) -> None:
    """Hold a locked order whose renewal was just refused, and ask finance; if it needs that money.

    Silent for a payment that renews none. What ends soon is reserved until then: who releases the
    hold has the goods sent for it.
    """
    ledger = await ledger_of(db, order.id)
    renewal = ledger.payment(payment_id)
    if renewal.renews is None or not await _is_to_be_sent(db, order):
        return
    paid = ledger.lasting
    if requirement_met(await money_needed(db, order, paid.captured), paid):
        return
    ends_at = ledger.payment(renewal.renews).authorization_expires_at
    money = Money(amount=renewal.amount, currency=renewal.currency)
    refused = Refusal(code=told.failure_code, message=told.failure_message, amount=money)
    until = f"{ends_at:%Y-%m-%d %H:%M} UTC"
    document = Document(Kind.ORDER, order.id)
    placement = HoldPlacement(
        document=document,
        hold_id=new_id(),
        reason=HoldReason.AWAITING_PAYMENT,
        note=f"{money} is reserved only until {until}: the customer has to pay again",
        actor="system",
    )
    await place(db, order, placement)
    facts = {
        "order": order.number,
        "order_id": order.id,
        "ends_at": ends_at,
        "refused": refused.model_dump(),
    }
    words = f"The provider refused to reserve {refused} for longer than until {until}."
    await open_task(db, TaskKind.RENEWAL_FAILED, document.kind, document.id, facts, told=words)


async def _next_renewal(db: AsyncConnection, order: OrderRow, ledger: Ledger) -> Intent | None:
    """Record the next renewal that is due; one without an outcome comes first."""
    if not await _is_to_be_sent(db, order):
        return None
    for payment in ledger.payments:
        key = authorization_key(payment.id)
        if payment.renews in ledger.ending and ledger.phases(key) == {Phase.REQUESTED}:
            return await record_authorization(db, ledger, payment)
    due = await renewal_due(db, order, ledger)
    if due is None:
        return None
    renewed, amount = due
    await record_renewal(db, renewed, amount)
    ledger = await ledger_of(db, order.id)
    return await record_authorization(db, ledger, ledger.payments[-1])


async def _next_replaced(db: AsyncConnection, order: OrderRow, ledger: Ledger) -> Intent | None:
    """Record that what ends soon is dropped, where what will stay is enough for the order.

    If the provider refuses that, nothing is left to do: it ends by itself.
    """
    if not (ending := ledger.ending) or not await _is_to_be_sent(db, order):
        return None
    if await _needed(db, order, ledger) > _lasting(ledger):
        return None
    for payment_id, left in ending.items():
        key = void_key(payment_id, RENEWED)
        known = [entry.value for entry in ledger.entries if entry.value.key == key]
        amount = known[0].amount if known else left - ledger.capturing(payment_id)
        if amount > 0 and {entry.phase for entry in known} <= {Phase.REQUESTED}:
            payment = ledger.payment(payment_id)
            return await record_intent(db, payment, EntryKind.VOID, key, amount)
    return None


async def _needed(db: AsyncConnection, order: OrderRow, ledger: Ledger) -> int:
    """Return what has to stay reserved for an order beside the captures under way."""
    captured = add_up(ledger.values).captured
    capturing = sum(ledger.capturing(row.id) for row in ledger.payments)
    return await money_needed(db, order, captured) - captured - capturing


def _lasting(ledger: Ledger) -> int:
    """Return what is reserved for longer than a day, in minor units."""
    lasting = (row.id for row in ledger.payments if row.id not in ledger.ending)
    return sum(max(0, add_up(ledger.of(each)).authorized) for each in lasting)


async def _is_to_be_sent(db: AsyncConnection, order: OrderRow) -> bool:
    """Whether a locked order goes on, and some of it has not left."""
    if order.status not in RUNNING or order.cancel_requested_at is not None:
        return False
    return any(counters_of(line).open for line in await lines_of(db, order.id))
