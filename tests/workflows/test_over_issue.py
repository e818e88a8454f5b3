"""Parts beyond the plan: with a reason, and no more than the company allows."""

from decimal import Decimal
from typing import Any

from tests.workflows.asking import set_to
from tests.workflows.stage import Stage
from tests.workflows.work_stories import begun, do, finish, see, stock


async def test_more_than_planned_is_issued_with_a_reason_up_to_what_the_company_allows(
    stage: Stage,
) -> None:
    """R3: a tenth of 20 screws more, and who took them says why."""
    screws = await stage.shop.item(AUS=40)
    work = await begun(stage, parts=[{"item_id": str(screws), "quantity": 20}])
    refused = await issue(stage, work, 21, reason="two broke", status=409)
    assert (refused["code"], refused["remaining_units"]) == ("quantity_exceeded", 20)
    with set_to(stage, over_issue_tolerance=Decimal("0.1")):
        await issue(stage, work, 15)
        silent = await issue(stage, work, 7, status=422)
        assert silent["errors"][0]["pointer"] == "/parts/0/reason"
        more = await issue(stage, work, 8, reason="three broke", status=409)
        assert more["remaining_units"] == 7
        await issue(stage, work, 7, reason="two broke")
        assert await stock(stage, screws) == (18, 0)
        await issue(stage, work, 1, reason="one more", status=409)
    assert (await see(stage, work))["parts"][0]["issued"] == 22
    told = await stage.shop.rows(
        "SELECT data->>'reason' AS reason FROM events WHERE subject_id = :id"
        " AND type = 'work_order.part_issued.v1' ORDER BY id",
        id=work["id"],
    )
    assert [each["reason"] for each in told] == [None, "two broke"]
    await finish(stage, work)


async def test_what_was_cancelled_of_a_part_allows_nothing_more(stage: Stage) -> None:
    screws = await stage.shop.item(AUS=40)
    work = await begun(stage, parts=[{"item_id": str(screws), "quantity": 20}])
    with set_to(stage, over_issue_tolerance=Decimal("0.5")):
        await issue(stage, work, 10)
        part = work["parts"][0]["id"]
        await do(stage, work, f"parts/{part}/cancel", {"reason": "ten will do"})
        assert (await issue(stage, work, 6, reason="no", status=409))["remaining_units"] == 5
        await issue(stage, work, 5, reason="they are short")
        await finish(stage, work)


async def issue(stage: Stage, work: Any, quantity: int, *, status: int = 200, **how: Any) -> Any:
    """Take a quantity of the first part from stock."""
    moved = {"part_id": work["parts"][0]["id"], "quantity": quantity, **how}
    return await do(stage, work, "parts/issue", {"parts": [moved]}, status=status)
