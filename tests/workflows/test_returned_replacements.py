"""Replacements that their carrier brings back undelivered: sent anew, or their money given back."""

from uuid import UUID

from domain.ids import OrderId
from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.refund_stories import usd
from tests.workflows.replacement_stories import is_sent, paid_back, replacement_of
from tests.workflows.return_stories import back_is, found, inspect, receive
from tests.workflows.stage import Stage
from tests.workflows.undelivered_stories import (
    MUG,
    POSTAGE,
    answer,
    brought_back,
    ends,
    is_here,
    opened_by,
)


async def test_a_replacement_that_comes_back_undelivered_is_sent_anew(stage: Stage) -> None:
    """The customer gets the goods, and no money goes back."""
    order, _, back = await brought_back(stage, stock=2)
    await answer(stage, back, "resend")
    await is_here(stage, back)
    placed = await replacement_of(stage, back)
    again = OrderId(UUID(placed["id"]))
    shipment = await stage.shipment(again, "booked")
    await stage.travel(shipment, "returned")
    second = await opened_by(stage, shipment, again)
    task = await stage.task(TaskKind.UNDELIVERABLE, UUID(second["id"]))
    assert task["choices"] == ["refund", "resend", "write_off"]
    await answer(stage, second, "resend")
    await is_here(stage, second)
    await is_sent(stage, await replacement_of(stage, second), "delivered")
    assert (await back_is(stage, second, "closed"))["resolution"] == "replacement"
    assert (await stage.moved(order)).get("refund", 0) == 0
    assert await stage.broken() == []


async def test_the_money_for_a_replacement_that_comes_back_is_that_of_the_goods_it_replaced(
    stage: Stage,
) -> None:
    """Nothing was paid for the replacement; the return before it gives the money, once."""
    order, _, back = await brought_back(stage, stock=1)
    await answer(stage, back, "resend")
    await is_here(stage, back)
    placed = OrderId(UUID((await replacement_of(stage, back))["id"]))
    shipment = await stage.shipment(placed, "booked")
    await stage.travel(shipment, "returned")
    await back_is(stage, back, "closed")
    second = await opened_by(stage, shipment, placed)
    closed = await ends(stage, second, "refund")
    assert (closed["resolution"], closed["refunded"]) == ("served_otherwise", usd(0))
    paid = await eventually(lambda: paid_back(stage, back))
    assert (paid["resolution"], paid["refunded"]) == ("refund", usd(MUG + POSTAGE))
    assert (await stage.moved(order))["refund"] == MUG + POSTAGE
    assert await stage.broken() == []


async def test_of_a_replacement_that_comes_back_only_what_is_accepted_is_paid_back(
    stage: Stage,
) -> None:
    """Of two units one is the wrong thing: the return before gives the money for the other."""
    order, _, back = await brought_back(stage, 2, stock=2)
    await answer(stage, back, "resend")
    await is_here(stage, back)
    placed = OrderId(UUID((await replacement_of(stage, back))["id"]))
    shipment = await stage.shipment(placed, "booked")
    await stage.travel(shipment, "returned")
    second = await opened_by(stage, shipment, placed)
    await answer(stage, second, "refund")
    await receive(stage, second, 2)
    wrong = found(second, 1, "scrap", accepted=False)
    await inspect(stage, second, found(second, 1, "restock"), wrong)
    await back_is(stage, second, "closed")
    paid = await eventually(lambda: paid_back(stage, back))
    assert (paid["resolution"], paid["refunded"]) == ("replacement", usd(MUG + POSTAGE))
    assert (await stage.moved(order))["refund"] == MUG + POSTAGE
    assert await stage.broken() == []


async def test_the_money_is_that_of_the_order_that_was_paid_however_often_it_was_replaced(
    stage: Stage,
) -> None:
    """The second replacement comes back as well: the first return gives the money, once."""
    order, _, back = await brought_back(stage, stock=2)
    shipment, placed, last = None, order, back
    for _ in range(2):
        await answer(stage, last, "resend")
        await is_here(stage, last)
        placed = OrderId(UUID((await replacement_of(stage, last))["id"]))
        shipment = await stage.shipment(placed, "booked")
        await stage.travel(shipment, "returned")
        await back_is(stage, last, "closed")
        last = await opened_by(stage, shipment, placed)
    task = await stage.task(TaskKind.UNDELIVERABLE, UUID(last["id"]))
    assert task["choices"] == ["refund", "resend", "write_off"]
    assert (await ends(stage, last, "refund"))["resolution"] == "served_otherwise"
    paid = await eventually(lambda: paid_back(stage, back))
    assert paid["refunded"] == usd(MUG + POSTAGE)
    assert (await stage.moved(order))["refund"] == MUG + POSTAGE
    assert await stage.broken() == []
