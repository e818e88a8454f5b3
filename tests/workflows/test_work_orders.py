"""Work orders: parts promised all or none, work that is checked, and signed off by another."""

from typing import Any
from uuid import UUID

from domain.tasks import TaskKind
from tests.units import history, serials, stock_saws, unit
from tests.workflows.asking import calling
from tests.workflows.replacement_stories import arrives
from tests.workflows.stage import Stage
from tests.workflows.work_stories import (
    ask,
    becomes_ready,
    begun,
    do,
    finish,
    plan,
    report_all,
    see,
    staff,
    stock,
    work_is,
)

K = TaskKind


async def test_a_unit_is_taken_to_the_bench_mended_signed_off_and_back_in_stock(
    stage: Stage,
) -> None:
    """Work orders 2, R6, R7, R11: progress is computed, and another person signs off."""
    work = await begun(
        stage,
        operations=[
            {"name": "Open", "planned_minutes": 30},
            {"name": "Mend", "planned_minutes": 60},
        ],
    )
    assert (work["status"], work["progress"]) == ("in_progress", 0)
    assert (await unit(stage.shop, work["serial"]))["status"] == "in_repair"
    first = work["operations"][0]["id"]
    work = await do(stage, work, f"operations/{first}/report", {"status": "done"})
    assert work["progress"] == 33
    early = await do(stage, work, "complete", {"remedy": "new motor"}, status=409)
    assert early["missing"] == ["the operation Mend is open"]
    await report_all(stage, work)
    done = await do(stage, work, "complete", {"remedy": "new motor"})
    assert (done["status"], done["progress"], done["outcome"]) == ("completed", 100, "done")
    again = await do(stage, work, "complete", {"remedy": "new motor"})
    assert again["completed_at"] == done["completed_at"], "twice is as good as once"
    closed = await do(stage, work, "sign_off", role="inspector")
    assert closed["status"] == "closed"
    assert (await unit(stage.shop, work["serial"]))["status"] == "in_stock"
    assert await history(stage.shop, work["serial"]) == ["entered", "moved", "moved"]
    assert await stage.result(stage.working_on(UUID(work["id"]))) == "closed"


async def test_a_part_that_is_taken_out_is_a_part_again(stage: Stage) -> None:
    """WO-02: what is not needed is free at once; a removed component can be put in elsewhere."""
    component, first, second, third = serials(4)
    screws = await stage.shop.item(AUS=10)
    holders = await stock_saws(stage.shop, first, second, third)
    hinge = await stock_saws(stage.shop, component)
    build = await begun(stage, serial=first, parts=[{"item_id": str(hinge), "quantity": 1}])
    await issue(stage, build, 1, component)
    await put_in(stage, build, component)
    await finish(stage, build)
    work = await begun(stage, serial=first, parts=[{"item_id": str(screws), "quantity": 2}])
    assert await stock(stage, screws) == (10, 2)
    await issue(stage, work, 1)
    await do(stage, work, "swap", {"remove": {"serial": component}})
    assert (await unit(stage.shop, component))["status"] == "quarantined"
    part = work["parts"][0]["id"]
    work = await do(stage, work, f"parts/{part}/cancel", {"reason": "one will do"})
    assert await stock(stage, screws) == (9, 0)
    await finish(stage, work)
    await free_again(stage, component)
    rebuild = await begun(stage, serial=second, parts=[{"item_id": str(hinge), "quantity": 1}])
    await issue(stage, rebuild, 1, component)
    await put_in(stage, rebuild, component)
    await finish(stage, rebuild)
    late = await begun(stage, serial=third)
    refused = await put_in(stage, late, component, status=409)
    assert "installed" in refused["detail"]
    places = await stage.shop.rows(
        "SELECT p.serial, i.removed_at IS NULL AS there FROM installations i"
        " JOIN units p ON p.id = i.parent_unit_id JOIN units u ON u.id = i.unit_id"
        " WHERE u.serial = :serial ORDER BY i.installed_at",
        serial=component,
    )
    assert [(row["serial"], row["there"]) for row in places] == [(first, False), (second, True)]
    assert holders != hinge
    plan_only = await plan(
        stage, item_id=str(screws), parts=[{"item_id": str(screws), "quantity": 5}]
    )
    assert await stock(stage, screws) == (9, 0)
    async with calling(stage) as callers:
        gone = await callers.ask("DELETE", f"/work_orders/{plan_only['id']}", role="planner")
    assert gone.status_code == 200
    assert await stock(stage, screws) == (9, 0)


