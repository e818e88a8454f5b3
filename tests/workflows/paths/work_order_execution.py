"""The paths of the work order's process; each returns the work order whose run is recorded."""

from typing import Any
from uuid import UUID

from tests.workflows.replacement_stories import arrives
from tests.workflows.stage import Stage
from tests.workflows.test_work_orders import issue
from tests.workflows.work_stories import becomes_ready, begun, do, finish, plan, staff


async def parts_come_late(stage: Stage) -> UUID:
    """It waits for a part, is worked on once that is there, and is signed off."""
    item = await stage.shop.item()
    work = await plan(stage, parts=[{"item_id": str(item), "quantity": 1}])
    await staff(stage, work)
    await do(stage, work, "release", role="planner")
    await stage.wait_says(stage.working_on(UUID(work["id"])), "Waiting for parts")
    await arrives(stage, item)
    await becomes_ready(stage, work)
    await issue(stage, await do(stage, work, "start"), 1)
    await finish(stage, work)
    return await _ended(stage, work, "closed")


async def rejected_once(stage: Stage) -> UUID:
    """Another person finds that it is not as it should be; it is done again."""
    work = await begun(stage)
    step = f"operations/{work['operations'][0]['id']}/report"
    await do(stage, work, step, {"status": "done"})
    await do(stage, work, "complete", {})
    await do(stage, work, "reject", {"reason": "still loud"}, "inspector")
    await finish(stage, work)
    return await _ended(stage, work, "closed")


async def cancelled(stage: Stage) -> UUID:
    """Given up after its release."""
    item = await stage.shop.item(AUS=1)
    work = await plan(stage, item_id=str(item))
    await do(stage, work, "release", role="planner")
    await stage.wait_says(stage.working_on(UUID(work["id"])), "Waiting to be started")
    await do(stage, work, "cancel", {"reason": "not wanted"}, "planner")
    return await _ended(stage, work, "cancelled")


async def _ended(stage: Stage, work: Any, status: str) -> UUID:
    found = UUID(work["id"])
    assert await stage.result(stage.working_on(found)) == status
    return found
