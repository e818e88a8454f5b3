"""Rows that are locked together: the order before its shipment, and both as they are by then."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from db.documents import ORDERS, SHIPMENTS
from db.shipments.planning import plan_shipments
from db.shipments.writes import lock_with_order
from domain.ids import ShipmentId
from tests.patience import eventually
from tests.shop import Shop, opened

WAITERS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.fixture(scope="module")
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with opened(database_url) as shop:
        yield shop


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


async def test_what_refers_to_a_locked_document_is_written_without_waiting(shop: Shop) -> None:
    """So nobody who holds one document waits for another just to name it."""
    mug = await shop.item(AUS=1)
    order_id = await shop.place((mug, 1))
    named = (
        "INSERT INTO parcels (id, shipment_id, carrier, tracking_number, status)"
        " SELECT gen_random_uuid(), s.id, 'sandbox', s.number, 'booked' FROM shipments s"
        " WHERE s.id = :shipment"
    )
    async with shop.books.begin() as db:
        [shipment_id] = await plan_shipments(db, await ORDERS.lock(db, order_id), "sandbox")
    async with shop.books.begin() as db, shop.books.begin() as beside:
        await SHIPMENTS.lock(db, shipment_id)
        await lock_with_order(db, shipment_id)
        await beside.execute(text("SET LOCAL lock_timeout = '500ms'"))
        await beside.execute(text(named), {"shipment": shipment_id})
        await beside.rollback()
