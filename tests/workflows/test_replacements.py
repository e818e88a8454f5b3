"""Goods that are replaced: one order for nothing, once, when there is stock for it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from domain.errors import IllegalMove
from domain.ids import OrderId
from domain.orders.status import CancelReason
from domain.tasks import TaskKind
from tests.aging import sweep
from tests.workflows.asking import calling
from tests.workflows.money_stories import until
from tests.workflows.refund_stories import usd
from tests.workflows.replacement_stories import (
    PRICE,
    arrives,
    come_back,
    is_sent,
    replacement_of,
    replacements,
    seen,
    to_replace,
)
from tests.workflows.return_stories import (
    back_is,
    comes_back,
    do,
    found,
    inspect,
    stock_of,
)
from tests.workflows.stage import Stage

DAY = timedelta(days=1)
NO_STOCK = TaskKind.NO_REPLACEMENT_STOCK


async def asked(stage: Stage, back: Any) -> list[str]:
    """Return the states of the questions whether a return is to wait for stock."""
    query = "SELECT status FROM tasks WHERE kind = :kind AND document_id = :id"
    rows = await stage.shop.rows(query, kind=NO_STOCK, id=UUID(back["id"]))
    return [row["status"] for row in rows]


async def test_accepted_units_are_replaced_for_nothing(stage: Stage) -> None:
    """The return closes when the replacement has left, not before."""
    order, line, back = await to_replace(stage, 2, stock=3)
    placed = await replacement_of(stage, back)
    shown = await seen(stage, UUID(placed["id"]))
    assert (shown["kind"], shown["replaces_return_id"]) == ("replacement", back["id"])
    assert [shown[name] for name in ("total", "subtotal", "shipping", "tax")] == [usd(0)] * 4
    assert (shown["payment_status"], shown["payment_method"]) == ("not_required", "none")
    assert [(each["sku"], each["quantity"], each["unit_price"]) for each in shown["lines"]] == [
        (line["sku"], 2, usd(0))
    ]
    original = await seen(stage, order)
    assert (original["kind"], original["replaces_return_id"]) == ("standard", None)
    assert shown["ship_to"] == original["ship_to"]
    assert await stage.shop.stock(line["item_id"]) == (3, 2)
    await back_is(stage, back, "inspected")
    await is_sent(stage, placed, "delivered")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("replacement", usd(0))
    await stage.order(OrderId(UUID(placed["id"])), "completed")
    assert await stock_of(stage, UUID(line["item_id"])) == {"stock": 1}
    assert (await stage.paid(order)).refunded == 0
    assert await stage.broken() == []


async def test_a_return_without_stock_to_replace_it_asks_after_a_week_and_refunds(
    stage: Stage,
) -> None:
    """RET-07: it stays inspected, one question, then 49.99 once and no order."""
    order, line, back = await to_replace(stage)
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "the replacement")
    assert (await back_is(stage, back, "inspected"))["replacement_due_at"] is not None
    await stage.pass_time(run, 6 * DAY)
    assert await asked(stage, back) == []
    await stage.pass_time(run, DAY + timedelta(minutes=1))
    task = await stage.task(NO_STOCK, UUID(back["id"]))
    assert task["facts"]["goods"] == [{"sku": line["sku"], "quantity": 1}]
    assert (task["role"], task["choices"]) == ("support", ["refund", "wait", "write_off"])
    await stage.decide(NO_STOCK, UUID(back["id"]), "refund")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("refund", usd(PRICE))
    await arrives(stage, UUID(line["item_id"]))
    await sweep(stage, "replaceable_returns")
    await until(stage, order, refunded=PRICE, refunding=0)
    assert (await stage.moved(order))["refund"] == PRICE
    assert await replacements(stage, back) == 0
    assert await stage.broken() == []


async def test_who_waits_for_stock_is_asked_again_a_week_later(stage: Stage) -> None:
    _, _, back = await to_replace(stage)
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "the replacement")
    await stage.pass_time(run, 7 * DAY + timedelta(minutes=1))
    first = await stage.task(NO_STOCK, UUID(back["id"]))
    await stage.decide(NO_STOCK, UUID(back["id"]), "wait")
    await stage.pass_time(run, 7 * DAY + timedelta(minutes=1))
    again = await stage.asked_again(NO_STOCK, UUID(back["id"]), first)
    assert again["facts"] == first["facts"]


async def test_stock_that_arrives_in_time_replaces_the_goods_by_itself(stage: Stage) -> None:
    """RET-07, variant: one arrives on D+3. One order, total 0.00, no question, no refund."""
    order, line, back = await to_replace(stage)
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "the replacement")
    await stage.pass_time(run, 3 * DAY)
    await sweep(stage, "replaceable_returns")
    await arrives(stage, UUID(line["item_id"]))
    await sweep(stage, "replaceable_returns")
    placed = await replacement_of(stage, back)
    assert (await seen(stage, UUID(placed["id"])))["total"] == usd(0)
    await is_sent(stage, placed)
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("replacement", usd(0))
    assert await replacements(stage, back) == 1
    assert await asked(stage, back) == []
    assert (await stage.paid(order)).refunded == 0
    assert await stage.broken() == []


async def test_stock_that_arrives_while_support_is_asked_takes_the_question_back(
    stage: Stage,
) -> None:
    _, line, back = await to_replace(stage)
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "the replacement")
    await stage.pass_time(run, 7 * DAY + timedelta(minutes=1))
    await stage.task(NO_STOCK, UUID(back["id"]))
    await arrives(stage, UUID(line["item_id"]))
    await sweep(stage, "replaceable_returns")
    await replacement_of(stage, back)
    assert await asked(stage, back) == ["cancelled"]


async def test_a_replacement_waits_until_all_of_it_is_there(stage: Stage) -> None:
    _, line, back = await to_replace(stage, 2)
    item = UUID(line["item_id"])
    await stage.wait_says(stage.returning(UUID(back["id"])), "the replacement")
    await arrives(stage, item)
    await sweep(stage, "replaceable_returns")
    assert await stage.shop.stock(line["item_id"]) == (1, 0)
    await arrives(stage, item)
    await sweep(stage, "replaceable_returns")
    await replacement_of(stage, back)
    assert await stage.shop.stock(line["item_id"]) == (2, 2)


async def test_closing_twenty_times_at_once_replaces_once(stage: Stage) -> None:
    order, _, back = await to_replace(stage, stock=5)
    async with calling(stage) as callers:
        await asyncio.gather(
            *(callers.post(f"/returns/{back['id']}/close", {}, role="support") for _ in range(20))
        )
    placed = await replacement_of(stage, back)
    assert await replacements(stage, back) == 1
    await is_sent(stage, placed)
    await back_is(stage, back, "closed")
    first = await do(stage, back, "close", "support")
    assert (first["object"], first["completed"]) == ("return", True)
    assert first == await do(stage, back, "close", "support")
    assert (await stage.paid(order)).refunded == 0
    assert await stage.broken() == []


async def test_units_that_are_not_accepted_are_not_replaced(stage: Stage) -> None:
    """Variant B2: resolution rejected, no replacement, the unit goes back."""
    _, _, back = await come_back(stage, 2, stock=2)
    await inspect(stage, back, found(back, 1, "scrap"), found(back, 1, "return_to_customer"))
    placed = await replacement_of(stage, back)
    [replaced] = (await seen(stage, UUID(placed["id"])))["lines"]
    assert replaced["quantity"] == 1
    await is_sent(stage, placed)
    await stage.decide(TaskKind.REJECTED_GOODS, UUID(back["id"]), "sent")
    closed = await back_is(stage, back, "closed")
    assert closed["resolution"] == "replacement"
    assert await stage.broken() == []


async def test_a_replacement_that_is_cancelled_leaves_the_customer_to_support(
    stage: Stage,
) -> None:
    """It is not placed anew: the answer decides, and then the money goes back once."""
    order, _, back = await to_replace(stage, stock=1)
    placed = await replacement_of(stage, back)
    await stage.shipment(OrderId(UUID(placed["id"])), "booked")
    await stage.cancel(OrderId(UUID(placed["id"])), CancelReason.STAFF)
    await stage.decide(TaskKind.RETURN_UNSERVED, UUID(back["id"]), "refund_again")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("refund", usd(PRICE))
    assert await replacements(stage, back) == 1
    assert (await stage.moved(order))["refund"] == PRICE
    assert await stage.broken() == []


async def test_a_replacement_is_not_cancelled_in_part(stage: Stage) -> None:
    """The rest would be neither replaced nor paid back; the whole is decided by support."""
    _, _, back = await to_replace(stage, 2, stock=2)
    placed = await replacement_of(stage, back)
    order = OrderId(UUID(placed["id"]))
    await stage.shipment(order, "booked")
    with pytest.raises(IllegalMove, match="as a whole"):
        await stage.shop.cancel_units(order, 1)
    await stage.shop.cancel_units(order, 2)
    await stage.order(order, "cancelled")
    await stage.task(TaskKind.RETURN_UNSERVED, UUID(back["id"]))


async def test_a_replaced_unit_that_comes_back_gives_no_money(stage: Stage) -> None:
    """What nothing was paid for gives nothing back; it may be returned, and replaced again."""
    _, _, back = await to_replace(stage, stock=1)
    placed = await replacement_of(stage, back)
    await is_sent(stage, placed, "delivered")
    order = OrderId(UUID(placed["id"]))
    await stage.order(order, "completed")
    [line] = (await seen(stage, order))["lines"]
    again = await comes_back(stage, order, line, 1, "wrong_size")
    assert (again["resolution"], again["refunded"], again["refunds"]) == ("refund", usd(0), [])
    shown = await seen(stage, order)
    assert (shown["payment_status"], shown["return_status"]) == ("not_required", "returned")
    assert await stage.broken() == []


async def test_goods_that_are_no_longer_sold_are_not_replaced(stage: Stage) -> None:
    """The refusal stands in the return's history, and support is asked when the wait is over."""
    _, line, back = await come_back(stage, stock=1)
    async with stage.books.begin() as db:
        query = text("UPDATE items SET sellable = false WHERE id = :id")
        await db.execute(query, {"id": UUID(line["item_id"])})
    await inspect(stage, back, found(back, 1, "scrap"))
    await stage.wait_says(stage.returning(UUID(back["id"])), "the replacement")
    await sweep(stage, "replaceable_returns")
    assert await replacements(stage, back) == 0
    [refused] = await stage.shop.rows(
        "SELECT data FROM events WHERE subject_id = :id AND type = 'return.not_replaceable.v1'",
        id=UUID(back["id"]),
    )
    assert refused["data"]["reason"] == f"{line['sku']} is not for sale"
    await stage.pass_time(stage.returning(UUID(back["id"])), 7 * DAY + timedelta(minutes=1))
    await stage.task(NO_STOCK, UUID(back["id"]))
