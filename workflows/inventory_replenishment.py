"""The review of a site's stock: who waits for it is served, in the order of the queue."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.inventory.serving import ReplenishmentActivities
    from domain.ids import SiteId
    from workflows import renewal
    from workflows.calling import in_database

LOOKS_AGAIN = timedelta(minutes=15)
"""After so long without news it is looked again, while somebody waits for what there is."""


@workflow.defn
class InventoryReplenishment:
    """One run per site, so that no two reviews of it overlap; it ends when nobody can be served."""

    @workflow.init
    def __init__(self, site_id: SiteId) -> None:
        """Know the site; news may come before the first step."""
        self._id = site_id
        self._news = False

    @workflow.run
    async def run(self, site_id: SiteId) -> None:
        """Serve until nobody waits for what the site has; the next stock starts another run."""
        while True:
            self._news = False
            workflow.set_current_details("Serving those who wait for stock.")
            review = await in_database(ReplenishmentActivities.serve_waiting, self._id)
            if not (review.waits or self._news):
                return
            if renewal.is_due():
                workflow.continue_as_new(self._id)
            if not review.again:
                await self._wait()

    async def _wait(self) -> None:
        """Wait for more stock: what there is does not suffice for whose turn it is."""
        workflow.set_current_details("Waiting for more stock: there is too little for who is next.")
        try:
            await workflow.wait_condition(lambda: self._news, timeout=LOOKS_AGAIN)
        except TimeoutError:
            return

    @workflow.signal(description="Stock has become free for which somebody waits.")
    def stock_changed(self) -> None:
        """Look again."""
        self._news = True
