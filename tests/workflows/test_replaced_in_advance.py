"""Goods that are replaced before they come back, and those that then stay away."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.ids import OrderId
from domain.policy import Policy
from domain.tasks import TaskKind
from tests.aging import sweep
from tests.workflows.asking import calling
from tests.workflows.refund_stories import usd
from tests.workflows.replacement_stories import (
    PRICE,
    arrives,
    bought,
    in_advance,
    is_sent,
    item_at,
    left,
    replacement_of,
    replacements,
    seen,
)
from tests.workflows.return_stories import (
    ask_back,
    back_is,
    comes_back,
    do,
    found,
    inspect,
    receive,
)
from tests.workflows.stage import Stage

DAY = timedelta(days=1)
DEADLINE = Policy().ship_back_window + timedelta(minutes=1)
WAIT = timedelta(days=Policy().replacement_wait_days, minutes=1)
KEPT = TaskKind.KEPT_GOODS


async def asked(stage: Stage, back: Any) -> list[str]:
    """Return the states of the questions about goods that the customer keeps."""
    query = "SELECT status FROM tasks WHERE kind = :kind AND document_id = :id"
    rows = await stage.shop.rows(query, kind=KEPT, id=UUID(back["id"]))
    return [row["status"] for row in rows]


async def overdue(stage: Stage) -> tuple[OrderId, Any, Any]:
    """Replace goods in advance that do not come in time; returns finance's question, too."""
    order, _, back = await in_advance(stage)
    await is_sent(stage, await replacement_of(stage, back), "delivered")
    await stage.pass_time(stage.returning(UUID(back["id"])), DEADLINE)
    return order, back, await stage.task(KEPT, UUID(back["id"]))


async def test_goods_that_come_late_take_the_question_about_them_back(stage: Stage) -> None:
    """RET-07, variant: 49.99 is asked about on D+30, nothing is charged; they come on D+33."""
    order, back, task = await overdue(stage)
    assert (task["role"], task["choices"]) == ("finance", ["invoice", "write_off"])
    assert task["facts"]["amount"] == usd(PRICE)
    assert await stage.moved(order) == {"authorization": PRICE, "capture": PRICE}
    await stage.pass_time(stage.returning(UUID(back["id"])), 3 * DAY)
    assert (await back_is(stage, back, "authorized"))["kept_goods"] is None
    await receive(stage, back, 1)
    assert await asked(stage, back) == ["cancelled"]
    await inspect(stage, back, found(back, 1, "scrap"))
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("replacement", usd(0))
    assert await stage.moved(order) == {"authorization": PRICE, "capture": PRICE}
    assert await replacements(stage, back) == 1
    assert await stage.broken() == []


async def test_finance_settles_goods_that_stay_away_and_nothing_is_charged(stage: Stage) -> None:
    order, back, _ = await overdue(stage)
    await stage.decide(KEPT, UUID(back["id"]), "invoice")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["kept_goods"]) == ("replacement", "invoice")
    assert await stage.moved(order) == {"authorization": PRICE, "capture": PRICE}
    shown = await seen(stage, order)
    assert (shown["return_status"], shown["payment_status"]) == ("none", "captured")
    refused = await receive(stage, back, 1, status=409)
    assert refused["code"] == "illegal_move"
    assert await stage.broken() == []


async def test_a_replacement_in_advance_is_placed_when_support_says_yes(stage: Stage) -> None:
    """Not before: until then nothing has been agreed."""
    kettle = await item_at(stage, 50_000)
    await arrives(stage, kettle, 2)
    order, [line] = await bought(stage, (kettle, 1))
    back = await ask_back(
        stage,
        order,
        line,
        1,
        "wrong_size",
        resolution_wanted="replacement",
        replacement_timing="in_advance",
    )
    assert back["status"] == "requested"
    assert await replacements(stage, back) == 0
    await do(stage, back, "authorize", "support")
    await replacement_of(stage, back)
    await do(stage, back, "authorize", "support")
    assert await replacements(stage, back) == 1
    assert await stage.shop.stock(kettle) == (1, 1)


async def test_who_gives_the_return_up_gets_no_replacement(stage: Stage) -> None:
    """Before it has left it is cancelled with the return, and its stock is free again."""
    _, line, back = await in_advance(stage)
    placed = OrderId(UUID((await replacement_of(stage, back))["id"]))
    await stage.shipment(placed, "booked")
    await do(stage, back, "cancel", "support", {"reason": "keeps it"})
    await stage.order(placed, "cancelled")
    assert await stage.shop.stock(line["item_id"]) == (1, 0)
    assert await asked(stage, back) == []
    assert await stage.broken() == []


