"""How questions about work orders arise: parts, people and days that work waits for."""

from datetime import timedelta
from uuid import UUID

from domain.tasks import TaskKind
from tests.aging import DAYS, HOURS, age, sweep
from tests.workflows.arising import Asked
from tests.workflows.situations import Situation
from tests.workflows.stage import Stage
from tests.workflows.work_stories import begun, do, plan, report_all, staff

K = TaskKind


async def without_parts(stage: Stage) -> Asked:
    """Work was released two days ago, and the site has not had its parts."""
    item = await stage.shop.item()
    parts = [{"item_id": str(item), "quantity": 1}]
    return await _released(stage, timedelta(days=2), "parts_missing", parts=parts)


async def not_started(stage: Stage) -> Asked:
    """Work was released three days ago, and all is there for it."""
    return await _released(stage, timedelta(days=3), "work_not_started")


async def _released(stage: Stage, before: timedelta, deadline: str, **body: object) -> Asked:
    work = await plan(stage, **body)
    await staff(stage, work)
    await do(stage, work, "release", role="planner")
    await age(stage, "work_orders", "released_at", before, id=UUID(work["id"]))
    await sweep(stage, deadline)
    return Asked(UUID(work["id"]))


async def overdue(stage: Stage) -> Asked:
    """The day is over by which work was to be done."""
    work = await plan(stage)
    late = "UPDATE work_orders SET due_on = current_date - 1 WHERE id = :id RETURNING id"
    await stage.shop.rows(late, id=UUID(work["id"]))
    await sweep(stage, "work_overdue_asked")
    return Asked(UUID(work["id"]))


async def not_signed_off(stage: Stage) -> Asked:
    """Work was completed a day ago, and nobody has looked at it."""
    work = await begun(stage)
    await report_all(stage, work)
    await do(stage, work, "complete", {})
    await age(stage, "work_orders", "completed_at", DAYS, id=UUID(work["id"]))
    await sweep(stage, "sign_off_late")
    return Asked(UUID(work["id"]))


async def left_running(stage: Stage) -> Asked:
    """A timer was forgotten for twelve hours."""
    work = await begun(stage)
    who = work["assignments"][0]["technician"]
    await do(stage, work, "time/start", {"technician": who})
    await age(stage, "time_entries", "since", 12 * HOURS, work_order_id=UUID(work["id"]))
    await sweep(stage, "timers_left_running")
    return Asked(UUID(work["id"]))


async def rejected(stage: Stage) -> Asked:
    """Work was rejected four times."""
    work = await begun(stage)
    for _ in range(4):
        await report_all(stage, work)
        await do(stage, work, "complete", {})
        await do(stage, work, "reject", {"reason": "still loud"}, "inspector")
    return Asked(UUID(work["id"]))


WORK = (
    Situation(K.PARTS_MISSING, "bought", without_parts, "noted"),
    Situation(K.WORK_NOT_STARTED, "nobody is there", not_started, "noted"),
    Situation(K.WORK_OVERDUE, "tomorrow", overdue, "noted"),
    Situation(K.SIGN_OFF_LATE, "tomorrow", not_signed_off, "noted"),
    Situation(K.TIMER_STOPPED, "it was less", left_running, "corrected"),
    Situation(K.TIMER_STOPPED, "it was so", left_running, "right"),
    Situation(K.REJECTED_OFTEN, "once more", rejected, "go_on"),
    Situation(K.REJECTED_OFTEN, "no more", rejected, "give_up"),
)
