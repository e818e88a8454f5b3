"""Orders that a person stops, and lets go on."""

import asyncio

import pytest
from temporalio.client import WorkflowExecutionStatus

from api import steering
from domain.errors import AlreadyExists, IllegalMove
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.stage import WINDOW, Stage


async def test_a_hold_keeps_a_paid_order_pending_until_it_is_released(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=None)
    hold = await stage.hold(order)
    with pytest.raises(AlreadyExists):
        await stage.hold(order)
    await stage.pay(order, "tok_ok")
    await stage.waits(order, "succeeded")
    assert (await stage.order(order, "pending"))["confirmed_at"] is None
    await stage.release(order, hold)
    await stage.release(order, hold)

    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    with pytest.raises(IllegalMove):
        await stage.hold(order)


async def test_a_hold_whose_answer_came_too_late_is_placed_once_by_the_repeat(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B3: the repeat under the same key is the same request, though the first may go on."""
    monkeypatch.setattr(steering, "PATIENCE", 1.0)
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=None)
    await eventually(lambda: stage.exists(stage.run(order)))
    placed = stage.answers["place_hold"] = asyncio.Event()
    path, body = f"/orders/{order}/holds", {"reason": "manual"}
    async with calling(stage) as callers:
        first = await callers.post(path, body, key="stop")
        assert (first.status_code, first.json()["code"]) == (503, "timed_out"), first.text
        placed.set()
        again = await callers.post(path, body, key="stop")
    assert (again.status_code, len(again.json()["holds"])) == (201, 1), again.text
    assert await stage.shop.one("SELECT count(*) FROM holds WHERE document_id = :id", id=order) == 1


async def test_a_paid_order_on_hold_outlives_its_payment_window(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=None)
    hold = await stage.hold(order)
    await stage.pay(order, "tok_ok")
    await stage.waits(order, "succeeded")
    await stage.wait_says(stage.run(order), "on hold")
    await stage.pass_time(stage.run(order), WINDOW)
    assert await stage.status(stage.run(order)) == WorkflowExecutionStatus.RUNNING
    await stage.release(order, hold)

    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"


async def test_a_hold_after_the_confirmation_stops_the_booking(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    await stage.carrier.fault("http_503", "book")
    order = await stage.shop.place((mug, 1))
    await stage.order(order, "confirmed")
    hold = await stage.hold(order)
    await stage.wait_says(stage.run(order), "Waiting for a person")
    assert await stage.labels(order) == []
    await stage.shipment(order, "pending")
    await stage.release(order, hold)

    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"


async def test_an_order_can_be_cancelled_while_it_is_on_hold(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=None)
    await stage.hold(order)
    await stage.pay(order, "tok_ok")
    await stage.waits(order, "succeeded")
    await stage.cancel(order)

    assert await stage.result(stage.run(order)) == "cancelled"
    assert await stage.shop.stock(mug) == (1, 0)
    moved = await stage.moved(order)
    assert moved["void"] == moved["authorization"] > 0


async def test_a_hold_on_an_order_under_way_lets_its_goods_arrive(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    hold = await stage.hold(order)
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    held = await stage.shop.rows("SELECT released_by FROM holds WHERE id = :id", id=hold)
    assert held == [{"released_by": "system"}]
    await eventually(lambda: stage.exists(stage.tracking(shipment)))
