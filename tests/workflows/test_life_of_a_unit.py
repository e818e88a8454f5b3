"""One unit from its sale to its end: sold, repaired on a claim, claimed again, and replaced."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.tasks import TaskKind
from tests.units import history
from tests.workflows.claim_stories import (
    claim,
    claim_is,
    comes_in,
    let_pass,
    replaced,
    returned,
    sold,
    warranties,
)
from tests.workflows.label_stories import back_number, send_back_is
from tests.workflows.stage import Stage
from tests.workflows.test_work_orders import issue
from tests.workflows.work_stories import ask, do, finish, mending, staff, stock

NOW = datetime.now(UTC).replace(microsecond=0)


async def test_a_unit_is_repaired_once_replaced_then_and_claimed_no_more(stage: Stage) -> None:
    """Repaired with one part in 90 minutes; it fails again under the warranty of its repair."""
    order, [warranty] = await sold(stage, settle_by=["repair", "replacement"])
    await let_pass(stage, warranty["id"], 729)
    motor = await stage.shop.item(AUS=3)
    first = await claim(stage, warranty, role="customer")
    back = await comes_in(stage, first, "repair", accepted=False)
    work = await ask(stage, f"/{(await mending(stage, back))['id']}/parts", part(motor))
    who = await staff(stage, work)
    await do(stage, work, "release", role="planner")
    work = await do(stage, work, "start")
    await issue(stage, work, 1)
    for since, until in ((150, 90), (60, 30)):
        await do(stage, work, "time", worked(who, since, until), status=201)
    closed = await finish(stage, work, remedy="new motor")
    assert (closed["worked_minutes"], await stock(stage, motor)) == (90, (2, 0))
    booked = await send_back_is(stage, back, "booked")
    await stage.advance(back_number(booked), "in_transit")
    await claim_is(stage, first, "settled")
    await returned(stage, back)
    await let_pass_repaired(stage, warranty["id"], 30)
    second = await claim(stage, warranty, symptom="noise")
    assert (second["status"], second["rule"]) == ("approved", "within_limit")
    again = await comes_in(stage, second, "repair", accepted=False)
    await do(stage, await mending(stage, again), "cancel", {"reason": "not twice"}, "planner")
    await stage.decide(TaskKind.REPAIR_FAILED, UUID(again["id"]), "replace")
    new, serial = await replaced(stage, second)
    await claim_is(stage, second, "settled")
    await returned(stage, again)
    [old] = await warranties(stage, order)
    [fresh] = await warranties(stage, new)
    assert (old["status"], fresh["serial"], fresh["ends_on"]) == (
        "replaced",
        serial,
        old["ends_on"],
    )
    third = await claim(stage, warranty)
    assert (third["status"], third["rule"]) == ("denied", "replaced")
    kinds = await history(stage.shop, warranty["serial"])
    assert kinds[:3] == ["entered", "picked", "sold"]
    assert kinds[3:] == [*["returned", "moved", "moved", "sent_back"], "returned", "moved", "moved"]


def part(item: UUID) -> Any:
    return {"item_id": str(item), "quantity": 1}


def worked(technician: str, since: int, until: int) -> Any:
    """Say that a technician worked from so many minutes ago until so many."""
    moments = {"since": NOW - timedelta(minutes=since), "until": NOW - timedelta(minutes=until)}
    return {"technician": technician, **{name: str(at) for name, at in moments.items()}}


async def let_pass_repaired(stage: Stage, warranty: UUID, days: int) -> None:
    """Have a repaired warranty begin and end so many days earlier: its own end is over then."""
    earlier = text(
        "UPDATE warranties SET starts_on = starts_on - CAST(:days AS int), repaired_until ="
        " repaired_until - CAST(:days AS int), ends_on = repaired_until - CAST(:days AS int)"
        " WHERE id = :id"
    )
    async with stage.books.begin() as db:
        await db.execute(earlier, {"days": days, "id": warranty})
