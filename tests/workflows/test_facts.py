"""Facts on their way to what they are about: one that cannot be applied holds no other."""

import contextlib
from uuid import UUID

from temporalio.testing import WorkflowEnvironment

from db.documents import SHIPMENTS
from telemetry import metrics
from tests.patience import eventually
from tests.workflows.stage import Stage, open_stage


async def sent(stage: Stage) -> UUID:
    """Return a shipment that has just left."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    await stage.travel(await stage.shipment(order, "booked"), "picked_up")
    return await stage.shipment(order, "picked_up")


async def test_a_fact_that_cannot_be_applied_does_not_hold_those_that_came_with_it(
    template_url: str, environment: WorkflowEnvironment
) -> None:
    async with open_stage(template_url, environment, "facts") as stage:
        async with stage.working():
            stuck, shipment = await sent(stage), await sent(stage)

        async def status(of: UUID) -> str:
            found = await stage.shop.one("SELECT status FROM shipments WHERE id = :id", id=of)
            return str(found)

        async def kept() -> bool:
            query = "SELECT count(*) FROM inbound_facts WHERE payload #>> '{data,code}' = 'DP'"
            return bool(await stage.shop.one(query) == 2)

        def put_off() -> float:
            labels = {"kind": "fact", "outcome": "failed"}
            return metrics.REGISTRY.get_sample_value("stateset_dispatches_total", labels) or 0.0

        async def moved(of: UUID) -> bool:
            return await status(of) == "in_transit"

        for each in (stuck, shipment):
            await stage.scan(each, "DP")
        await eventually(kept)
        before = put_off()
        async with contextlib.AsyncExitStack() as locked:
            db = await locked.enter_async_context(stage.books.begin())
            await SHIPMENTS.lock(db, stuck)
            async with stage.working():
                await eventually(lambda: moved(shipment))
                assert await status(stuck) == "picked_up"
                assert put_off() == before
                await locked.aclose()
                await eventually(lambda: moved(stuck))
        assert await stage.broken() == []
