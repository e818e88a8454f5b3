"""Orders that are accepted together: whatever happens to one, the others get their answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from activities.orders.rows import Submission
from api.notifier import OutboxNotifier
from api.orders.batch import Acceptor
from api.orders.router import ROUTE
from db.engine import Database
from db.idempotency import Answer, Claim, claim_key, complete
from domain.errors import KeyReused, OutOfStock
from domain.ids import OrderId, new_id
from domain.orders.placing import PlaceOrder
from domain.policy import Policy
from tests.api.orders.conftest import Shop

CALLER = "key:batches"


@pytest.fixture
def acceptor(books: Database) -> Acceptor:
    return Acceptor(books, OutboxNotifier(books), Policy())


def asked(shop: Shop, sku: str, *, key: str | None = None, units: int = 1) -> Submission:
    order = PlaceOrder.model_validate(shop.order({sku: units}))
    claim = Claim(CALLER, key or uuid4().hex, ROUTE, str(units))
    return Submission(OrderId(new_id()), order, actor=CALLER, claim=claim)


@asynccontextmanager
async def sold_slowly(books: Database, sku: str) -> AsyncIterator[None]:
    """Keep the item's shelves locked inside the block."""
    async with books.begin() as db:
        await db.execute(
            text(
                "SELECT 1 FROM balances WHERE item_id = (SELECT id FROM items WHERE sku = :sku)"
                " FOR UPDATE"
            ),
            {"sku": sku},
        )
        yield


async def until(books: Database, waiting: int = 1) -> None:
    """Return when so many transactions wait for another one."""
    async with asyncio.timeout(10), books.read() as db:
        blocked = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        while True:
            if (await db.execute(blocked)).scalar_one() >= waiting:
                return
            await asyncio.sleep(0.01)


def started(acceptor: Acceptor, *submissions: Submission) -> list[asyncio.Task[Answer]]:
    async def accept(one: Submission) -> Answer:
        async with asyncio.timeout(10):
            return await acceptor.accept(one)

    return [asyncio.create_task(accept(one)) for one in submissions]


async def test_repeats_are_answered_when_the_first_has_gone_away(
    shop: Shop, books: Database, acceptor: Acceptor
) -> None:
    sku, key = await shop.item(stock=5), uuid4().hex
    async with sold_slowly(books, sku):
        first, *others = started(acceptor, *[asked(shop, sku, key=key) for _ in range(4)])
        await until(books)
        first.cancel()
    answers = await asyncio.gather(*others)
    assert all(answer.replayed for answer in answers)
    assert len({answer.body for answer in answers}) == 1
    assert await shop.reserved(sku) == 1
    await shop.assert_sound()


async def test_one_that_goes_away_before_its_turn_holds_up_nobody(
    shop: Shop, books: Database, acceptor: Acceptor
) -> None:
    sku, key = await shop.item(stock=5), uuid4().hex
    async with sold_slowly(books, sku):
        busy = started(acceptor, asked(shop, sku))
        await until(books)
        busy += started(acceptor, asked(shop, sku))
        await until(books, 2)
        gone, repeat = started(acceptor, *[asked(shop, sku, key=key) for _ in range(2)])
        await until(books, 2)
        gone.cancel()
    assert not (await asyncio.gather(repeat, *busy))[0].replayed
    assert await shop.reserved(sku) == 3


async def test_a_repeat_of_what_was_refused_is_decided_on_its_own(
    shop: Shop, books: Database, acceptor: Acceptor
) -> None:
    sku, key = await shop.item(stock=1), uuid4().hex
    orders = [asked(shop, sku, key=key, units=units) for units in (2, 1, 1)]
    answers: list[Any] = await asyncio.gather(*started(acceptor, *orders), return_exceptions=True)
    assert isinstance(answers[0], OutOfStock)
    assert [answer.replayed for answer in answers[1:]] == [False, True]
    assert await shop.reserved(sku) == 1


async def test_a_batch_that_is_ended_from_outside_leaves_nobody_waiting(
    shop: Shop, books: Database, acceptor: Acceptor
) -> None:
    sku, key = await shop.item(stock=9), uuid4().hex
    async with sold_slowly(books, sku):
        others = asyncio.all_tasks()
        first = asked(shop, sku, key=key)
        waiting = started(acceptor, first, asked(shop, sku))
        await until(books)
        for task in asyncio.all_tasks() - others - set(waiting):
            task.cancel()
        ended: list[Any] = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(end) for end in ended] == [RuntimeError, RuntimeError]
    assert not (await acceptor.accept(first)).replayed
    assert await shop.reserved(sku) == 1


async def test_a_key_that_another_transaction_uses_meanwhile_fails_only_its_own_order(
    shop: Shop, books: Database, acceptor: Acceptor
) -> None:
    sku, key = await shop.item(stock=9), uuid4().hex
    orders = [asked(shop, sku), asked(shop, sku, key=key), asked(shop, sku)]
    async with books.begin() as db:
        claim = Claim(CALLER, key, "POST /customers", "another")
        assert await claim_key(db, claim, new_id()) is None
        waiting = started(acceptor, *orders)
        await until(books)
        await complete(db, claim, status=201, answer="{}")
    answers: list[Any] = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Answer, KeyReused, Answer]
    assert await shop.reserved(sku) == 2
    await shop.assert_sound()
