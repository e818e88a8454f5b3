"""One movement of money at the provider, in three parts that survive a crash between any two.

The intent is recorded and committed, the provider is called with the intent's key, the outcome is
recorded. What was intended before is asked for first, so money never moves twice.
"""

from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.payments.amounts import question_amount
from db.documents import ORDERS
from db.ledgers import Ledger
from db.orders.tables import OrderRow
from db.payments import PaymentRow, record_entry
from domain.money import Money
from domain.orders.attempts import NEVER_SENT
from domain.payments import EntryKind, Intent, Phase, authorization_key
from gateways.failures import PartnerFailure, PartnerRefused
from gateways.payments.port import Outcome, PaymentProvider, PaymentResult

EVENTS = {
    EntryKind.AUTHORIZATION: "authorized",
    EntryKind.CAPTURE: "captured",
    EntryKind.VOID: "voided",
    EntryKind.REFUND: "refunded",
    EntryKind.CHARGEBACK: "charged_back",
}

_PHASES = {
    Outcome.SUCCEEDED: Phase.SUCCEEDED,
    Outcome.FAILED: Phase.FAILED,
    Outcome.ACTION_REQUIRED: Phase.ACTION_REQUIRED,
}


async def record_intent(
    db: AsyncConnection,
    payment: PaymentRow,
    kind: EntryKind,
    key: str,
    amount: int,
    shipment_id: UUID | None = None,
    refund_id: UUID | None = None,
) -> Intent:
    """Record the intent under the order's lock; commit before calling the provider."""
    fresh = await record_entry(
        db,
        payment.id,
        kind,
        Phase.REQUESTED,
        key,
        amount,
        shipment_id=shipment_id,
        refund_id=refund_id,
    )
    of_card = kind is EntryKind.AUTHORIZATION
    source = payment.token if of_card else payment.provider_reference
    return Intent(
        payment_id=payment.id,
        kind=kind,
        key=key,
        amount=Money(amount=amount, currency=payment.currency),
        source=source or "",
        return_url=(payment.return_url or "") if of_card else "",
        shipment_id=shipment_id,
        refund_id=refund_id,
        repeated=not fresh,
    )


async def record_authorization(db: AsyncConnection, ledger: Ledger, payment: PaymentRow) -> Intent:
    """Record that a payment's money is to be reserved, with its card or as a renewal."""
    key = authorization_key(payment.id)
    intent = await record_intent(db, payment, EntryKind.AUTHORIZATION, key, payment.amount)
    if payment.renews is None:
        return intent
    renewed = ledger.payment(payment.renews)
    return replace(intent, source=renewed.provider_reference or "", renews=True)


async def execute(
    provider: PaymentProvider, intent: Intent, *, may_pend: bool = False
) -> PaymentResult:
    """Do it at the provider, or learn how it ended before; raise PartnerFailure when unknown.

    What the provider has not decided yet counts as unknown, unless it ``may_pend``.
    """
    decided = (lambda known: known) if may_pend else _decided
    if intent.repeated and (known := await provider.find(intent.key)) is not None:
        return decided(known)
    try:
        return decided(await _send(provider, intent))
    except PartnerRefused as refusal:
        return PaymentResult(
            key=intent.key,
            outcome=Outcome.FAILED,
            reference="refused",
            failure_code=refusal.code,
            failure_message=refusal.message,
            amount=intent.amount,
        )


async def _send(provider: PaymentProvider, intent: Intent) -> PaymentResult:
    if intent.renews:
        return await provider.renew(intent.key, intent.source, intent.amount)
    if intent.kind is EntryKind.AUTHORIZATION:
        return await provider.authorize(intent.key, intent.source, intent.amount, intent.return_url)
    operations = {
        EntryKind.CAPTURE: provider.capture,
        EntryKind.VOID: provider.void,
        EntryKind.REFUND: provider.refund,
    }
    return await operations[intent.kind](intent.key, intent.source, intent.amount)


async def look_up(provider: PaymentProvider, intent: Intent) -> PaymentResult:
    """Learn how an earlier intent ended, without sending it again: never seen counts as failed."""
    known = await provider.find(intent.key)
    if known is not None:
        return _decided(known)
    return PaymentResult(
        key=intent.key,
        outcome=Outcome.FAILED,
        reference="never-sent",
        failure_code=NEVER_SENT,
        amount=intent.amount,
    )


async def record_outcome(
    db: AsyncConnection, order: OrderRow, intent: Intent, result: PaymentResult
) -> bool:
    """Record how it ended, under the order's lock, with the event; return whether that is news.

    Another amount than was asked for is not how it ended: it is put to finance.
    """
    if amount_differs(intent, result):
        await question_amount(db, order, intent, result)
        return False
    phase = _PHASES[result.outcome]
    what = EVENTS[intent.kind] if phase is Phase.SUCCEEDED else str(phase)
    data = {
        "payment_id": intent.payment_id,
        "kind": intent.kind,
        "amount": intent.amount.model_dump(),
        "failure_code": result.failure_code,
    }
    return await record_entry(
        db,
        intent.payment_id,
        intent.kind,
        phase,
        intent.key,
        intent.amount.amount,
        provider_reference=result.reference,
        shipment_id=intent.shipment_id,
        refund_id=intent.refund_id,
        failure_code=result.failure_code,
        failure_message=result.failure_message,
        expires_at=result.expires_at,
        redirect_url=result.redirect_url or None,
        event=ORDERS.event(order, f"payment_{what}", "system", data),
    )


def amount_differs(intent: Intent, result: PaymentResult) -> bool:
    """Whether another amount has moved than was asked for; a failure has moved none."""
    return result.outcome is Outcome.SUCCEEDED and result.amount != intent.amount


def _decided(result: PaymentResult) -> PaymentResult:
    if result.outcome is Outcome.PENDING:
        raise PartnerFailure(f"the provider has not decided on {result.key} yet")
    return result
