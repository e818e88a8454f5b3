"""The return's process, from asked for to closed; people and parcels move it, the run follows."""

from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.returns.activities import ReturnActivities
    from activities.returns.labelling import ReturnLabelActivities
    from domain.ids import ReturnId
    from domain.returns.status import RUNNING, Expiry, LabelStep, Progress, ReturnStatus
    from workflows import renewal
    from workflows.calling import at_partner, in_database
    from workflows.status import show_status

WAITS = {
    ReturnStatus.REQUESTED: "Waiting for support to authorize or reject it: see its task.",
    ReturnStatus.AUTHORIZED: "Waiting for the goods, until its deadline.",
    ReturnStatus.RECEIVED: "Waiting for the inspection of what came.",
    ReturnStatus.INSPECTED: "Waiting for the refund, the replacement or the repair, or for goods to"
    " leave: see its process.",
}


@workflow.defn
class ReturnAuthorization:
    """One run per return: it lets it expire, gives the customer what is due, and closes it."""

    @workflow.init
    def __init__(self, return_id: ReturnId) -> None:
        """Know the return; news may come before the first step."""
        self._id = return_id
        self._news = False

    @workflow.run
    async def run(self, return_id: ReturnId) -> ReturnStatus:
        """Carry the return to its end and return its last status."""
        while True:
            self._news = False
            progress = await in_database(ReturnActivities.settle_return, self._id)
            show_status(progress.status)
            if progress.label is not None:
                await self._act(progress.label)
                continue
            if progress.status not in RUNNING and not self._news:
                return progress.status
            if progress.status in RUNNING:
                workflow.set_current_details(WAITS[progress.status])
                if not await self._hears_in_time(progress):
                    await self._meet_deadline(progress)
                if renewal.is_due():
                    workflow.continue_as_new(self._id)

    async def _act(self, step: LabelStep) -> None:
        """Buy the return's label, or give it back."""
        workflow.set_current_details("At the carrier, for the label.")
        if step is LabelStep.BOOK:
            await at_partner(ReturnLabelActivities.book_return_label, self._id)
        else:
            await at_partner(ReturnLabelActivities.void_return_label, self._id)

    async def _hears_in_time(self, progress: Progress) -> bool:
        """Wait for news; False when a deadline has come and nothing was heard."""
        deadline = min(filter(None, (_expires_at(progress), progress.asks_at)), default=None)
        left = None if deadline is None else max(deadline - workflow.now(), timedelta())
        try:
            await workflow.wait_condition(lambda: self._news, timeout=left)
        except TimeoutError:
            return False
        return True

    async def _meet_deadline(self, progress: Progress) -> None:
        """Let a return expire of which nothing came; ask about goods that cannot be replaced."""
        expiry = Expiry(return_id=self._id, now=workflow.now())
        expires_at, asks_at = _expires_at(progress), progress.asks_at
        if expires_at is not None and (asks_at is None or expires_at <= asks_at):
            await in_database(ReturnActivities.expire_return, expiry)
        else:
            await in_database(ReturnActivities.ask_about_replacement, expiry)

    @workflow.signal(description="The return has moved: a decision, goods, or an inspection.")
    def return_changed(self) -> None:
        """Look again."""
        self._news = True

    @workflow.signal(description="A refund for the return has ended.")
    def refund_settled(self) -> None:
        """Look again."""
        self._news = True


def _expires_at(progress: Progress) -> datetime | None:
    """Return when the return expires if nothing comes; None where that cannot be."""
    return progress.expires_at if progress.status is ReturnStatus.AUTHORIZED else None
