"""Orders that are asked for much: their runs go on as new ones, and cancelling always works."""

import asyncio

import httpx2

from api.app import create_app
from api.services import Services
from db.engine import Database, open_engine
from domain.holds import HoldReason
from tests.api.callers import Callers
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.stage import Stage

PAIRS = 45
"""Of holds and releases by each of nine at once: more than one history is meant for."""


async def test_an_order_is_cancelled_though_it_was_held_and_released_hundreds_of_times(
    stage: Stage,
) -> None:
    """T03: Temporal refused the 2,001st request to a run, and all after it, for ever."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=None)
    await eventually(lambda: stage.exists(stage.run(order)))
    first = (await stage.run(order).describe()).run_id

    async def trouble(reason: HoldReason) -> None:
        for _ in range(PAIRS):
            await stage.release(order, await stage.hold(order, reason))

    await asyncio.gather(*map(trouble, HoldReason))
    told = await stage.run(order).describe()
    assert told.run_id != first, f"its history has {told.history_length} events"
    assert (await stage.order(order, "pending"))["cancelled_at"] is None
    async with calling(stage) as callers:
        cancelled = await callers.post(f"/orders/{order}/cancel", {})
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert await stage.shop.stock(mug) == (1, 0)


async def test_thirty_cancellations_at_once_are_all_told_that_the_order_is_cancelled(
    stage: Stage,
) -> None:
    """T03: nine of them were told that the process had ended."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    await stage.shipment(order, "booked")
    await stage.payments.fault("slow", "void", delay_seconds=1.5)
    async with calling(stage) as callers:
        answers = await asyncio.gather(
            *(callers.post(f"/orders/{order}/cancel", {}) for _ in range(30))
        )
    told = {(one.status_code, one.json().get("status")) for one in answers}
    assert told == {(200, "cancelled")}


async def test_more_wishes_that_are_fulfilled_than_there_are_connections_are_answered_at_once(
    stage: Stage,
) -> None:
    """T03: each of them held one connection of the pool and waited for a second."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=None)
    await stage.cancel(order)
    await stage.result(stage.run(order))
    address = stage.books.engine.url.render_as_string(hide_password=False)
    books = Database(open_engine(address, application="narrow", pool=2))
    app = create_app(Services(stage.settings, books, stage.connected))
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://stateset"
    ) as client:
        callers = Callers(client, stage.books)
        await callers.key("admin")
        async with asyncio.timeout(5):
            answers = await asyncio.gather(
                *(callers.post(f"/orders/{order}/cancel", {}) for _ in range(20))
            )
    await books.close()
    assert {one.status_code for one in answers} == {200}
