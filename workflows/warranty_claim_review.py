"""The claim's process, from filed to settled; people and its return move it, the run follows."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.claims.activities import ClaimActivities
    from domain.claims.status import RUNNING, ClaimStatus, Lapse, Progress
    from domain.ids import ClaimId
    from workflows import renewal
    from workflows.calling import in_database
    from workflows.status import show_status

WAITS = {
    ClaimStatus.UNDER_REVIEW: "Waiting for evidence, until its deadline, or for support: see its"
    " process.",
    ClaimStatus.APPROVED: "Waiting for the return of its goods: see its process.",
}


@workflow.defn
class WarrantyClaimReview:
    """One run per claim that is not denied at once; an appeal or goodwill starts it again."""

    @workflow.init
    def __init__(self, claim_id: ClaimId) -> None:
        """Know the claim; news may come before the first step."""
        self._id = claim_id
        self._news = False

    @workflow.run
    async def run(self, claim_id: ClaimId) -> ClaimStatus:
        """Carry the claim to its end and return its last status."""
        while True:
            self._news = False
            progress = await in_database(ClaimActivities.settle_claim, self._id)
            show_status(progress.status)
            if progress.status not in RUNNING and not self._news:
                return progress.status
            if progress.status in RUNNING:
                workflow.set_current_details(WAITS.get(progress.status, "Looking again."))
                if not await self._hears_in_time(progress):
                    lapse = Lapse(claim_id=self._id, now=workflow.now())
                    await in_database(ClaimActivities.deny_unevidenced, lapse)
                if renewal.is_due():
                    workflow.continue_as_new(self._id)

    async def _hears_in_time(self, progress: Progress) -> bool:
        """Wait for news; False when its evidence is due and nothing was heard."""
        due, left = progress.evidence_due_at, None
        if due is not None:
            left = max(due - workflow.now(), timedelta())
        try:
            await workflow.wait_condition(lambda: self._news, timeout=left)
        except TimeoutError:
            return False
        return True

    @workflow.signal(description="The claim has moved: evidence, a decision, or its return.")
    def claim_changed(self) -> None:
        """Look again."""
        self._news = True
