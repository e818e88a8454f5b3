"""Lots as parts of work: reserved by their last day, issued by scan, put back, traced, recalled."""

import asyncio
from typing import Any
from uuid import UUID

from domain.ids import ItemId
from tests.lots import a_milk, lot_id, stock
from tests.workflows.asking import calling
from tests.workflows.stage import Stage
from tests.workflows.work_stories import becomes_ready, begun, do, finish, plan, see, staff


async def test_what_expires_first_is_reserved_and_the_scanned_lot_is_what_leaves(
    stage: Stage,
) -> None:
    """Decision 39 holds for work as for orders."""
    glue = await a_milk(stage.shop, old=(3, 30), new=(9, 90))
    work = await begun(stage, parts=[{"item_id": str(glue), "quantity": 5}])
    assert lots(work) == {"old": (3, 0, 0), "new": (2, 0, 0)}
    unnamed = await issue(stage, work, 2, status=422)
    assert unnamed["errors"][0]["pointer"] == "/parts/0/lot"
    unknown = await issue(stage, work, 2, "no such lot", status=422)
    assert unknown["errors"][0]["pointer"] == "/parts/0/lot"
    work = await issue(stage, work, 4, "NEW")
    assert lots(work) == {"old": (1, 0, 0), "new": (0, 4, 0)}
    assert (await issue(stage, work, 1, "new", status=200))["ready"]
    work = await put_back(stage, work, 2, "new")
    assert lots(work) == {"new": (0, 5, 2)}
    assert (await put_back(stage, work, 1, "old", status=409))["code"] == "quantity_exceeded"
    assert await there(stage, glue) == {"old": (3, 0), "new": (6, 0)}
    await finish(stage, work)


async def test_a_lot_leads_to_the_units_that_it_was_built_into(stage: Stage) -> None:
    """A recall finds them: which work, which unit, and who has it now."""
    glue = await a_milk(stage.shop, a=(9, 30))
    used = await begun(stage, parts=[{"item_id": str(glue), "quantity": 2}])
    await issue(stage, used, 2, "a")
    await finish(stage, used)
    unused = await begun(stage, parts=[{"item_id": str(glue), "quantity": 1}])
    await issue(stage, unused, 1, "a")
    await put_back(stage, unused, 1, "a")
    lot = await lot_id(stage.shop, glue, "a")
    async with calling(stage) as callers:
        found = (await callers.get(f"/inventory/trace?lot_id={lot}", role="inspector")).json()
        blind = (await callers.get(f"/inventory/trace?lot_id={lot}", role="integration")).json()
        answer = await callers.post(
            f"/inventory/lots/{lot}/recall", {"reason": "it does not hold"}, role="inspector"
        )
    [one] = found["used"]
    assert (one["work_order_id"], one["lot"], one["units"]) == (used["id"], "a", 2)
    assert (one["built_into"], one["unit_status"]) == (used["serial"], "in_stock")
    assert (one["work_order_number"], one["customer_id"]) == (used["number"], None)
    assert blind["used"] == []
    assert answer.json()["used"] == found["used"]


async def test_parts_of_a_lot_that_is_set_aside_come_from_another_one_or_are_waited_for(
    stage: Stage,
) -> None:
    glue = await a_milk(stage.shop, a=(3, 30), b=(3, 60))
    work = await plan(stage, parts=[{"item_id": str(glue), "quantity": 3}])
    await staff(stage, work)
    work = await do(stage, work, "release", role="planner")
    assert lots(work) == {"a": (3, 0, 0)}
    await judge(stage, glue, "a", "quarantine")
    assert lots(await becomes_ready(stage, work)) == {"b": (3, 0, 0)}
    await judge(stage, glue, "b", "recall")
    work = await see(stage, work)
    assert (work["ready"], lots(work)) == (False, {})
    await judge(stage, glue, "a", "release")
    assert lots(await becomes_ready(stage, work)) == {"a": (3, 0, 0)}
    work = await do(stage, work, "start")
    refused = await issue(stage, work, 1, "b", status=409)
    assert refused["code"] == "out_of_stock"
    await issue(stage, work, 3, "a")
    left = [{"part_id": work["parts"][0]["id"], "quantity": 3, "lot": "a", "to": "stock"}]
    given_up = {"reason": "too dear", "unit_to": "stock", "parts": left}
    await do(stage, work, "cancel", given_up, "planner")
    assert await there(stage, glue) == {"a": (3, 0), "b": (3, 0)}


