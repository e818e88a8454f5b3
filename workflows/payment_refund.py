"""The refund's process, from asked for to given back; until it is submitted it can be given up."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.refunds.activities import RefundActivities
    from domain.ids import RefundId
    from domain.refunds.status import RefundStatus
    from workflows.calling import at_partner
    from workflows.status import show_status

ENDED = (RefundStatus.SUCCEEDED, RefundStatus.CANCELLED)

WAITS = {
    RefundStatus.REQUESTED: "Waiting for another person to approve it: see the refund's task.",
    RefundStatus.SUBMITTED: "Waiting for a person to say which amount has moved: see its task.",
    RefundStatus.FAILED: "Waiting for a person to decide how the customer gets it: see its task.",
}


@workflow.defn
class PaymentRefund:
    """One run per refund; a failure that the provider reports after its end starts it again."""

    @workflow.init
    def __init__(self, refund_id: RefundId) -> None:
        """Know the refund; news may come before the first step."""
        self._id = refund_id
        self._news = False

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
                await workflow.wait_condition(lambda: self._news)

    @workflow.signal(description="There is news of the refund: a decision, or the provider's.")
    def payment_reported(self) -> None:
        """Look again."""
        self._news = True
