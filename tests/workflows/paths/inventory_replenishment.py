"""The paths of a site's review; each returns the site whose run is recorded."""

from uuid import UUID

from tests.workflows.stage import Stage
from tests.workflows.waiting_stories import arrive, lacks, waiting


async def served(stage: Stage) -> UUID:
    """Stock comes for an order that waits, and the run ends."""
    mug = await stage.shop.backorderable()
    [order] = await waiting(stage, mug, 2)
    await arrive(stage, mug, 2)
    await lacks(stage, order, 0)
    site = stage.shop.sites["AUS"]
    await stage.result(stage.review(site))
    return site
