"""Reviews of a site's stock: begun where some comes for who waits, and lost by no crash."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from temporalio import activity
from temporalio.client import WorkflowFailureError
from temporalio.worker import Worker

from domain.demand import Review
from domain.ids import SiteId
from relay.sweeps import Sweeper
from tests.patience import eventually
from tests.workflows.money_stories import view
from tests.workflows.stage import Stage
from tests.workflows.waiting_stories import arrive, lacks, waiting
from workflows.inventory_replenishment import LOOKS_AGAIN, InventoryReplenishment


async def sweep_until_served(stage: Stage, order: UUID, units: int = 0) -> None:
    """Look for lost runs until an order lacks just so many units."""
    sweeper = Sweeper(stage.books, stage.client, young=timedelta())

    async def served() -> bool:
        await sweeper.sweep("lost_runs")
        return bool((await view(stage, order))["backordered"] == units)

    await eventually(served)


async def test_a_review_ends_when_nobody_waits_and_the_next_stock_begins_another(
    stage: Stage,
) -> None:
    mug = await stage.shop.backorderable()
    [order] = await waiting(stage, mug, 2)
    review = stage.review(stage.shop.sites["RNO"])
    for left in (1, 0):
        await arrive(stage, mug, 1, "RNO")
        await lacks(stage, order, left)
        await stage.result(review)


@pytest.mark.parametrize("done", [False, True])
async def test_a_review_that_broke_off_is_begun_again_and_gives_nothing_twice(
    stage: Stage, done: bool
) -> None:
    mug = await stage.shop.backorderable()
    first, second = await waiting(stage, mug, 2, 2)
    stage.refusals["serve_waiting"] = done
    await arrive(stage, mug, 3)
    await eventually(lambda: not stage.refusals)
    with pytest.raises(WorkflowFailureError):
        await stage.result(stage.review(stage.shop.sites["AUS"]))
    await sweep_until_served(stage, second, 1)
    assert (await view(stage, first))["backordered"] == 0
    assert await stage.shop.stock(mug) == (3, 3)


async def test_stock_that_no_review_was_told_of_is_found(stage: Stage) -> None:
    mug = await stage.shop.backorderable()
    [order] = await waiting(stage, mug, 1)
    shelf = stage.shop.shelves["AUS"]
    change = "UPDATE locations SET active = :active WHERE id = :id RETURNING id"
    await stage.shop.rows(change, active=False, id=shelf)
    await arrive(stage, mug, 1)
    await eventually(lambda: stage.shop.one("SELECT count(*) = 0 FROM outbox"))
    assert (await view(stage, order))["backordered"] == 1
    await stage.shop.rows(change, active=True, id=shelf)
    await sweep_until_served(stage, order)


async def test_while_there_is_too_little_for_who_is_next_it_is_looked_again_in_a_while(
    stage: Stage,
) -> None:
    """Told by hand: an order takes what there is, and so waits for none that is there."""
    looks = [Review(again=True, waits=True), Review(again=False, waits=True)]
    looks.append(Review(again=False, waits=False))

    @activity.defn(name="serve_waiting")
    async def serve_waiting(_site: SiteId) -> Review:
        return looks.pop(0)

    queue = f"reviews-{uuid4()}"
    async with Worker(stage.client, task_queue=queue, activities=[serve_waiting]):
        run = await stage.client.start_workflow(
            InventoryReplenishment.run,
            stage.shop.sites["AUS"],
            id=f"a review of {queue}",
            task_queue=queue,
        )
        await stage.wait_says(run, "Waiting for more stock")
        assert len(looks) == 1
        await stage.pass_time(run, LOOKS_AGAIN + timedelta(minutes=1))
        await run.result()
    assert looks == []
