"""Lots in the ledger: each has its balance, and orders are promised the one that expires first."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from db.engine import Database, open_engine
from db.idempotency import Answer
from db.inventory.movements import Movement
from db.inventory.places import place_id
from db.inventory.posting import post
from db.inventory.receiving import find_available
from db.verify.books import CHECKS, verify
from domain.errors import OutOfStock
from domain.ids import ItemId, new_id
from domain.inventory import LocationKind, MovementKind
from tests.lots import a_milk, in_days, lot_id, promised, stock
from tests.shop import Shop

SUMS = [check for check in CHECKS if check.id in ("I1a", "I2a", "I2b", "I2c", "I16a")]


@pytest.fixture(scope="module")
async def shop(database_url: str) -> AsyncIterator[Shop]:
    shop = Shop(Database(open_engine(database_url, application="tests", pool=25)))
    await shop.open()
    yield shop
    assert [found for found in await verify(shop.books.engine, checks=SUMS) if found.broken] == []
    await shop.books.close()


async def available(shop: Shop, item: ItemId) -> int:
    async with shop.books.read() as db:
        return (await find_available(db, [item])).get(item, 0)


async def refused(shop: Shop, item: ItemId, units: int) -> list[dict[str, Any]]:
    [decision] = await shop.ask([shop.submission([(item, units)])])
    assert isinstance(decision, OutOfStock), decision
    shortages: list[dict[str, Any]] = decision.extensions["shortages"]
    return shortages


@contextmanager
def statements(shop: Shop) -> Iterator[list[str]]:
    """Collect what is sent to the database meanwhile."""
    sent: list[str] = []

    def keep(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    engine = shop.books.engine.sync_engine
    event.listen(engine, "before_cursor_execute", keep)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", keep)


async def test_the_lot_that_expires_first_is_promised_first_and_then_the_next(shop: Shop) -> None:
    milk = await a_milk(shop, late=(5, 30), early=(2, 10))
    await shop.place((milk, 1))
    assert await promised(shop, milk) == {"early": 1}
    await shop.place((milk, 3))
    assert await promised(shop, milk) == {"early": 2, "late": 2}


async def test_orders_of_one_batch_share_lots_as_if_they_came_one_by_one(shop: Shop) -> None:
    milk = await a_milk(shop, a=(2, 10), b=(2, 20))
    asked = [shop.submission([(milk, 1)]) for _ in range(5)]
    decisions = await shop.ask(asked)
    assert [isinstance(each, Answer) for each in decisions] == [True] * 4 + [False]
    assert await promised(shop, milk) == {"a": 2, "b": 2}


async def test_an_expired_lot_is_neither_available_nor_promised(shop: Shop) -> None:
    """On its last day it still is."""
    milk = await a_milk(shop, gone=(5, -1), today=(2, 0))
    assert await available(shop, milk) == 2
    assert [short["available"] for short in await refused(shop, milk, 3)] == [2]
    await shop.place((milk, 2))
    assert await promised(shop, milk) == {"today": 2}


async def test_a_lot_with_less_than_the_least_shelf_life_is_not_promised(shop: Shop) -> None:
    milk = await a_milk(shop, 10, short=(5, 9), enough=(2, 10))
    assert await available(shop, milk) == 2
    assert [short["available"] for short in await refused(shop, milk, 3)] == [2]
    await shop.place((milk, 1))
    assert await promised(shop, milk) == {"enough": 1}


@pytest.mark.parametrize("status", ["quarantined", "recalled"])
async def test_a_lot_that_is_set_aside_is_neither_available_nor_promised(
    status: str, shop: Shop
) -> None:
    milk = await a_milk(shop, bad=(5, 10), good=(2, 20))
    await set_aside(shop, milk, "bad", status)
    assert await available(shop, milk) == 2
    await refused(shop, milk, 3)
    await shop.place((milk, 2))
    assert await promised(shop, milk) == {"good": 2}


async def set_aside(shop: Shop, item: ItemId, code: str, status: str) -> None:
    lot = await lot_id(shop, item, code)
    async with shop.books.begin() as db:
        await db.exec_driver_sql(f"UPDATE lots SET status = '{status}' WHERE id = '{lot}'")


async def test_an_order_of_items_without_lots_takes_no_further_statement(shop: Shop) -> None:
    mug = await shop.item(AUS=5)
    milk = await a_milk(shop, a=(5, 10))
    with statements(shop) as sent:
        await shop.place((mug, 1))
    assert len(sent) == 3
    with statements(shop) as sent:
        await shop.place((mug, 1), (milk, 1))
    assert len(sent) == 4


async def test_goods_of_two_lots_at_one_place_are_counted_apart(shop: Shop) -> None:
    milk = await a_milk(shop, a=(5, 10), b=(3, 20))
    await stock(shop, milk, "a", -4)
    rows = await shop.rows(
        "SELECT t.code, b.on_hand::int AS on_hand FROM balances b JOIN lots t ON t.id = b.lot_id"
        " WHERE b.item_id = :item ORDER BY 1",
        item=milk,
    )
    assert [(row["code"], row["on_hand"]) for row in rows] == [("a", 1), ("b", 3)]
    await shop.place((milk, 1))
    with pytest.raises(OutOfStock) as short:
        await stock(shop, milk, "a", -1)
    assert len(short.value.extensions["holders"]) == 1


async def test_posts_of_lots_in_opposite_order_never_deadlock(shop: Shop) -> None:
    milk = await a_milk(shop, a=(1, 10), b=(1, 20))
    lots = [await lot_id(shop, milk, code) for code in ("a", "b")]
    places = [shop.shelves["AUS"], shop.shelves["RNO"]]

    async def receive(turned: bool) -> None:
        pairs = [(lot, place) for lot in lots for place in places]
        movements = [
            Movement(
                key=f"test/{new_id()}",
                kind=MovementKind.RECEIPT,
                item_id=milk,
                quantity=1,
                from_location_id=place_id(LocationKind.SUPPLIER),
                to_location_id=place,
                actor="tests",
                lot_id=lot,
            )
            for lot, place in (reversed(pairs) if turned else pairs)
        ]
        async with shop.books.begin() as db:
            await post(db, movements)

    for _ in range(5):
        await asyncio.gather(*(receive(bool(n % 2)) for n in range(8)))
    assert await shop.stock(milk) == (2 + 5 * 8 * 4, 0)


async def test_two_first_receipts_of_a_lot_at_once_make_one_lot(shop: Shop) -> None:
    milk = await a_milk(shop)
    each = [stock(shop, milk, code, 1, expires_on=in_days(9)) for code in ("L-1", "l-1") * 5]
    await asyncio.gather(*each)
    assert await shop.one("SELECT count(*) FROM lots WHERE item_id = :item", item=milk) == 1
    assert await shop.stock(milk) == (10, 0)