async def test_a_return_whose_replacement_has_left_cannot_be_given_up(stage: Stage) -> None:
    _, _, back = await in_advance(stage)
    placed = await replacement_of(stage, back)
    await is_sent(stage, placed)
    await left(stage, placed)
    refused = await do(stage, back, "cancel", "support", {"reason": "keeps it"}, status=409)
    assert refused["code"] == "illegal_move"


async def test_a_unit_that_is_not_accepted_is_asked_about_too(stage: Stage) -> None:
    """Two were replaced and one is not the right one: finance is asked about that one."""
    order, _, back = await in_advance(stage, 2)
    await is_sent(stage, await replacement_of(stage, back))
    await receive(stage, back, 2)
    await inspect(stage, back, found(back, 1, "scrap"), found(back, 1, "return_to_customer"))
    task = await stage.task(KEPT, UUID(back["id"]))
    assert (task["facts"]["units"], task["facts"]["amount"]) == (1, usd(PRICE))
    await stage.decide(KEPT, UUID(back["id"]), "write_off")
    await stage.decide(TaskKind.REJECTED_GOODS, UUID(back["id"]), "sent")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["kept_goods"]) == ("replacement", "write_off")
    assert (await stage.paid(order)).refunded == 0
    assert await stage.broken() == []


async def test_stock_that_comes_before_the_goods_replaces_them_then(stage: Stage) -> None:
    _, line, back = await in_advance(stage, stock=0)
    await stage.wait_says(stage.returning(UUID(back["id"])), "Waiting for the goods")
    assert await replacements(stage, back) == 0
    await arrives(stage, UUID(line["item_id"]))
    await sweep(stage, "replaceable_returns")
    placed = await replacement_of(stage, back)
    await is_sent(stage, placed)
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, 1, "scrap"))
    await back_is(stage, back, "closed")
    assert await replacements(stage, back) == 1
    assert await stage.broken() == []


async def test_support_is_asked_when_nothing_is_there_to_send_in_advance(stage: Stage) -> None:
    """Returns R10: within `replacement_wait`, long before the return could expire."""
    _, line, back = await in_advance(stage, stock=0)
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "Waiting for the goods")
    await stage.pass_time(run, WAIT)
    task = await stage.task(TaskKind.NO_REPLACEMENT_STOCK, UUID(back["id"]))
    assert (task["role"], task["choices"]) == ("support", ["refund", "wait"])
    assert task["facts"]["goods"] == [{"sku": line["sku"], "quantity": 1}]
    await stage.decide(TaskKind.NO_REPLACEMENT_STOCK, UUID(back["id"]), "refund")
    await arrives(stage, UUID(line["item_id"]))
    await sweep(stage, "replaceable_returns")
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, 1, "scrap"))
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("refund", usd(PRICE))
    assert await replacements(stage, back) == 0
    assert await stage.broken() == []


async def test_the_question_about_stock_ends_with_a_return_of_which_nothing_comes(
    stage: Stage,
) -> None:
    _, _, back = await in_advance(stage, stock=0)
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "Waiting for the goods")
    await stage.pass_time(run, WAIT)
    await stage.task(TaskKind.NO_REPLACEMENT_STOCK, UUID(back["id"]))
    await stage.pass_time(run, DEADLINE)
    await back_is(stage, back, "expired")
    query = "SELECT status FROM tasks WHERE document_id = :id"
    assert [row["status"] for row in await stage.shop.rows(query, id=UUID(back["id"]))] == [
        "cancelled"
    ]


async def test_only_a_replacement_can_be_sent_in_advance(stage: Stage) -> None:
    order, [line] = await bought(stage, await _one(stage))
    wanted = {"order_line_id": line["id"], "quantity": 1, "reason": "wrong_size"}
    body = {"order_id": str(order), "lines": [wanted], "replacement_timing": "in_advance"}
    async with calling(stage) as callers:
        answer = await callers.post("/returns", body, role="support")
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
    await comes_back(stage, order, line, 1, "wrong_size")


async def _one(stage: Stage) -> tuple[Any, int]:
    kettle = await item_at(stage, PRICE)
    await arrives(stage, kettle)
    return kettle, 1
