"""The refund's process, from asked for to given back; until it is submitted it can be given up."""

import contextlib
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.refunds.activities import RefundActivities
    from domain.ids import RefundId
    from domain.refunds.status import RefundStatus
    from workflows import renewal
    from workflows.calling import at_partner
    from workflows.status import show_status

ENDED = (RefundStatus.SUCCEEDED, RefundStatus.CANCELLED)

WAITS = {
    RefundStatus.REQUESTED: "Waiting for another person to approve it: see the refund's task.",
    RefundStatus.APPROVED: "Waiting for a person: see the refund's task.",
    RefundStatus.SUBMITTED: "Waiting for the provider, where it is pending, or for a person to say"
    " which amount has moved: see its process.",
    RefundStatus.FAILED: "Waiting for a person to decide how the customer gets it: see its task.",
}

_EARLY = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15))
PENDING_ASKED = (*_EARLY, *(24 * (timedelta(hours=1),)), timedelta(days=1))
"""Pauses between questions to the provider about a refund that is pending there.

The last one repeats.
"""


@workflow.defn
class PaymentRefund:
    """One run per refund; a failure that the provider reports after its end starts it again."""

    @workflow.init
    def __init__(self, refund_id: RefundId) -> None:
        """Know the refund; news may come before the first step."""
        self._id = refund_id
        self._news = False
        # A run that goes on for another one has asked often before.
        self._asked = len(PENDING_ASKED) if workflow.info().continued_run_id else 0

    @workflow.run
    async def run(self, refund_id: RefundId) -> RefundStatus:
        """Carry the refund to its end and return its last status."""
        while True:
            self._news = False
            workflow.set_current_details("Giving the money back, once it is approved.")
            status = await at_partner(RefundActivities.submit_refund, self._id)
            show_status(status)
            if status in ENDED and not self._news:
                return status
            if status not in ENDED:
                workflow.set_current_details(WAITS.get(status, "Looking again."))
                await self._wait(status)

    async def _wait(self, status: RefundStatus) -> None:
        """Wait for news; of what may be pending at the provider also for the next question."""
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(lambda: self._news, timeout=self._pause(status))
        if self._asked and renewal.is_due():
            workflow.continue_as_new(self._id)

    def _pause(self, status: RefundStatus) -> timedelta | None:
        if status is not RefundStatus.SUBMITTED or not workflow.patched("pending-asked"):
            self._asked = 0
            return None
        self._asked += 1
        return PENDING_ASKED[min(self._asked, len(PENDING_ASKED)) - 1]

    @workflow.signal(description="There is news of the refund: a decision, or the provider's.")
    def payment_reported(self) -> None:
        """Look again."""
        self._news = True
