"""Orders before they are paid, and those that never are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.errors import IllegalMove
from domain.ids import OrderId
from tests.patience import eventually
from tests.serving import served
from tests.workflows.stage import WINDOW, Stage


async def _deliver(stage: Stage, order: OrderId) -> None:
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"


async def _expire(stage: Stage, order: OrderId) -> None:
    """Let the payment window pass."""
    await stage.pass_time(stage.run(order), WINDOW)
    assert await stage.result(stage.run(order)) == "cancelled"


async def test_an_order_whose_card_is_declined_is_cancelled_when_its_window_ends(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token="tok_declined")
    await stage.waits(order, "failed")
    assert await stage.shop.stock(mug) == (1, 1)
    await _expire(stage, order)

    assert (await stage.order(order, "cancelled"))["cancel_reason"] == "payment_failed"
    assert await stage.shop.stock(mug) == (1, 0)
    assert await stage.moved(order) == {"authorization": 0}


async def test_an_order_that_nobody_pays_is_cancelled_when_its_window_ends(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=None)
    await eventually(lambda: stage.exists(stage.run(order)))
    await _expire(stage, order)

    assert (await stage.order(order, "cancelled"))["cancel_reason"] == "payment_expired"
    assert await stage.shop.stock(mug) == (1, 0)
    assert await stage.entries(order) == []


async def test_an_order_that_was_declined_can_be_paid_with_another_card(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token="tok_declined")
    await stage.waits(order, "failed")
    await stage.pay(order, "tok_insufficient_funds")

    async def declined_twice() -> bool:
        entries = await stage.entries(order)
        return entries.count(("authorization", "failed")) == 2

    await eventually(declined_twice)
    await stage.pay(order, "tok_ok")
    await _deliver(stage, order)
    with pytest.raises(IllegalMove):
        await stage.pay(order, "tok_ok")


@pytest.mark.parametrize("token", ["tok_timeout_after_success", "tok_timeout_before_success"])
async def test_an_authorization_whose_answer_is_lost_is_made_once(stage: Stage, token: str) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=token)
    await _deliver(stage, order)
    total = (await stage.order(order, "completed"))["total_amount"]
    assert await stage.moved(order) == {"authorization": total, "capture": total}


async def test_an_order_outlives_a_day_of_its_payment_providers_maintenance(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    await stage.payments.stop()
    async with closed_for_maintenance(stage.payments.port) as visitors:
        order = await stage.shop.place((mug, 1))
        await eventually(lambda: stage.exists(stage.run(order)))
        await stage.pass_time(stage.run(order), timedelta(days=1))
        assert (await stage.order(order, "pending"))["cancel_requested_at"] is None
    # It was asked as seldom as its page wanted, and not given up.
    assert 20 < len(visitors) < 30
    await stage.payments.start()
    await stage.pass_time(stage.run(order), timedelta(hours=1))
    await _deliver(stage, order)


async def test_an_order_waits_for_a_provider_that_cannot_be_reached(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    await stage.payments.stop()
    order = await stage.shop.place((mug, 1))
    await eventually(lambda: stage.exists(stage.run(order)))
    await stage.pass_time(stage.run(order), timedelta(minutes=20))
    await stage.payments.start()
    await stage.pass_time(stage.run(order), timedelta(minutes=5))
    await _deliver(stage, order)


@asynccontextmanager
async def closed_for_maintenance(port: int) -> AsyncIterator[list[str]]:
    """Answer everybody on a port that they may come back in an hour; yields who came."""
    visitors: list[str] = []

    async def turn_away(request: Request) -> Response:
        visitors.append(request.url.path)
        return Response("<h1>Closed</h1>", status_code=503, headers={"retry-after": "3600"})

    app = Starlette(routes=[Route("/{path:path}", turn_away, methods=["GET", "POST"])])
    async with served(app, port):
        yield visitors