async def test_late_goods_of_a_lot_serve_the_work_that_waits_for_them(stage: Stage) -> None:
    glue = await a_milk(stage.shop, a=(1, 30))
    work = await plan(stage, parts=[{"item_id": str(glue), "quantity": 2}])
    await staff(stage, work)
    work = await do(stage, work, "release", role="planner")
    assert (work["ready"], lots(work)) == (False, {})
    await stock(stage.shop, glue, "b", 1)
    assert lots(await becomes_ready(stage, work)) == {"a": (1, 0, 0), "b": (1, 0, 0)}


async def test_a_lot_that_is_set_aside_while_its_parts_are_issued_is_promised_to_no_work(
    stage: Stage,
) -> None:
    """Each part has left before, or is refused and waits for another lot."""
    glue = await a_milk(stage.shop, a=(6, 30))
    works = [await begun(stage, parts=[{"item_id": str(glue), "quantity": 1}]) for _ in range(6)]
    lot = await lot_id(stage.shop, glue, "a")
    async with calling(stage) as callers:
        taken = [
            callers.post(
                f"/work_orders/{work['id']}/parts/issue",
                {"parts": [{"part_id": work["parts"][0]["id"], "quantity": 1, "lot": "a"}]},
                role="operator",
            )
            for work in works
        ]
        aside = callers.post(
            f"/inventory/lots/{lot}/quarantine", {"reason": "as found"}, role="inspector"
        )
        answers = await asyncio.gather(*taken[:3], aside, *taken[3:])
    statuses = sorted(answer.status_code for answer in answers)
    issued = await stage.shop.one(
        "SELECT count(*) FROM movements WHERE lot_id = :lot AND kind = 'issue'", lot=lot
    )
    assert statuses == [200] * (issued + 1) + [409] * (6 - issued)
    assert await there(stage, glue) == {"a": (6 - issued, 0)}
    await stock(stage.shop, glue, "b", 6)
    for work in works:
        await becomes_ready(stage, work)
    assert await there(stage, glue) == {"a": (6 - issued, 0), "b": (6, 6 - issued)}


def lots(work: Any) -> dict[str, tuple[int, int, int]]:
    """Return what is reserved, was issued and went back of each lot of the first part."""
    return {
        each["lot"]: (int(each["reserved"]), int(each["issued"]), int(each["returned"]))
        for each in work["parts"][0]["lots"]
    }


async def issue(
    stage: Stage, work: Any, quantity: int, lot: str | None = None, *, status: int = 200
) -> Any:
    """Take a quantity of the first part from a lot."""
    moved = {"part_id": work["parts"][0]["id"], "quantity": quantity}
    named = {"lot": lot} if lot else {}
    return await do(stage, work, "parts/issue", {"parts": [moved | named]}, status=status)


async def put_back(stage: Stage, work: Any, quantity: int, lot: str, *, status: int = 200) -> Any:
    """Put a quantity of the first part back into its lot."""
    moved = {"part_id": work["parts"][0]["id"], "quantity": quantity, "lot": lot}
    return await do(stage, work, "parts/return", {"parts": [moved]}, status=status)


async def there(stage: Stage, item: ItemId) -> dict[str, tuple[int, int]]:
    """Return what is on hand and reserved of each lot of an item in stock."""
    rows = await stage.shop.rows(
        "SELECT t.code, sum(b.on_hand)::int AS on_hand, sum(b.reserved)::int AS reserved"
        " FROM balances b JOIN lots t ON t.id = b.lot_id JOIN locations l ON l.id = b.location_id"
        " WHERE b.item_id = :item AND l.kind = 'stock' GROUP BY 1",
        item=item,
    )
    return {row["code"]: (row["on_hand"], row["reserved"]) for row in rows}


async def judge(stage: Stage, item: UUID, lot: str, verb: str) -> None:
    """Set a lot aside, or free it."""
    path = f"/inventory/lots/{await lot_id(stage.shop, ItemId(item), lot)}/{verb}"
    async with calling(stage) as callers:
        answer = await callers.post(path, {"reason": "as found"}, role="inspector")
    assert answer.status_code == 200, answer.text
