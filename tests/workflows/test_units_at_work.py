"""Units that are worked on: where they come from, what keeps them there, and who is asked."""

from decimal import Decimal
from uuid import UUID

import pytest

from activities.inventory.accepting import accept_adjustment
from domain.adjustments import AdjustmentReason, AdjustStock
from domain.errors import IllegalMove
from domain.ids import ItemId, LocationId, new_id
from domain.tasks import TaskKind
from tests.aging import DAYS, age, sweep
from tests.units import adjust, unit
from tests.workflows.claim_stories import (
    claim,
    claim_is,
    comes_in,
    replaced,
    returned,
    sold,
    warranties,
)
from tests.workflows.stage import Stage
from tests.workflows.work_stories import begun, do, finish, give_up_mending, mending, plan


async def test_a_unit_that_came_back_and_was_restocked_is_worked_on_like_others(
    stage: Stage,
) -> None:
    """It was the return's until that was done with it, and no longer."""
    _, [warranty] = await sold(stage, settle_by=["refund"])
    back = await comes_in(stage, await claim(stage, warranty), "restock")
    await returned(stage, back)
    work = await begun(stage, serial=warranty["serial"])
    await finish(stage, work)
    assert (await unit(stage.shop, warranty["serial"]))["status"] == "in_stock"


async def test_a_unit_in_work_is_not_counted_out_of_the_place_for_repairs(stage: Stage) -> None:
    """Its work could not end otherwise: it says where the unit goes."""
    work = await begun(stage)
    item = ItemId(UUID(work["item_id"]))
    at = (await unit(stage.shop, work["serial"]))["location_id"]
    with pytest.raises(IllegalMove, match=work["number"]):
        await _count_out(stage, item, work["serial"], at)
    await finish(stage, work)
    await adjust(stage.shop, item, (work["serial"],), sign=-1)


async def test_goods_come_in_for_repair_though_their_unit_is_in_another_plan(
    stage: Stage,
) -> None:
    """The older plan keeps the unit; the repair is about the goods as such."""
    _, [warranty] = await sold(stage, settle_by=["repair", "replacement", "refund"])
    older = await plan(stage, serial=warranty["serial"], kind="inspection")
    back = await comes_in(stage, await claim(stage, warranty), "repair", accepted=False)
    work = await mending(stage, back)
    assert (work["serial"], work["quantity"]) == (None, 1)
    for each in (older, work):
        await do(stage, each, "cancel", {"reason": "not wanted"}, "planner")
    await stage.decide(TaskKind.REPAIR_FAILED, UUID(back["id"]), "refund")
    await returned(stage, back)


async def test_money_is_not_offered_for_a_failed_repair_of_what_cost_nothing(
    stage: Stage,
) -> None:
    """Goods that replaced others were not paid for themselves."""
    _, [warranty] = await sold(stage, spare=2, auto_limit=None)
    first = await claim(stage, warranty)
    await stage.decide(TaskKind.CLAIM_REVIEW, UUID(first["id"]), "replace")
    await comes_in(stage, await claim_is(stage, first, "approved"))
    new, _ = await replaced(stage, first)
    [fresh] = await warranties(stage, new)
    second = await claim(stage, fresh)
    await stage.decide(TaskKind.CLAIM_REVIEW, UUID(second["id"]), "repair")
    approved = await claim_is(stage, second, "approved")
    back = await comes_in(stage, approved, "repair", accepted=False)
    await give_up_mending(stage, back)
    task = await stage.task(TaskKind.REPAIR_FAILED, UUID(back["id"]))
    assert task["choices"] == ["replace", "send_back"]
    await stage.decide(TaskKind.REPAIR_FAILED, UUID(back["id"]), "replace")
    await replaced(stage, second)
    await returned(stage, back)


async def test_who_plans_work_is_asked_about_a_hold_that_stays(stage: Stage) -> None:
    """Only a planner releases it."""
    work = await begun(stage)
    held = await do(stage, work, "holds", {"reason": "quality"}, "planner", status=201)
    hold = UUID(held["holds"][0]["id"])
    await age(stage, "holds", "placed_at", 2 * DAYS, id=hold)
    await sweep(stage, "hold_review")
    assert (await stage.task(TaskKind.HOLD_REVIEW, hold))["role"] == "planner"
    await do(stage, work, f"holds/{hold}/release", {}, "planner")
    await sweep(stage, "needless_tasks")
    await finish(stage, work)


async def _count_out(stage: Stage, item: ItemId, serial: str, at: UUID) -> None:
    asked = AdjustStock(
        item_id=item,
        location_id=LocationId(at),
        quantity=Decimal(-1),
        reason=AdjustmentReason.LOST,
        serials=(serial,),
    )
    async with stage.books.begin() as db:
        await accept_adjustment(db, new_id(), asked, actor="tests")
