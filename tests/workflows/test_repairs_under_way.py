"""Repairs that take their time: who asks is led to the work, and another day can be set."""

from typing import Any
from uuid import UUID

from activities.returns.repairing import settle_failed_repair
from activities.work_orders.working import sign_off
from db.documents import WORK_ORDERS
from db.tasks import lock_task
from domain.tasks import Decision, TaskKind
from tests.workflows.asking import calling
from tests.workflows.claim_stories import claim, comes_in, promise, sold, warranties
from tests.workflows.return_stories import do as do_return
from tests.workflows.return_stories import found, inspect
from tests.workflows.stage import Stage
from tests.workflows.test_repairs import REPAIRED, begin
from tests.workflows.work_stories import begun, do, finish, mending, repairing, report_all


async def waits(stage: Stage, path: str, role: str = "support", **who: Any) -> list[str]:
    """Return what a document waits for, in words."""
    async with calling(stage) as callers:
        told = (await callers.get(f"{path}/process", role=role, **who)).json()
    return [wait["what"] for wait in told["waiting_for"]]


async def two_at_work(stage: Stage, **term: Any) -> tuple[Any, Any, list[Any]]:
    """Have two counted units of one claim mended apart; returns claim, return and work orders."""
    mug = await stage.shop.item(AUS=2)
    await promise(stage, mug, **REPAIRED, **term)
    order = await stage.shop.place((mug, 2))
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    await stage.order(order, "completed")
    [warranty] = await warranties(stage, order)
    made = await claim(stage, warranty, quantity=2)
    async with calling(stage) as callers:
        back = (await callers.get(f"/returns/{made['return_id']}", role="support")).json()
    stage.shop.numbers[UUID(back["id"])] = back["number"]
    lines = [{"return_line_id": back["lines"][0]["id"], "quantity": 2}]
    await do_return(stage, back, "receive", "warehouse", {"lines": lines})
    apart = [found(back, 1, "repair", accepted=False) for _ in range(2)]
    await inspect(stage, back, *apart)
    await mending(stage, back)
    async with calling(stage) as callers:
        path = f"/work_orders?return_id={back['id']}"
        works = (await callers.get(path, role="planner")).json()["items"]
    stage.shop.numbers |= {UUID(work["id"]): work["number"] for work in works}
    return made, back, works


async def test_who_asks_why_a_claim_is_not_settled_is_led_to_its_work_order(stage: Stage) -> None:
    """The claim names its return, and that the work order, each with where to read on."""
    _, [warranty] = await sold(stage, **REPAIRED)
    made = await claim(stage, warranty)
    back = await comes_in(stage, made, "repair", accepted=False)
    work = await repairing(stage, made)
    path = f"/returns/{back['id']}"
    # Beside it a step or a message of either may just be under way.
    of_claim = await waits(stage, f"/warranties/claims/{made['id']}")
    assert any(what.endswith(f", which is inspected: see {path}/process") for what in of_claim)
    told = f"{back['number']} waits for {work['number']}, which is planned"
    assert f"{told}: see /work_orders/{work['id']}/process" in await waits(stage, path)
    owner = {"customer_id": warranty["customer_id"]}
    shown = await waits(stage, path, "customer", **owner)
    assert "the repair" in shown
    assert not any(work["number"] in what for what in shown)
    await finish(stage, await begin(stage, work), outcome="unrepairable")
    await stage.decide(TaskKind.REPAIR_FAILED, UUID(back["id"]), "refund")


async def test_another_day_is_set_for_work_that_has_begun(stage: Stage) -> None:
    """What is overdue is asked about every day until there is another day: nothing else changes."""
    work = await begun(stage)
    path = f"/work_orders/{work['id']}"
    async with calling(stage) as callers:
        later = await callers.ask("PATCH", path, role="planner", json={"due_on": "2031-03-14"})
        assert (later.status_code, later.json()["due_on"]) == (200, "2031-03-14")
        other = await callers.ask("PATCH", path, role="planner", json={"title": "Another"})
        assert (other.status_code, other.json()["code"]) == (409, "illegal_move")
    await finish(stage, work)


async def test_what_was_repaired_is_not_scrapped_with_what_could_not_be(stage: Stage) -> None:
    """Support answers about one unit while the other one is signed off."""
    _, back, (first, second) = await two_at_work(stage)
    await finish(stage, await begin(stage, first), outcome="unrepairable")
    task = await stage.task(TaskKind.REPAIR_FAILED, UUID(back["id"]))
    await report_all(stage, await begin(stage, second))
    await do(stage, second, "complete", {})
    decision = Decision(task_id=task["id"], choice="refund", actor="support")
    async with stage.books.begin() as db:
        await sign_off(db, await WORK_ORDERS.lock(db, UUID(second["id"])), actor="inspector")
        await settle_failed_repair(db, await lock_task(db, task["id"]), decision)
    rows = await stage.shop.rows(
        "SELECT d.disposition FROM return_dispositions d JOIN return_lines l"
        " ON l.id = d.return_line_id WHERE l.return_id = :id AND d.revised_at IS NULL"
        " ORDER BY 1",
        id=back["id"],
    )
    assert "scrap" in [row["disposition"] for row in rows]
    assert len({row["disposition"] for row in rows}) == 2


async def test_of_several_units_no_more_claims_are_approved_than_the_term_allows(
    stage: Stage,
) -> None:
    """Warranties R4: an approved claim counts before it is settled."""
    mug = await stage.shop.item(AUS=2)
    await promise(stage, mug, max_claims=1, **REPAIRED)
    order = await stage.shop.place((mug, 2))
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    await stage.order(order, "completed")
    [warranty] = await warranties(stage, order)
    first, second = [await claim(stage, warranty) for _ in range(2)]
    assert first["status"] == "approved"
    assert (second["status"], second["rule"]) == ("denied", "claim_limit")
