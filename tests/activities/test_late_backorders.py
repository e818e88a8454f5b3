"""Orders that have waited for stock for long: it is told every week, and asked after a month."""

from datetime import datetime, timedelta

import pytest

from activities.tasks import accept_answer
from domain.access import Role
from domain.ids import OrderId, TaskId
from domain.tasks import Decision, TaskKind
from tests.activities.awaited import lacking, receive, waiting
from tests.activities.bench import Bench
from tests.activities.lateness import answer, events, task, tasks
from tests.aging import DAYS, age, sweep

REVIEW = TaskKind.BACKORDER_REVIEW
MONTH = 30 * DAYS


async def pass_time(bench: Bench, order: OrderId, duration: timedelta) -> None:
    """Let an order have waited for so much longer, and look what is late."""
    await age(bench, "order_lines", "short_since", duration, order_id=order)
    await sweep(bench, "needless_tasks", "still_backordered", "backorder_review")


async def decide(bench: Bench, order: OrderId, choice: str) -> None:
    found = TaskId((await task(bench, REVIEW, order))["id"])
    given = Decision(task_id=found, choice=choice, actor="user:support")
    async with bench.shop.books.begin() as db:
        assert await accept_answer(db, given, Role.SUPPORT) is None


@pytest.mark.parametrize(("waited", "weeks"), [(6, None), (7, 0), (13, 0), (14, 1), (22, 2)])
async def test_it_is_told_every_week_that_an_order_still_waits(
    bench: Bench, waited: int, weeks: int | None
) -> None:
    """What is told keeps since when it was due, so that each week is told once."""
    mug = await bench.shop.backorderable(AUS=1)
    order = await waiting(bench, mug, 3)
    await pass_time(bench, order, waited * DAYS)
    await pass_time(bench, order, timedelta())
    told = await events(bench, order, "order.still_backordered")
    assert await tasks(bench, order) == []
    if weeks is None:
        assert told == []
        return
    [data] = told
    assert (data["backordered"], data["skus"]) == (2, [f"SKU-{mug}"])
    query = "SELECT short_since FROM order_lines WHERE order_id = :id"
    due = await bench.shop.one(query, id=order) + 7 * weeks * DAYS
    assert datetime.fromisoformat(data["since"]) == due


async def test_after_a_month_support_is_asked_and_again_a_month_after_it_waits(
    bench: Bench,
) -> None:
    order = await waiting(bench, await bench.shop.backorderable(), 1)
    await pass_time(bench, order, 29 * DAYS)
    assert await tasks(bench, order) == []
    await pass_time(bench, order, DAYS)
    asked = await task(bench, REVIEW, order)
    assert (asked["role"], asked["choices"]) == ("support", ["wait", "cancel"])
    answered = await answer(bench, REVIEW, order, "wait")
    await pass_time(bench, order, timedelta())
    assert await tasks(bench, order) == [("backorder_review", "done")]
    await age(bench, "tasks", "closed_at", MONTH, id=answered)
    await pass_time(bench, order, timedelta())
    assert [status for _, status in await tasks(bench, order)] == ["done", "open"]


@pytest.mark.parametrize("reserved", [0, 1])
async def test_what_is_backordered_is_cancelled_as_support_answers(
    bench: Bench, reserved: int
) -> None:
    mug = await bench.shop.backorderable(**({"AUS": reserved} if reserved else {}))
    order = await waiting(bench, mug, 3)
    await pass_time(bench, order, MONTH)
    await decide(bench, order, "cancel")
    [row] = await bench.shop.rows(
        "SELECT o.cancel_requested_reason AS reason, l.cancelled FROM orders o"
        " JOIN order_lines l ON l.order_id = o.id WHERE o.id = :id",
        id=order,
    )
    if reserved:
        assert row == {"reason": None, "cancelled": 2}
        assert await lacking(bench.shop, order) == 0
    else:
        # The last units of an order: its run cancels all of it.
        assert row == {"reason": "out_of_stock", "cancelled": 0}
    assert await bench.shop.stock(mug) == (reserved, reserved)


async def test_the_question_goes_when_stock_comes(bench: Bench) -> None:
    mug = await bench.shop.backorderable()
    order = await waiting(bench, mug, 1)
    await pass_time(bench, order, MONTH)
    await receive(bench.shop, mug, 1)
    await bench.take("serve_waiting", bench.shop.sites["AUS"])
    await pass_time(bench, order, timedelta())
    assert await tasks(bench, order) == [("backorder_review", "cancelled")]
