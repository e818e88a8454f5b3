"""Many buyers at once: what is there is sold once, and nobody gets an error of ours."""

import asyncio
from collections import Counter

import httpx2
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.services import Services
from db.engine import Database, open_engine
from runtime.settings import Settings
from tests.api.conftest import away
from tests.storefront import Storefront


def statuses(answers: list[httpx2.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


async def test_ten_units_are_sold_to_ten_of_fifty_buyers(shop: Storefront) -> None:
    sku = await shop.item(stock=10)
    answers = await asyncio.gather(*(shop.place({sku: 1}) for _ in range(50)))
    assert statuses(answers) == {201: 10, 409: 40}
    for answer in answers:
        if answer.status_code == 409:
            short = answer.json()["shortages"]
            assert [(each["sku"], each["requested"]) for each in short] == [(sku, 1)]
    assert await shop.reserved(sku) == 10
    await shop.assert_sound()


async def test_the_last_unit_is_sold_once_among_two_hundred(shop: Storefront) -> None:
    sku = await shop.item(stock=1)
    answers = await asyncio.gather(*(shop.place({sku: 1}) for _ in range(200)))
    assert statuses(answers) == {201: 1, 409: 199}
    await shop.assert_sound()


@pytest.fixture(scope="module")
async def second(database_url: str) -> FastAPI:
    """Another API process's application on the same books: it shares locks, not batches."""
    books = Database(open_engine(database_url, application="tests-2"))
    return create_app(Services(settings=Settings(), db=books, temporal=away))


async def test_two_processes_never_sell_the_same_unit_or_wait_in_a_circle(
    shop: Storefront, second: FastAPI
) -> None:
    items = [await shop.item(stock=15) for _ in range(4)]
    secret = await shop.callers.key("admin")
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(second), base_url="http://second"
    ) as other:

        async def buy(number: int) -> httpx2.Response:
            order = items if number % 2 else items[::-1]
            wanted = dict.fromkeys(order, 1)
            if number % 3:
                return await shop.place(wanted)
            headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": f"race-{number}"}
            return await other.post("/orders", json=shop.order(wanted), headers=headers)

        answers = await asyncio.gather(*(buy(number) for number in range(60)))
    assert statuses(answers) == {201: 15, 409: 45}
    assert [await shop.reserved(sku) for sku in items] == [15] * 4
    await shop.assert_sound()


async def test_two_processes_make_one_order_of_one_key(shop: Storefront, second: FastAPI) -> None:
    sku = await shop.item(stock=40)
    secret = await shop.callers.key("admin")
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "of-two-processes"}
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(second), base_url="http://second"
    ) as other:
        clients = (shop.callers.client, other)
        body = shop.order({sku: 1})
        answers = await asyncio.gather(
            *(clients[n % 2].post("/orders", json=body, headers=headers) for n in range(40))
        )
    assert statuses(answers) == {201: 40}
    assert len({answer.content for answer in answers}) == 1
    assert await shop.reserved(sku) == 1


async def test_one_order_that_the_books_refuse_does_not_fail_its_neighbours(
    shop: Storefront,
) -> None:
    sku = await shop.item(stock=50)
    same = {"source": "web", "external_reference": "twice"}
    bodies = [same, {}, {}, same, {}, same, {}]
    answers = await asyncio.gather(*(shop.place({sku: 1}, **rest) for rest in bodies))
    codes = [answer.status_code for answer in answers]
    assert Counter(codes) == {201: 5, 409: 2}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {
        "already_exists"
    }
    await shop.assert_sound()