async def test_work_waits_for_all_its_parts_and_takes_none_before(stage: Stage) -> None:
    """Work orders R1, R2: two half-supplied orders would starve each other."""
    few, many = await stage.shop.item(AUS=1), await stage.shop.item(AUS=5)
    parts = [{"item_id": str(few), "quantity": 2}, {"item_id": str(many), "quantity": 5}]
    work = await plan(stage, item_id=str(many), parts=parts)
    await staff(stage, work)
    work = await do(stage, work, "release", role="planner")
    assert (work["ready"], await stock(stage, many)) == (False, (5, 0))
    refused = await do(stage, work, "start", status=409)
    assert len(refused["missing"]) == 2
    await arrives(stage, few)
    work = await becomes_ready(stage, work)
    assert (await stock(stage, few), await stock(stage, many)) == ((2, 2), (5, 5))
    await do(stage, work, "cancel", {"reason": "not wanted"}, "planner")
    assert (await stock(stage, few), await stock(stage, many)) == ((2, 0), (5, 0))


async def test_work_on_hold_is_given_parts_once_it_is_released(stage: Stage) -> None:
    """Inventory 5: documents with an open hold are skipped."""
    few = await stage.shop.item()
    work = await plan(stage, item_id=str(few), parts=[{"item_id": str(few), "quantity": 1}])
    await staff(stage, work)
    await do(stage, work, "release", role="planner")
    held = await do(stage, work, "holds", {"reason": "manual"}, "planner", status=201)
    await arrives(stage, few)
    late = await plan(stage, item_id=str(few), parts=[{"item_id": str(few), "quantity": 1}])
    await do(stage, late, "release", role="planner")
    assert (await becomes_ready(stage, late))["ready"]
    assert not (await see(stage, work))["ready"]
    await do(stage, work, f"holds/{held['holds'][0]['id']}/release", {}, "planner")
    await do(stage, late, "cancel", {"reason": "not wanted"}, "planner")
    assert (await becomes_ready(stage, work))["ready"]
    await do(stage, work, "cancel", {"reason": "not wanted"}, "planner")


async def test_a_planner_may_begin_before_all_is_there_and_it_is_needed_all_the_same(
    stage: Stage,
) -> None:
    """Work orders R2."""
    few = await stage.shop.item()
    work = await plan(stage, item_id=str(few), parts=[{"item_id": str(few), "quantity": 1}])
    await staff(stage, work)
    await do(stage, work, "release", role="planner")
    why = {"override_reason": "the customer waits"}
    await do(stage, work, "start", why, "operator", status=403)
    work = await do(stage, work, "start", why, "planner")
    assert work["start_override"] == "the customer waits"
    await report_all(stage, work)
    refused = await do(stage, work, "complete", {}, status=409)
    assert refused["missing"] == [
        f"1 of {work['parts'][0]['sku']} are not issued: issue or cancel them"
    ]
    await arrives(stage, few)
    await issue(stage, work, 1)
    assert (await finish(stage, work))["status"] == "closed"
    assert await stock(stage, few) == (0, 0)


async def test_more_than_planned_is_not_issued_and_unused_parts_go_back(stage: Stage) -> None:
    """Work orders R3."""
    item = await stage.shop.item(AUS=10)
    work = await begun(stage, item_id=str(item), parts=[{"item_id": str(item), "quantity": 3}])
    assert (await issue(stage, work, 4, status=409))["code"] == "quantity_exceeded"
    await issue(stage, work, 3)
    part = {"part_id": work["parts"][0]["id"], "quantity": 2}
    work = await do(stage, work, "parts/return", {"parts": [part]})
    assert (work["parts"][0]["issued"], work["parts"][0]["returned"]) == (3, 2)
    assert await stock(stage, item) == (9, 0)
    over = await do(stage, work, "parts/return", {"parts": [part]}, status=409)
    assert over["remaining_units"] == 1
    await finish(stage, work)


async def test_a_measured_value_out_of_its_limits_fails_whatever_is_claimed(stage: Stage) -> None:
    """Work orders R10."""
    checks = [{"name": "torque", "kind": "number", "min": "1.5", "max": 2}, {"name": "clean"}]
    work = await begun(stage, operations=[{"name": "Mend", "checks": checks}])
    step = f"operations/{work['operations'][0]['id']}/report"
    wrong = [{"name": "torque", "value": "2.000001"}, {"name": "clean", "value": True}]
    refused = await do(stage, work, step, {"status": "done", "checks": wrong}, status=409)
    assert refused["missing"] == ["torque"]
    words = [{"name": "torque", "value": "tight"}]
    malformed = await do(stage, work, step, {"status": "open", "checks": words}, status=422)
    assert malformed["errors"][0]["pointer"] == "/checks/0/value"
    right = [{"name": "torque", "value": 2}, {"name": "clean", "value": True}]
    work = await do(stage, work, step, {"status": "done", "checks": right})
    assert [check["passed"] for check in work["operations"][0]["checks"]] == [True, True]
    await finish(stage, work)


