"""The time that work takes, and who may do it when: nobody is at two works at once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.tasks import TaskKind
from tests.aging import HOURS, age, sweep
from tests.workflows.asking import calling, set_to
from tests.workflows.stage import Stage
from tests.workflows.work_stories import (
    TOMORROW,
    ask,
    begun,
    do,
    finish,
    plan,
    report_all,
    see,
    staff,
    technician,
)

NOW = datetime.now(UTC).replace(microsecond=0)


async def test_start_pause_over_night_and_resume_is_the_sum_of_two_periods(stage: Stage) -> None:
    """Work orders 9: https://github.com/frappe/erpnext/issues/8189."""
    work = await begun(stage)
    who = {"technician": work["assignments"][0]["technician"]}
    for hours in (14, 2):
        await do(stage, work, "time/start", who)
        await do(stage, work, "time/stop", who)
        shift = "UPDATE time_entries SET since = since - make_interval(hours => CAST(:n AS int)),"
        shift += " until = until - make_interval(hours => CAST(:n AS int) - 1) WHERE until IN ("
        shift += "SELECT max(until) FROM time_entries WHERE work_order_id = :id)"
        await _write(stage, shift, n=hours, id=UUID(work["id"]))
    assert (await do(stage, work, "time/start", who))["worked_minutes"] == 120
    await do(stage, work, "time/stop", who)
    assert [each["minutes"] for each in await times(stage, work)] == [0, 60, 60]
    await finish(stage, work)


async def test_overlapping_time_of_a_technician_is_refused_unless_that_is_allowed(
    stage: Stage,
) -> None:
    """Work orders 9: https://github.com/frappe/erpnext/issues/55006."""
    one, other = await begun(stage), await begun(stage)
    who = one["assignments"][0]["technician"]
    await do(stage, one, "time", worked(who, 120, 60), status=201)
    refused = await do(stage, other, "time", worked(who, 90, 30), status=409)
    assert refused["code"] == "overlaps"
    await do(stage, other, "time", worked(who, 60, 30), status=201)
    with set_to(stage, parallel_timers=True):
        await do(stage, other, "time", worked(who, 90, 30), status=201)
    assert [each["minutes"] for each in await times(stage, other)] == [60, 30]
    for work in (one, other):
        await finish(stage, work)


async def test_of_twenty_timers_at_once_one_runs(stage: Stage) -> None:
    """R5: by the database, whatever connections ask."""
    works = [await begun(stage) for _ in range(2)]
    who = {"technician": works[0]["assignments"][0]["technician"]}
    async with calling(stage) as callers:
        answers = await asyncio.gather(
            *(
                callers.post(f"/work_orders/{works[n % 2]['id']}/time/start", who, role="operator")
                for n in range(20)
            )
        )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 19}
    query = "SELECT work_order_id FROM time_entries WHERE until IS NULL AND work_order_id = ANY(:w)"
    [running] = await stage.shop.rows(query, w=[UUID(work["id"]) for work in works])
    await do(stage, {"id": running["work_order_id"]}, "time/stop", who)
    for work in works:
        await finish(stage, work)


async def test_a_correction_counts_in_the_place_of_what_it_corrects(stage: Stage) -> None:
    """R5: nothing is overwritten; what was corrected is corrected once."""
    work = await begun(stage)
    who = work["assignments"][0]["technician"]
    wrong = await do(stage, work, "time", worked(who, 120, 0), status=201)
    right = {**worked(who, 120, 60), "corrects_id": wrong["id"], "note": "an hour, not two"}
    await do(stage, work, "time", right, status=201)
    again = await do(stage, work, "time", right, status=409)
    assert "corrected before" in again["detail"]
    seen = await times(stage, work)
    assert [(each["minutes"], each["counts"]) for each in seen] == [(60, True), (120, False)]
    await report_all(stage, work)
    await do(stage, work, "complete")
    assert (await do(stage, work, "sign_off", role="admin"))["worked_minutes"] == 60
    entry = seen[0]["id"]
    after = {**worked(who, 120, 90), "corrects_id": entry, "note": "half an hour"}
    signed = await do(stage, work, "time", after, "admin", status=409)
    assert "has signed it off" in signed["detail"]
    await do(stage, work, "time", after, status=201)
    assert (await see(stage, work))["worked_minutes"] == 30
    more = await do(stage, work, "time", worked(who, 30, 0), status=409)
    assert "is not signed off" in more["detail"]


async def test_a_timer_that_is_left_running_counts_twelve_hours_and_is_asked_about(
    stage: Stage,
) -> None:
    """R5: the system ends it."""
    work = await begun(stage)
    who = {"technician": work["assignments"][0]["technician"]}
    await do(stage, work, "time/start", who)
    refused = await do(stage, work, "complete", {}, status=409)
    assert "a timer runs: stop it" in refused["missing"]
    await age(stage, "time_entries", "since", 13 * HOURS, work_order_id=UUID(work["id"]))
    await sweep(stage, "timers_left_running")
    [ended] = await times(stage, work)
    assert (ended["minutes"], ended["until"] is None) == (720, False)
    await stage.decide(TaskKind.TIMER_STOPPED, UUID(work["id"]), "right")
    await finish(stage, work)


