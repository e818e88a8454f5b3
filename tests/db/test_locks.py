"""Rows that are locked together: the order before its shipment, and both as they are by then."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from db.documents import ORDERS, SHIPMENTS
from db.engine import Database, open_engine
from db.shipments.writes import lock_with_order, plan_shipments
from domain.ids import ShipmentId
from tests.shop import Shop
from tests.workflows.looks import eventually

WAITERS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.fixture(scope="module")
async def shop(database_url: str) -> AsyncIterator[Shop]:
    shop = Shop(Database(open_engine(database_url, application="tests")))
    await shop.open()
    yield shop
    await shop.books.close()


async def test_who_waits_for_an_order_does_not_hold_its_shipment_and_sees_both_anew(
    shop: Shop,
) -> None:
    mug = await shop.item(AUS=1)
    order_id = await shop.place((mug, 1))
    async with shop.books.begin() as db:
        [shipment_id] = await plan_shipments(db, await ORDERS.lock(db, order_id), "sandbox")

    async def wait(for_: ShipmentId) -> tuple[int, int]:
        async with shop.books.begin() as db:
            order, shipment = await lock_with_order(db, for_)
            return order.version, shipment.version

    async with shop.books.begin() as db:
        order = await ORDERS.lock(db, order_id)
        waiting = asyncio.create_task(wait(shipment_id))
        await eventually(lambda: shop.one(WAITERS))
        await db.execute(text("SET LOCAL lock_timeout = '500ms'"))
        shipment = await SHIPMENTS.lock(db, shipment_id)
        await SHIPMENTS.change(db, shipment)
        await ORDERS.change(db, order)
    assert await waiting == (order.version + 1, shipment.version + 1)


async def test_rows_that_are_locked_together_have_all_their_columns(shop: Shop) -> None:
    mug = await shop.item(AUS=1)
    order_id = await shop.place((mug, 1))
    async with shop.books.begin() as db:
        order = await ORDERS.lock(db, order_id)
        [shipment_id] = await plan_shipments(db, order, "sandbox")
        shipment = await SHIPMENTS.lock(db, shipment_id)
        both = await lock_with_order(db, shipment_id)
    assert [vars(one) for one in both] == [dict(order._mapping), dict(shipment._mapping)]
