"""Work that is late: asked about in time and not before, again while it stays so, and no longer."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from activities.work_orders.releasing import cancel_work_order
from activities.work_orders.timing import start_timer
from db.documents import WORK_ORDERS
from domain.policy import Policy
from domain.tasks import TaskKind
from domain.work_orders.people import StartTimer
from domain.work_orders.requests import CancelWork
from tests.activities.at_bench import begin, finish, released
from tests.activities.bench import Bench
from tests.activities.lateness import answer, events, tasks
from tests.aging import DAYS, HOURS, age, sweep
from tests.shop import Shop

MINUTES = timedelta(minutes=1)
ASKED = {
    "parts_missing": (TaskKind.PARTS_MISSING, "released_at", 2 * DAYS, 2 * DAYS),
    "work_not_started": (TaskKind.WORK_NOT_STARTED, "released_at", 3 * DAYS, 3 * DAYS),
    "sign_off_late": (TaskKind.SIGN_OFF_LATE, "completed_at", DAYS, DAYS),
}
"""What is asked about work, since when, after how long, and how long after an answer again."""


async def late(bench: Bench, deadline: str) -> UUID:
    """Bring work as far as it has to wait for what this deadline is about."""
    if deadline == "parts_missing":
        return await released(bench.shop, await bench.shop.item())
    work = await released(bench.shop, signoff_required=True)
    if deadline == "sign_off_late":
        await begin(bench.shop, work)
        await finish(bench.shop, work)
    return work


@pytest.mark.parametrize("deadline", ASKED)
async def test_work_that_waits_is_asked_about_in_time_and_again_after_each_answer(
    bench: Bench, deadline: str
) -> None:
    kind, since, after, again = ASKED[deadline]
    work = await late(bench, deadline)
    await age(bench, "work_orders", since, after - MINUTES, id=work)
    await sweep(bench)
    assert await tasks(bench, work) == [], "a minute before its time"
    await age(bench, "work_orders", since, MINUTES, id=work)
    await sweep(bench)
    await sweep(bench)
    assert await tasks(bench, work) == [(kind, "open")]
    answered = await answer(bench, kind, work)
    await age(bench, "tasks", "closed_at", again - MINUTES, id=answered)
    await sweep(bench)
    assert await tasks(bench, work) == [(kind, "done")]
    await age(bench, "tasks", "closed_at", MINUTES, id=answered)
    await sweep(bench)
    assert await tasks(bench, work) == [(kind, "done"), (kind, "open")]
    await give_up(bench.shop, work)
    await sweep(bench)
    if deadline != "sign_off_late":
        assert await tasks(bench, work) == [(kind, "done"), (kind, "cancelled")]


async def test_work_that_will_not_be_done_in_time_is_asked_about_before_its_day(
    bench: Bench,
) -> None:
    """Work orders 4: due_on less what is planned and open."""
    tomorrow = today() + DAYS
    long = await released(bench.shop, minutes=50 * 60, due_on=tomorrow)
    short = await released(bench.shop, minutes=60, due_on=tomorrow)
    await sweep(bench)
    assert await tasks(bench, long) == [(TaskKind.WORK_NOT_STARTED, "open")]
    assert await tasks(bench, short) == []
    for work in (long, short):
        await give_up(bench.shop, work)


async def test_overdue_work_is_told_once_and_asked_about_each_day(bench: Bench) -> None:
    work = await released(bench.shop, due_on=today())
    await begin(bench.shop, work)
    await sweep(bench)
    assert await tasks(bench, work) == [], "its day is not over"
    await put_off(bench.shop, work, today() - DAYS)
    for _ in range(2):
        await sweep(bench)
        answered = await answer(bench, TaskKind.WORK_OVERDUE, work)
        await age(bench, "tasks", "closed_at", 24 * HOURS, id=answered)
    await sweep(bench)
    kinds = [(TaskKind.WORK_OVERDUE, state) for state in ("done", "done", "open")]
    assert await tasks(bench, work) == kinds
    assert len(await events(bench, work, "work_order.overdue")) == 1
    await put_off(bench.shop, work, today() + DAYS)
    await sweep(bench)
    assert (await tasks(bench, work))[-1] == (TaskKind.WORK_OVERDUE, "cancelled")
    await finish(bench.shop, work)


async def test_a_timer_runs_for_twelve_hours_and_no_longer(bench: Bench) -> None:
    work = await released(bench.shop)
    await begin(bench.shop, work)
    query = """SELECT t.code FROM technicians t JOIN assignments a ON a.technician_id = t.id
        WHERE a.work_order_id = :id"""
    who = StartTimer(technician=await bench.shop.one(query, id=work))
    async with bench.shop.books.begin() as db:
        await start_timer(db, await WORK_ORDERS.lock(db, work), who, Policy(), actor="operator")
    await age(bench, "time_entries", "since", 12 * HOURS - MINUTES, work_order_id=work)
    await sweep(bench, "timers_left_running")
    assert await tasks(bench, work) == []
    await age(bench, "time_entries", "since", 2 * MINUTES, work_order_id=work)
    await sweep(bench, "timers_left_running")
    await sweep(bench, "timers_left_running")
    assert await tasks(bench, work) == [(TaskKind.TIMER_STOPPED, "open")]
    query = "SELECT until - since FROM time_entries WHERE work_order_id = :id"
    assert await bench.shop.one(query, id=work) == 12 * HOURS
    await answer(bench, TaskKind.TIMER_STOPPED, work, "right")
    await finish(bench.shop, work)


def today() -> date:
    return datetime.now(UTC).date()


async def give_up(shop: Shop, work: UUID) -> None:
    """Cancel work that was not begun."""
    async with shop.books.begin() as db:
        found = await WORK_ORDERS.lock(db, work)
        if found.status == "released":
            await cancel_work_order(db, found, CancelWork(reason="too dear"), actor="planner")


async def put_off(shop: Shop, work: UUID, until: date) -> None:
    """Set the day by which begun work is to be done."""
    async with shop.books.begin() as db:
        due = text("UPDATE work_orders SET due_on = :until WHERE id = :id")
        await db.execute(due, {"until": until, "id": work})
