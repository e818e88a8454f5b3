"""The steps at the payment provider: reserve the money, take it, drop what is not needed."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.orders.progress import confirm_if_ready, look_again, progress_of
from activities.orders.terms import confirm_on_terms
from activities.payments.by_hand import carry_out, is_under_way
from activities.payments.confirming import capture_order, end_order_capture
from activities.payments.coverage import current_ledger, is_covered, release_covered
from activities.payments.postage import give_postage_back
from activities.payments.provider import (
    amount_differs,
    execute,
    look_up,
    record_authorization,
    record_intent,
    record_outcome,
)
from activities.payments.refused import ask_about_refused
from activities.payments.renewing import renew_authorizations, settle_authorization
from activities.payments.review import review_declines
from activities.shipments.older_refunds import end_older_refunds
from db.documents import ORDERS
from db.engine import Database
from db.ledgers import Ledger, ledger_of
from db.orders.captures import is_outstanding
from db.orders.tables import OrderRow
from db.outbox import signal
from domain.documents import Document, Kind, Signal
from domain.ids import OrderId
from domain.orders.by_hand import moving
from domain.orders.receipts import BANK, PaymentMethod
from domain.orders.requests import Progress
from domain.orders.status import RUNNING, OrderStatus
from domain.payments import (
    UNCONFIRMED,
    EntryKind,
    Intent,
    Phase,
    Refusal,
    add_up,
    authorization_key,
    is_unconfirmed,
    requirement_met,
    void_key,
)
from gateways.payments.port import Outcome, PaymentProvider, PaymentResult


class PaymentActivities:
    """What an order's run does at the payment provider."""

    def __init__(self, books: Database, provider: PaymentProvider, carrier: str) -> None:
        """Take money through this provider; orders are planned with this carrier."""
        self._books = books
        self._provider = provider
        self._carrier = carrier

    @activity.defn
    async def authorize_payment(self, order_id: OrderId) -> Progress:
        """Reserve the order's money; when that is done and nothing holds it, confirm the order.

        What commits together is one step: the outcome, the confirmation and the pick lists. An
        order that is further already, or has nothing to authorize, is only looked at. What is no
        longer reserved holds it until the customer has paid again. Of what the customer has to
        confirm the provider is asked how it ended. What ends within a day is renewed. What finance
        asked for by hand is done first. An order on terms is confirmed within its customer's
        credit.
        """
        if await self._moves_by_hand(order_id):
            await carry_out(self._books, self._provider, order_id)
        async with self._books.begin() as db:
            order = await ORDERS.lock(db, order_id)
            ledger = await ledger_of(db, order_id)
            if ledger.lapsed and not await is_covered(db, order):
                order = await ORDERS.lock(db, order_id)
            intent = await self._authorization_due(db, order, ledger)
            on_terms = order.payment_method == PaymentMethod.NET_TERMS
            if intent is None and not ledger.ending and not on_terms:
                return await self._go_on(db, order)
        if on_terms:
            return await confirm_on_terms(self._books, order_id, self._carrier)
        if intent is not None:
            progress = await self._authorize(order_id, intent)
            if not ledger.ending:
                return progress
        await renew_authorizations(self._books, self._provider, order_id)
        async with self._books.begin() as db:
            return await self._go_on(db, await ORDERS.lock(db, order_id))

    async def _authorize(self, order_id: OrderId, intent: Intent) -> Progress:
        """Reserve the money, and confirm the order with it or note that it was declined."""
        result = await execute(self._provider, intent)
        async with self._books.begin() as db:
            order = await ORDERS.lock(db, order_id)
            await settle_authorization(db, order, intent, result)
            if amount_differs(intent, result):
                # The order now waits for finance, and longer than for the customer.
                order = await ORDERS.lock(db, order_id)
            if result.outcome is Outcome.FAILED:
                await review_declines(db, order)
            progress = await self._go_on(db, order)
            open_money = progress.authorized_amount or progress.unconfirmed
            if progress.status is OrderStatus.CANCELLED and open_money:
                # The answer came after the order was given up: its run drops the money again.
                await signal(db, Document(Kind.ORDER, order.id), Signal.PAYMENT_REPORTED)
            return progress

    @activity.defn
    async def capture_payment(self, order_id: OrderId) -> Progress:
        """Take all money of an order that pays when it is confirmed; refused, ask finance.

        Nothing of it gets a label before. An order that pays by what leaves is only looked at.
        """
        await capture_order(self._books, self._provider, order_id)
        async with self._books.begin() as db:
            return await look_again(db, await ORDERS.lock(db, order_id), self._carrier)

    @activity.defn
    async def void_payment(self, order_id: OrderId) -> Progress:
        """Undo of authorize_payment: drop what is still reserved and will not be captured.

        An authorization of unknown outcome is settled first: dropped if it did succeed, or if it
        still waits for its customer, so that none can be confirmed when its order has ended. The
        postage of an order that ends with nothing of it arrived is promised back here, too.
        """
        await end_order_capture(self._books, self._provider, order_id)
        if await self._moves_by_hand(order_id):
            await carry_out(self._books, self._provider, order_id)
        for payment_id in await self._payments(order_id):
            await self._settle(order_id, payment_id)
            async with self._books.begin() as db:
                order = await ORDERS.lock(db, order_id)
                intent = await self._void_due(db, order, payment_id)
            if intent is not None:
                await self._record(order_id, intent, await execute(self._provider, intent))
        await end_older_refunds(self._books, self._provider, order_id)
        async with self._books.begin() as db:
            order = await ORDERS.lock(db, order_id)
            await give_postage_back(db, order)
            return await progress_of(db, order)

    async def _settle(self, order_id: OrderId, payment_id: UUID) -> None:
        """Learn how an authorization without an outcome ended; drop an unconfirmed one."""
        async with self._books.begin() as db:
            asked = await self._unsettled(db, await ORDERS.lock(db, order_id), payment_id)
        if asked is None:
            return
        told = await look_up(self._provider, asked)
        await self._record(order_id, asked, told)
        async with self._books.begin() as db:
            drop = await self._drop_due(db, await ORDERS.lock(db, order_id), payment_id, told)
        if drop is None:
            return
        dropped = await execute(self._provider, drop)
        # The customer may have decided just now: then it is that which counts.
        told = await look_up(self._provider, asked)
        waits_on = told.outcome is Outcome.ACTION_REQUIRED
        await self._record(order_id, drop, dropped, ask=waits_on)
        await self._record(order_id, asked, told)

    async def _record(
        self, order_id: OrderId, intent: Intent, result: PaymentResult, *, ask: bool = True
    ) -> None:
        async with self._books.begin() as db:
            order = await ORDERS.lock(db, order_id)
            fresh = await record_outcome(db, order, intent, result)
            refused_drop = intent.kind is EntryKind.VOID and result.outcome is Outcome.FAILED
            if fresh and ask and refused_drop:
                # Whether the money is free, the provider's people must say to ours.
                refused = Refusal(
                    code=result.failure_code, message=result.failure_message, amount=intent.amount
                )
                await ask_about_refused(db, order, intent.kind, refused, by_hand=False)

    async def _moves_by_hand(self, order_id: OrderId) -> bool:
        async with self._books.read() as db:
            return is_under_way(await ledger_of(db, order_id))

    async def _payments(self, order_id: OrderId) -> list[UUID]:
        async with self._books.read() as db:
            return [payment.id for payment in (await ledger_of(db, order_id)).payments]

    async def _go_on(self, db: AsyncConnection, order: OrderRow) -> Progress:
        progress = await confirm_if_ready(db, order, self._carrier)
        if progress.held and await release_covered(db, order):
            order = await ORDERS.lock(db, order.id)
            progress = await confirm_if_ready(db, order, self._carrier)
        return progress

    async def _authorization_due(
        self, db: AsyncConnection, order: OrderRow, ledger: Ledger
    ) -> Intent | None:
        if order.status not in RUNNING or order.cancel_requested_at is not None:
            return None
        if not ledger.payments or requirement_met(order.total_amount, ledger.lasting):
            return None
        newest = ledger.payments[-1]
        if newest.provider == BANK:
            return None
        if not ledger.phases(authorization_key(newest.id)) <= {
            Phase.REQUESTED,
            Phase.ACTION_REQUIRED,
        }:
            return None
        return await record_authorization(db, ledger, newest)

    async def _unsettled(
        self, db: AsyncConnection, order: OrderRow, payment_id: UUID
    ) -> Intent | None:
        """Return the authorization whose outcome, or that of dropping it, is not recorded."""
        ledger = await ledger_of(db, order.id)
        payment = ledger.payment(payment_id)
        key = authorization_key(payment_id)
        phases = ledger.phases(key)
        has_card = payment.token is not None or payment.renews is not None
        unknown = phases == {Phase.REQUESTED} and has_card
        dropping = ledger.phases(void_key(payment_id, UNCONFIRMED)) == {Phase.REQUESTED}
        if not (unknown or dropping or (order.status in _ENDED and is_unconfirmed(phases))):
            return None
        return await record_intent(db, payment, EntryKind.AUTHORIZATION, key, payment.amount)

    async def _drop_due(
        self, db: AsyncConnection, order: OrderRow, payment_id: UUID, told: PaymentResult
    ) -> Intent | None:
        """Return the void of an authorization that its customer can still confirm, or its retry."""
        if order.status not in _ENDED:
            return None
        ledger = await ledger_of(db, order.id)
        payment, key = ledger.payment(payment_id), void_key(payment_id, UNCONFIRMED)
        begun = ledger.phases(key) == {Phase.REQUESTED}
        if not (begun or told.outcome is Outcome.ACTION_REQUIRED):
            return None
        intent = await record_intent(db, payment, EntryKind.VOID, key, payment.amount)
        return replace(intent, source=told.reference)

    async def _void_due(
        self, db: AsyncConnection, order: OrderRow, payment_id: UUID
    ) -> Intent | None:
        if order.status not in _ENDED or await is_outstanding(db, order.id):
            return None
        ledger = await current_ledger(db, order)
        payment, entries = ledger.payment(payment_id), ledger.of(payment_id)
        purpose = "cancelled" if order.status == OrderStatus.CANCELLED else "remainder"
        key = void_key(payment_id, purpose)
        others = [entry for entry in entries if entry.key != key]
        reserved = add_up(entries).authorized - moving(others, EntryKind.CAPTURE, EntryKind.VOID)
        if reserved <= 0 or payment.provider_reference is None:
            return None
        if any(entry.key == key and entry.phase is Phase.SUCCEEDED for entry in entries):
            # The provider dropped less than it was asked to, and a person let that stand.
            key = void_key(payment_id, f"{purpose}/rest")
        return await record_intent(db, payment, EntryKind.VOID, key, reserved)


_ENDED = frozenset({OrderStatus.CANCELLED, OrderStatus.COMPLETED})
