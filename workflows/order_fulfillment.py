"""The order's process, from placed to delivered; cancelled or failed, its steps are compensated."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import FailureError

with workflow.unsafe.imports_passed_through():
    from activities.holds import HoldActivities
    from activities.orders.activities import OrderActivities
    from activities.payments.activities import PaymentActivities
    from activities.shipments.booking import BookingActivities
    from activities.tasks import TaskActivities
    from domain.holds import HoldPlacement, HoldRelease
    from domain.ids import OrderId, ShipmentId
    from domain.orders.receipts import turn_of
    from domain.orders.requests import (
        Cancellation,
        Progress,
        Standing,
        UndoFailure,
        expiry_reason,
        too_late_to_cancel,
    )
    from domain.orders.status import CancelReason, OrderStatus
    from domain.shipments.outcomes import BookingOutcome
    from domain.tasks import Decision
    from workflows import renewal
    from workflows.calling import Given, Step, at_partner, in_database, refusal_of
    from workflows.saga import CancelRequested, Saga
    from workflows.status import show_status


CONFIRMATION_ASKED = tuple(timedelta(minutes=minutes) for minutes in (1, 4, 10, 60))
"""Pauses between questions to the provider about a payment that its customer has to confirm.

The last one repeats.
"""


@workflow.defn
class OrderFulfillment:
    """One run per order; from its start the only writer of the order's status."""

    @workflow.init
    def __init__(self, order_id: OrderId) -> None:
        """Know the order; requests may come before the first step."""
        self._id = order_id
        # A run that goes on for another one looks at once for what came in between.
        self._news = workflow.info().continued_run_id is not None
        self._money_news = False
        self._asked = 0
        self._saga: Saga[Cancellation, OrderStatus] = Saga(
            cancelled=OrderStatus.CANCELLED,
            too_late=too_late_to_cancel(OrderStatus.CONFIRMED),
            report=self._report_undo,
        )

    @workflow.run
    async def run(self, order_id: OrderId) -> OrderStatus:
        """Carry the order to its end and return its last status."""
        status = await self._saga.run(self._deliver)
        await workflow.wait_condition(workflow.all_handlers_finished)
        # A race: money that was confirmed while the last of it was dropped is dropped, too.
        while self._money_news and workflow.patched("last-look-at-money"):
            await self._drop_money()
        return status

    async def _deliver(self) -> OrderStatus:
        self._saga.add(self._drop_money)
        self._saga.add(self._cancel)
        progress = await self._secure_payment()
        if progress.status is OrderStatus.CONFIRMED:
            show_status(progress.status, was_shown=True)
            self._saga.add(self._recall)
            progress = await self._ship(progress)
        else:
            # Of an order that has ended, when the provider took its money back.
            progress = await self._take_money(progress)
        show_status(progress.status)
        if progress.authorized_amount or progress.unconfirmed:
            await self._drop_money()
        return progress.status

    async def _secure_payment(self) -> Progress:
        """Wait until the money is reserved and nothing holds the order, or the window passes."""
        while True:
            self._set_details("Reserving the customer's money.")
            self._money_news = False
            progress = await at_partner(PaymentActivities.authorize_payment, self._id)
            if progress.status is not OrderStatus.PENDING:
                return progress
            self._saga.heed(progress.cancellation)
            await self._wait_for_news(progress)
            self._news = False

    async def _ship(self, progress: Progress) -> Progress:
        """Book every pick list, then wait for the carrier to end every journey."""
        while progress.status is OrderStatus.CONFIRMED:
            if progress.cancelling_lines:
                progress = await self._cancel_lines()
                continue
            self._saga.heed(progress.cancellation)
            if self._saga.request is not None:
                progress = await self._stop()
            progress = await self._take_money(progress)
            self._set_details("Booking labels with the carrier.")
            outcomes = await self._book(progress.to_book)
            self._set_details(_story(progress, outcomes))
            await self._renew()
            try:
                pause = self._pause(progress)
                await workflow.wait_condition(lambda: self._news, timeout=pause)
            except TimeoutError:
                self._money_news = True
            self._news = False
            if self._money_news and workflow.patched("paid-again"):
                self._money_news = False
                await at_partner(PaymentActivities.authorize_payment, self._id)
            progress = await in_database(OrderActivities.complete_order, self._id)
        return progress

    async def _take_money(self, progress: Progress) -> Progress:
        """Take all of the money at once, if the order pays when it is confirmed."""
        if not (progress.to_capture and workflow.patched("capture-at-confirmation")):
            return progress
        self._set_details("Taking the customer's money.")
        return await at_partner(PaymentActivities.capture_payment, self._id)

    async def _book(self, shipments: Sequence[ShipmentId]) -> set[BookingOutcome]:
        """Book all at once; none is still under way when another one's failure is undone."""
        booking = (at_partner(BookingActivities.book_shipment, one) for one in shipments)
        outcomes: set[BookingOutcome] = set()
        for outcome in await asyncio.gather(*booking, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
            outcomes.add(outcome)
        return outcomes

    async def _wait_for_news(self, progress: Progress) -> None:
        """Wait for money, the release of a hold or a cancellation; unpaid, only for so long."""
        self._saga.check()
        await self._renew()
        if progress.standing is Standing.SECURED:
            self._set_details("Paid and on hold: waiting for a person to release it.")
            await workflow.wait_condition(lambda: self._news)
        else:
            until = progress.payment_due_at
            held = ", on hold" if progress.held else ""
            self._set_details(f"Waiting for the customer's payment until {until}{held}.")
            if not await self._heard(progress):
                # A hold may be placed just now: the step that cancels looks again.
                reason = expiry_reason(progress.standing)
                self._saga.heed(
                    Cancellation(order_id=self._id, reason=reason, actor="system", window_end=until)
                )
        self._saga.check()

    async def _heard(self, progress: Progress) -> bool:
        """Wait for news of the payment; False when its window has passed without.

        It is time to ask, too, about a payment to be confirmed: word of that may have got lost.
        """
        left = max(progress.payment_due_at - workflow.now(), timedelta())
        try:
            await workflow.wait_condition(
                lambda: self._news,
                timeout=min(left, self._pause(progress) or left),
                timeout_summary="payment due",
            )
        except TimeoutError:
            # When the window ends, once more.
            if progress.unconfirmed and left > timedelta():
                return True
            return await self._heard_late(progress)
        return True

    async def _heard_late(self, progress: Progress) -> bool:
        """Let what people ask of other runs go first, where many windows ended unnoticed."""
        turn = turn_of(self._id, workflow.now() - progress.payment_due_at)
        if not (turn and workflow.patched("late-windows")):
            return False
        try:
            await workflow.wait_condition(
                lambda: self._news, timeout=turn, timeout_summary="its turn, of all that are late"
            )
        except TimeoutError:
            return False
        return True

    def _pause(self, progress: Progress) -> timedelta | None:
        """Return how long to wait before the provider is asked again; None if about nothing."""
        if not progress.unconfirmed:
            self._asked = 0
            return None
        self._asked += 1
        return CONFIRMATION_ASKED[min(self._asked, len(CONFIRMATION_ASKED)) - 1]

    async def _stop(self) -> Progress:
        """Take the labels back to cancel; with goods on their way, replace them and go on."""
        if await self._recall():
            raise CancelRequested
        self._saga.conclude(cancelled=False)
        return await in_database(OrderActivities.resume_order, self._id)

    async def _cancel_lines(self) -> Progress:
        """Take back the labels of units that are to be cancelled, then cancel what stayed."""
        self._set_details("Taking back labels: some units are not to be sent.")
        await at_partner(BookingActivities.withdraw_labels, self._id)
        return await in_database(OrderActivities.cancel_order_lines, self._id)

    async def _recall(self) -> bool:
        return await at_partner(BookingActivities.recall_shipments, self._id)

    async def _drop_money(self) -> None:
        self._money_news = False
        await at_partner(PaymentActivities.void_payment, self._id)

    async def _cancel(self) -> None:
        by_operator = Cancellation(order_id=self._id, reason=CancelReason.STAFF, actor="operator")
        status = await in_database(OrderActivities.cancel_order, self._saga.request or by_operator)
        if status is OrderStatus.CONFIRMED:
            await in_database(OrderActivities.resume_order, self._id)
        self._saga.conclude(cancelled=status is OrderStatus.CANCELLED)

    async def _report_undo(self, reason: str) -> None:
        failure = UndoFailure(order_id=self._id, reason=reason[:1000])
        await in_database(OrderActivities.report_undo_failure, failure)

    async def _renew(self) -> None:
        """Go on in a fresh run before this one's history takes no more: the books know all."""
        if not (renewal.is_due() and workflow.patched("renewed-runs")):
            return
        await workflow.wait_condition(workflow.all_handlers_finished)
        if self._saga.request is None:
            workflow.continue_as_new(self._id)

    def _set_details(self, story: str) -> None:
        workflow.set_current_details(story)

    @workflow.signal(description="A shipment of the order has ended its journey.")
    def shipment_ended(self) -> None:
        """Look again."""
        self._news = True

    @workflow.signal(description="There is news of the order's money.")
    def payment_reported(self) -> None:
        """Look again."""
        self._news = self._money_news = True

    @workflow.signal(description="There is stock for goods that were backordered.")
    def goods_reserved(self) -> None:
        """Look again."""
        self._news = True

    @workflow.update(description="Cancel the order before its goods have left.")
    async def cancel(self, cancellation: Cancellation) -> None:
        """Refuse, or cancel; answers once the order is cancelled, or after a while regardless."""
        await self._write(OrderActivities.request_cancellation, cancellation)
        await self._saga.cancel(cancellation)

    @workflow.update(description="Stop the order until the hold is released.")
    async def place_hold(self, placement: HoldPlacement) -> None:
        """Open a hold; what is under way at a partner still ends."""
        await self._write(HoldActivities.place_hold, placement)

    @workflow.update(description="Release one hold; with the last one the order goes on.")
    async def release_hold(self, release: HoldRelease) -> None:
        """Close a hold."""
        await self._write(HoldActivities.release_hold, release)

    @workflow.update(description="Answer a task about the order's shipments before they leave.")
    async def decide(self, decision: Decision) -> None:
        """Record the answer; the run tries again."""
        await self._write(TaskActivities.decide_task, decision)

    async def _write(self, step: Step[Given, object], given: Given) -> None:
        """Write a request down, or refuse it; the run looks again."""
        try:
            await in_database(step, given)
        except FailureError as failure:
            raise refusal_of(failure) from failure
        self._news = True


def _story(progress: Progress, outcomes: set[BookingOutcome]) -> str:
    """Say what a confirmed order waits for."""
    if {BookingOutcome.HELD, BookingOutcome.REFUSED} & outcomes:
        return "Waiting for a person: see the order's tasks, holds and goods to be picked."
    if progress.short:
        return "Waiting for stock, and for what has left to arrive."
    return "With the carrier: waiting for the parcels to arrive."