async def test_who_lacks_a_skill_on_the_planned_day_is_not_assigned(stage: Stage) -> None:
    """R8: 409 lists the gaps; a skill holds on its last day, and not on the day after."""
    steps = [{"name": "Weld", "skill": "Welding"}, {"name": "Wipe"}]
    work = await plan(stage, operations=steps)
    last = (TOMORROW + timedelta(hours=1, microseconds=-1)).date()
    skills = [{"skill": "welding", "valid_until": str(last)}]
    able, unable = await technician(stage, skills=skills), await technician(stage)
    refused = await assign(stage, work, unable, status=409)
    assert refused["code"] == "skill_missing"
    assert [(gap["operation"], gap["skill"]) for gap in refused["gaps"]] == [("Weld", "Welding")]
    late = await assign(stage, work, able, days=1, status=409)
    assert late["gaps"][0]["on"] == str(last + timedelta(days=1))
    long = await assign(stage, work, able, hours=25, status=409)
    assert long["gaps"][0]["on"] == str(last + timedelta(days=1))
    seen = await assign(stage, work, able)
    assert [each["technician"] for each in seen["assignments"]] == [able]


async def test_of_ten_assignments_of_one_technician_at_once_one_is_planned(stage: Stage) -> None:
    """R8: no overlapping assignment; what is taken back is free again."""
    who = await technician(stage)
    works = [await plan(stage) for _ in range(10)]
    given = period(who)
    async with calling(stage) as callers:
        answers = await asyncio.gather(
            *(
                callers.post(f"/work_orders/{work['id']}/assign", given, role="planner")
                for work in works
            )
        )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 9}
    [planned] = [answer.json() for answer in answers if answer.status_code == 200]
    other = next(work for work in works if work["id"] != planned["id"])
    await ask(stage, f"/{planned['id']}/cancel", {"reason": "not wanted"})
    assert (await assign(stage, other, who))["assignments"]


async def test_the_earliest_slot_is_offered_first_and_load_is_told_by_day(stage: Stage) -> None:
    """R8, R9: ties go to who has less to do."""
    skill = f"skill {NOW.timestamp()}"
    work = await plan(stage, operations=[{"name": "Mend", "planned_minutes": 60, "skill": skill}])
    able = [{"skill": skill}]
    busy, free = await technician(stage, skills=able), await technician(stage, skills=able)
    other = await plan(stage)
    await staff(stage, other, busy)
    path = f"/work_orders/{work['id']}/slots?after={TOMORROW.isoformat().replace('+00:00', 'Z')}"
    async with calling(stage) as callers:
        slots = (await callers.get(path, role="planner")).json()["slots"]
        query = "SELECT id FROM technicians WHERE code = :code"
        path = f"/work_orders/technicians/{await stage.shop.one(query, code=busy)}/load"
        first = TOMORROW.date()
        load = (await callers.get(f"{path}?first={first}&days=2", role="planner")).json()["days"]
    assert [slot["technician"] for slot in slots] == [free, busy]
    ends = [datetime.fromisoformat(slot["until"]) - TOMORROW for slot in slots]
    assert ends == [timedelta(hours=1), timedelta(hours=2)]
    planned = sum(day["planned_minutes"] for day in load)
    assert (planned, load[0]["capacity_minutes"]) == (60, 480)


def worked(who: str, since: int, until: int) -> Any:
    """Say that a technician worked from so many minutes ago until so many."""
    moments = {"since": NOW - timedelta(minutes=since), "until": NOW - timedelta(minutes=until)}
    return {"technician": who, **{name: str(at) for name, at in moments.items()}}


def period(who: str, days: int = 0, hours: int = 1) -> Any:
    """Plan a technician for an hour, or so many, tomorrow, or so many days later."""
    since = TOMORROW + timedelta(days=days)
    return {"technician": who, "since": str(since), "until": str(since + timedelta(hours=hours))}


async def assign(
    stage: Stage, work: Any, who: str, *, days: int = 0, hours: int = 1, status: int = 200
) -> Any:
    return await do(stage, work, "assign", period(who, days, hours), "planner", status=status)


async def times(stage: Stage, work: Any) -> Any:
    """Return the time that was recorded on a work order, the newest first."""
    async with calling(stage) as callers:
        return (await callers.get(f"/work_orders/{work['id']}/time", role="planner")).json()[
            "items"
        ]


async def _write(stage: Stage, statement: str, **given: Any) -> None:
    async with stage.books.begin() as db:
        await db.execute(text(statement), given)
