"""The money for a lost replacement: the same whenever it is asked for, and never nothing."""

from typing import Any
from uuid import UUID

import pytest

from domain.ids import OrderId
from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.label_stories import label_is, number_of, parcel_is
from tests.workflows.refund_stories import ask, is_now, usd
from tests.workflows.replacement_stories import (
    PRICE,
    arrives,
    in_advance,
    is_sent,
    lose,
    lost,
    paid_back,
    replacement_of,
    replacements,
    seen,
    to_replace,
)
from tests.workflows.return_stories import ask_back, back_is, found, inspect, receive
from tests.workflows.stage import Stage
from tests.workflows.test_label_fees import costing
from tests.workflows.test_lost_replacements import WAIT, answer

LOST = TaskKind.REPLACEMENT_LOST
NO_STOCK = TaskKind.NO_REPLACEMENT_STOCK
FEE = 495


@pytest.mark.parametrize("answered", ["before the goods came", "after they were inspected"])
async def test_the_label_of_goods_whose_replacement_got_lost_costs_as_much_before_as_after(
    stage: Stage, answered: str
) -> None:
    with costing(stage, FEE):
        order, _, back = await in_advance(stage, ship_back="label")
    shipment = await stage.shipment(
        OrderId(UUID((await replacement_of(stage, back))["id"])), "booked"
    )
    before = answered.startswith("before")
    if before:
        await stage.travel(shipment, "lost")
        task = await stage.task(LOST, shipment)
        assert task["facts"]["amount"] == usd(PRICE - FEE)
        await stage.decide(LOST, shipment, "refund")
    else:
        await stage.travel(shipment, "in_transit")
    await stage.advance(number_of(await label_is(stage, back, "booked")), "in_transit")
    await parcel_is(stage, back, "in_transit")
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, 1, "scrap"))
    await back_is(stage, back, "closed")
    if not before:
        await stage.travel(shipment, "lost")
        task = await stage.task(LOST, shipment)
        assert task["facts"]["amount"] == usd(PRICE - FEE)
        await stage.decide(LOST, shipment, "refund")
    closed = await eventually(lambda: paid_back(stage, back))
    assert (closed["resolution"], closed["refunded"]) == ("refund", usd(PRICE - FEE))
    assert (await stage.moved(order))["refund"] == PRICE - FEE
    assert await stage.broken() == []


async def _replacement_comes_back(stage: Stage, *, stock: int) -> Any:
    """Take back what was sent in the place of other goods, to be replaced once more."""
    _, line, first = await to_replace(stage, stock=1)
    replaced = await replacement_of(stage, first)
    await is_sent(stage, replaced, "delivered")
    await back_is(stage, first, "closed")
    placed = OrderId(UUID(replaced["id"]))
    await stage.order(placed, "completed")
    if stock:
        await arrives(stage, UUID(line["item_id"]), stock)
    [unit] = (await seen(stage, placed))["lines"]
    back = await ask_back(stage, placed, unit, 1, "wrong_size", resolution_wanted="replacement")
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, 1, "scrap"))
    return back


async def test_no_money_is_offered_for_what_replaced_goods_that_were_a_replacement(
    stage: Stage,
) -> None:
    """Nothing was paid for those: others are sent, or it is settled elsewhere."""
    back = await _replacement_comes_back(stage, stock=1)
    shipment = await lose(stage, await replacement_of(stage, back))
    task = await stage.task(LOST, shipment)
    assert (task["facts"]["amount"], task["choices"]) == (usd(0), ["replace", "write_off"])
    await stage.decide(LOST, shipment, "write_off")
    await back_is(stage, back, "closed")
    assert await stage.broken() == []


async def test_goods_without_stock_for_which_nothing_was_paid_are_settled_elsewhere(
    stage: Stage,
) -> None:
    """A refund would be one of nothing: the refusal says why, and the other answer closes it."""
    back = await _replacement_comes_back(stage, stock=0)
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "the replacement")
    await stage.pass_time(run, WAIT)
    await stage.task(NO_STOCK, UUID(back["id"]))
    refused = await answer(stage, UUID(back["id"]), "refund", NO_STOCK)
    assert (refused.status_code, refused.json()["code"]) == (409, "amount_exceeded")
    assert "nothing was paid for them" in refused.json()["detail"]
    await stage.decide(NO_STOCK, UUID(back["id"]), "write_off")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunds"]) == ("served_otherwise", [])
    assert await stage.broken() == []


async def test_who_waits_for_stock_is_not_promised_money_that_has_gone_back_before(
    stage: Stage,
) -> None:
    """The refusal says so; that it is settled elsewhere ends the wait."""
    order, back, shipment = await lost(stage)
    await stage.decide(LOST, shipment, "replace")
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "the replacement")
    unit = {"order_line_id": back["lines"][0]["order_line_id"], "units": 1}
    await is_now(stage, await ask(stage, order_id=str(order), lines=[unit]), "succeeded")
    await stage.pass_time(run, WAIT)
    task = await stage.task(NO_STOCK, UUID(back["id"]))
    assert task["choices"] == ["refund", "wait", "write_off"]
    refused = await answer(stage, UUID(back["id"]), "refund", NO_STOCK)
    assert (refused.status_code, refused.json()["code"]) == (409, "amount_exceeded")
    assert "has gone back before" in refused.json()["detail"]
    assert (await answer(stage, UUID(back["id"]), "write_off", NO_STOCK)).status_code == 200
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["replacement_due_at"]) == ("replacement", None)
    assert (await stage.moved(order))["refund"] == PRICE
    await arrives(stage, back["item"])
    assert await replacements(stage, back) == 1
    assert await stage.broken() == []
