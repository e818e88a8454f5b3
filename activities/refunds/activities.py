"""The steps of a refund's run: have the provider give the money back, and see how it ended."""

from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.payments.provider import (
    execute,
    record_intent,
    record_outcome,
)
from activities.payments.unasked import record_after_all
from activities.refunds.deciding import check_kept
from activities.refunds.paying_out import ask_to_pay_out
from activities.refunds.settling import PROVIDER, fail_refund, settle_refund
from activities.refunds.stopping import stop_refund
from db.documents import REFUNDS
from db.engine import Database
from db.ledgers import ledger_of
from db.orders.tables import OrderRow
from db.refunds.attempts import is_pending, taken_back
from db.refunds.reads import get_refund
from db.refunds.tables import RefundRow
from db.refunds.writes import lock_refund
from db.tasks import is_open
from domain.errors import AmountExceeded
from domain.ids import RefundId
from domain.orders.receipts import BANK
from domain.payments import EntryKind, Intent, refund_key
from domain.refunds.status import RefundStatus
from domain.tasks import TaskKind
from gateways.payments.port import Outcome, PaymentProvider


class RefundActivities:
    """What a refund's run does."""

    def __init__(self, books: Database, provider: PaymentProvider) -> None:
        """Give money back through this provider."""
        self._books = books
        self._provider = provider

    @activity.defn
    async def submit_refund(self, refund_id: RefundId) -> RefundStatus:
        """Have the provider give the money back, or learn how that ended; refused, ask finance.

        One that waits for a person, or has ended, is only looked at. What could be given back when
        it was approved is looked at again. While a chargeback of its payment stands, or finance is
        asked which amount the provider moved, it stays as it is. Of tries that the provider took
        back it is asked whether they stand after all. One that is pending there stays submitted.
        """
        await self._look_again(refund_id)
        async with self._books.begin() as db:
            order, refund = await lock_refund(db, refund_id)
            intent = await self._due(db, order, refund)
            if intent is None:
                return RefundStatus((await REFUNDS.lock(db, refund_id)).status)
        result = await execute(self._provider, intent, may_pend=True)
        async with self._books.begin() as db:
            order, refund = await lock_refund(db, refund_id)
            if result.outcome is Outcome.PENDING:
                return await self._note_pending(db, refund)
            fresh = await record_outcome(db, order, intent, result)
            if fresh and result.outcome is Outcome.FAILED:
                await fail_refund(db, refund, result.failure_code, result.failure_message)
            elif fresh:
                await settle_refund(db, refund, refund.amount, result.reference)
            return RefundStatus((await REFUNDS.lock(db, refund_id)).status)

    async def _note_pending(self, db: AsyncConnection, refund: RefundRow) -> RefundStatus:
        """Keep that the try of a locked refund is under way at the provider, once; its status."""
        if refund.status == RefundStatus.SUBMITTED and not await is_pending(db, refund.id):
            await REFUNDS.add_event(db, refund, "pending", PROVIDER, {"attempt": refund.attempt})
        return RefundStatus(refund.status)

    async def _look_again(self, refund_id: RefundId) -> None:
        """Learn of tries that the provider took back whether that is still so."""
        async with self._books.read() as db:
            refund = await get_refund(db, refund_id)
            keys = await taken_back(db, refund)
        for key in keys:
            told = await self._provider.find(key)
            if told is None or told.outcome is not Outcome.SUCCEEDED:
                continue
            async with self._books.begin() as db:
                order, refund_now = await lock_refund(db, refund_id)
                await record_after_all(db, order, refund_now, told)

    async def _due(self, db: AsyncConnection, order: OrderRow, refund: RefundRow) -> Intent | None:
        """Return what the provider is to be asked for now, recorded; None when nothing is."""
        status = RefundStatus(refund.status)
        attempt = refund.attempt
        payment = (await ledger_of(db, order.id)).payment(refund.payment_id)
        if status is RefundStatus.APPROVED:
            if await stop_refund(db, order, refund):
                return None
            try:
                await check_kept(db, order, refund)
            except AmountExceeded as error:
                await fail_refund(db, refund, error.code, error.detail, actor="system")
                return None
            if payment.provider == BANK:
                await ask_to_pay_out(db, refund)
                return None
            attempt += 1
            await REFUNDS.move(db, refund, RefundStatus.SUBMITTED, "system", attempt=attempt)
        elif status is not RefundStatus.SUBMITTED or await is_open(
            db, TaskKind.PAYMENT_MISMATCH, refund.id
        ):
            return None
        key = refund_key(refund.id, attempt)
        return await record_intent(
            db, payment, EntryKind.REFUND, key, refund.amount, refund_id=refund.id
        )
