"""Goods that are refurbished: the warehouse says what has become of them, on real servers."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.exact import Sold, sold
from tests.workflows.refund_stories import usd
from tests.workflows.return_stories import (
    ask_back,
    back_is,
    found,
    inspect,
    receive,
    stock_of,
)
from tests.workflows.stage import Stage
from tests.workflows.work_stories import do, give_up_mending, mending

SCRATCHED = {"amount": usd(500), "reason": "scratched"}


async def at_repairs(stage: Stage, units: int = 1) -> tuple[UUID, Any]:
    """Take a unit back that is worn and to be refurbished; returns its item and the return."""
    order, [line] = await sold(stage, Sold(units, 2500))
    back = await ask_back(stage, order, line, units)
    await receive(stage, back, units)
    await inspect(stage, back, found(back, units, "refurbish", deduction=SCRATCHED))
    await give_up_mending(stage, back)
    return UUID(line["item_id"]), await back_is(stage, back, "closed")


async def tasks_of(stage: Stage, back: Any) -> list[tuple[str, str]]:
    rows = await stage.shop.rows(
        "SELECT status, outcome FROM tasks WHERE document_id = :id AND kind = 'refurbishment'",
        id=UUID(back["id"]),
    )
    return [(row["status"], row["outcome"]) for row in rows]


@pytest.mark.parametrize(("answer", "there"), [("restock", {"stock": 2}), ("scrap", {})])
async def test_the_warehouse_says_whether_refurbished_goods_are_for_sale_again(
    stage: Stage, answer: str, there: dict[str, int]
) -> None:
    """Returns R7, once their work was given up: what the customer got stays."""
    item, back = await at_repairs(stage, 2)
    assert await stock_of(stage, item) == {"repair": 2}
    task = await stage.task(TaskKind.REFURBISHMENT, UUID(back["id"]))
    assert task["role"] == "warehouse"
    await stage.decide(TaskKind.REFURBISHMENT, UUID(back["id"]), answer)
    assert await stock_of(stage, item) == there
    async with calling(stage) as callers:
        seen = (await callers.get(f"/returns/{back['id']}")).json()
    first, last = seen["lines"][0]["dispositions"]
    assert (first["disposition"], first["revised"]) == ("refurbish", True)
    assert (last["disposition"], last["revised"], last["accepted"]) == (answer, False, True)
    assert (last["deduction"], seen["refunded"]) == (SCRATCHED, usd(4500))
    assert [status for status, _ in await tasks_of(stage, back)] == ["done"]
    assert await stage.broken() == []


async def test_of_five_who_answer_at_once_one_moves_the_goods(stage: Stage) -> None:
    item, back = await at_repairs(stage)
    task = await stage.task(TaskKind.REFURBISHMENT, UUID(back["id"]))
    async with calling(stage) as callers:
        answers = await asyncio.gather(
            *(
                callers.post(f"/tasks/{task['id']}/decide", {"choice": choice}, role="warehouse")
                for choice in ("restock", "scrap", "restock", "scrap", "restock")
            )
        )
    assert 200 in {answer.status_code for answer in answers} <= {200, 409}
    [(_, outcome)] = await tasks_of(stage, back)
    assert await stock_of(stage, item) == ({"stock": 1} if outcome == "restock" else {})
    assert await stage.broken() == []


async def test_who_sends_goods_elsewhere_before_it_is_closed_takes_the_question_back(
    stage: Stage,
) -> None:
    order, [line] = await sold(stage, Sold(2, 2500))
    back = await ask_back(stage, order, line, 2)
    await receive(stage, back, 2)
    waits = found(back, 1, "return_to_customer")
    seen = await inspect(stage, back, found(back, 1, "refurbish"), waits)
    await give_up_mending(stage, back)
    await stage.task(TaskKind.REFURBISHMENT, UUID(back["id"]))
    [mended] = [
        each["id"]
        for each in seen["lines"][0]["dispositions"]
        if each["disposition"] == "refurbish"
    ]
    await inspect(stage, back, found(back), revise=[mended])

    async def taken_back() -> bool:
        return [status for status, _ in await tasks_of(stage, back)] == ["cancelled"]

    await eventually(taken_back)
    assert await stock_of(stage, UUID(line["item_id"])) == {"quarantine": 1, "stock": 1}


async def test_work_that_is_planned_ends_when_its_goods_go_elsewhere_and_released_work_does_not(
    stage: Stage,
) -> None:
    """What is in work is cancelled by its planner first."""
    order, [line] = await sold(stage, Sold(2, 2500))
    back = await ask_back(stage, order, line, 2)
    await receive(stage, back, 2)
    waits = found(back, 1, "return_to_customer")
    seen = await inspect(stage, back, found(back, 1, "refurbish"), waits)
    work = await mending(stage, back)
    await do(stage, work, "release", role="planner")
    ends = {each["disposition"]: each["id"] for each in seen["lines"][0]["dispositions"]}
    mended = ends["refurbish"]
    refused = await inspect(stage, back, found(back), revise=[mended], status=409)
    assert work["number"] in refused["detail"]
    await do(stage, work, "cancel", {"reason": "not worth it"}, "planner")
    await inspect(stage, back, found(back), revise=[mended])
    assert await stock_of(stage, UUID(line["item_id"])) == {"quarantine": 1, "stock": 1}