async def test_who_has_worked_on_it_does_not_sign_it_off_and_what_is_rejected_is_done_again(
    stage: Stage,
) -> None:
    """Work orders R6: more than three loops are a person's question."""
    work = await begun(stage)
    await report_all(stage, work)
    done = await do(stage, work, "complete", {}, "admin")
    step = done["operations"][0]["id"]
    for loop in range(1, 5):
        work = await do(stage, work, "reject", {"reason": "still loud"}, "inspector")
        assert (work["status"], work["loops"], work["outcome"]) == ("in_progress", loop, None)
        await do(stage, work, f"operations/{step}/report", {"status": "done"}, "admin")
        await do(stage, work, "complete", {})
    refused = await do(stage, work, "sign_off", role="admin", status=403)
    assert (refused["code"], refused["rule"]) == ("same_person", "sign_off")
    await stage.decide(K.REJECTED_OFTEN, UUID(work["id"]), "go_on")
    closed = await do(stage, work, "sign_off", role="inspector")
    assert closed["signed_off_by"] == "key:inspector"
    await work_is(stage, work, "closed")


async def test_who_has_done_what_was_rejected_does_not_sign_off_what_another_did_anew(
    stage: Stage,
) -> None:
    """Work orders R6: a rejection takes away the step's doer, not that this one has worked."""
    work = await begun(stage)
    step = f"operations/{work['operations'][0]['id']}/report"
    await do(stage, work, step, {"status": "done"}, "admin")
    await do(stage, work, "complete", {})
    await do(stage, work, "reject", {"reason": "still loud"}, "inspector")
    await do(stage, work, step, {"status": "done"})
    await do(stage, work, "complete", {})
    refused = await do(stage, work, "sign_off", role="admin", status=403)
    assert refused["rule"] == "sign_off"


async def test_work_on_hold_goes_no_further_until_it_is_released(stage: Stage) -> None:
    """Work orders 2: facts are still recorded."""
    work = await begun(stage)
    held = await do(stage, work, "holds", {"reason": "quality"}, "planner", status=201)
    assert held["on_hold"] is True
    await report_all(stage, work)
    refused = await do(stage, work, "complete", {}, status=409)
    assert "on hold" in refused["detail"]
    await do(stage, work, f"holds/{held['holds'][0]['id']}/release", {}, "planner")
    assert (await finish(stage, work))["on_hold"] is False


async def test_work_that_is_given_up_says_where_its_unit_and_its_parts_go(stage: Stage) -> None:
    """Work orders 2: nothing issued is forgotten."""
    [component] = serials(1)
    hinge = await stock_saws(stage.shop, component)
    work = await begun(stage, parts=[{"item_id": str(hinge), "quantity": 1}])
    await issue(stage, work, 1, component)
    silent = await do(stage, work, "cancel", {"reason": "too dear"}, "planner", status=422)
    assert silent["errors"][0]["pointer"] == "/parts"
    left = {"part_id": work["parts"][0]["id"], "quantity": 1, "serials": [component]}
    given = {"reason": "too dear", "parts": [{**left, "to": "stock"}]}
    silent = await do(stage, work, "cancel", given, "planner", status=422)
    assert silent["errors"][0]["pointer"] == "/unit_to"
    given["unit_to"] = "quarantine"
    gone = await do(stage, work, "cancel", given, "planner")
    assert (gone["status"], gone["cancel_reason"]) == ("cancelled", "too dear")
    assert (await unit(stage.shop, component))["status"] == "in_stock"
    assert (await unit(stage.shop, work["serial"]))["status"] == "quarantined"
    assert await stage.result(stage.working_on(UUID(work["id"]))) == "cancelled"


async def test_one_unit_is_in_one_work_order_at_a_time(stage: Stage) -> None:
    """Work orders 2: the database sees to it, too."""
    work = await plan(stage)
    refused = await plan(stage, serial=work["serial"], status=409)
    assert refused["code"] == "already_exists"
    await ask(stage, f"/{work['id']}/cancel", {"reason": "twice"})
    assert (await plan(stage, serial=work["serial"]))["status"] == "planned"


async def issue(stage: Stage, work: Any, quantity: int, *named: str, status: int = 200) -> Any:
    """Take a quantity of the first part from stock."""
    moved = {"part_id": work["parts"][0]["id"], "quantity": quantity, "serials": list(named)}
    return await do(stage, work, "parts/issue", {"parts": [moved]}, status=status)


async def put_in(stage: Stage, work: Any, serial: str, *, status: int = 200) -> Any:
    """Put a component into the unit of a work order."""
    install = {"install": {"serial": serial, "position": "left"}}
    return await do(stage, work, "swap", install, status=status)


async def free_again(stage: Stage, serial: str) -> None:
    """Have an inspector put a unit in quarantine on a shelf."""
    async with calling(stage) as callers:
        body = {"serial": serial, "reason": "fine"}
        answer = await callers.post("/inventory/units/inspect", body, role="inspector")
    assert (answer.status_code, answer.json()["status"]) == (200, "in_stock")
