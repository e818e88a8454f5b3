"""Placing an order again under the same Idempotency-Key."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from db.engine import Database
from tests.api.callers import new_key
from tests.api.orders.conftest import problem
from tests.storefront import Storefront


async def send(shop: Storefront, body: Any, *keys: str, role: str = "admin") -> httpx2.Response:
    """Send raw bytes or an object with exactly these Idempotency-Key headers."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = [
        ("Authorization", f"Bearer {await shop.callers.key(role)}"),
        ("Content-Type", "application/json"),
        *(("Idempotency-Key", key) for key in keys),
    ]
    return await shop.callers.client.post("/orders", content=content, headers=headers)


async def test_a_repeat_gets_the_first_answer_byte_for_byte(shop: Storefront) -> None:
    sku, key = await shop.item(), uuid4().hex
    first = await shop.place({sku: 1}, key=key)
    again = await shop.place({sku: 1}, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await shop.reserved(sku) == 1


async def test_a_repeat_tells_of_the_creation_even_when_stock_is_gone(shop: Storefront) -> None:
    sku, key = await shop.item(stock=1), uuid4().hex
    first = await shop.place({sku: 1}, key=key)
    problem(await shop.place({sku: 1}), 409, "out_of_stock")
    assert (await shop.place({sku: 1}, key=key)).content == first.content


async def test_the_order_of_members_and_white_space_make_no_difference(shop: Storefront) -> None:
    body, key = shop.order({await shop.item(): 1}), uuid4().hex
    first = await send(shop, body, key)
    turned = dict(reversed(body.items()))
    again = await send(shop, json.dumps(turned, indent=3).encode(), key)
    assert (first.status_code, again.content) == (201, first.content)


async def test_another_body_under_the_same_key_is_refused(shop: Storefront) -> None:
    sku, key = await shop.item(), uuid4().hex
    await shop.place({sku: 1}, key=key)
    before = await shop.counts()
    problem(await shop.place({sku: 2}, key=key), 422, "key_reused")
    assert await shop.counts() == before


async def test_another_route_under_the_same_key_is_refused(shop: Storefront) -> None:
    key = uuid4().hex
    order = await shop.placed({await shop.item(): 1}, key=key)
    customer = await shop.callers.post("/customers", {"name": "Somebody"}, key=key)
    problem(customer, 422, "key_reused")
    hold = await shop.callers.post(f"/orders/{order['id']}/holds", {}, key=key)
    problem(hold, 422, "key_reused")


async def test_the_same_key_of_another_caller_is_another_key(shop: Storefront) -> None:
    sku, key = await shop.item(), uuid4().hex
    mine = await shop.placed({sku: 1}, key=key)
    theirs = await shop.placed({sku: 1}, key=key, role="support")
    assert mine["id"] != theirs["id"]
    problem(await shop.place({sku: 9}, key=key, role="integration"), 409, "out_of_stock")


@pytest.mark.parametrize("refusal", ["malformed", "price_changed", "out_of_stock"])
async def test_a_refusal_leaves_the_key_free(shop: Storefront, refusal: str) -> None:
    sku, key = await shop.item(stock=1), uuid4().hex
    line: dict[str, Any] = {
        "malformed": {"sku": "NO-SUCH", "quantity": 1},
        "price_changed": {
            "sku": sku,
            "quantity": 1,
            "unit_price": {"amount": 1, "currency": "USD"},
        },
        "out_of_stock": {"sku": sku, "quantity": 2},
    }[refusal]
    refused = await shop.place({}, lines=[line], key=key, role="integration")
    assert refused.json()["code"] == refusal
    corrected = await shop.place({sku: 1}, key=key, role="integration")
    assert corrected.status_code == 201, corrected.text


async def test_stock_that_has_come_since_is_sold_under_the_refused_key(shop: Storefront) -> None:
    sku, key = await shop.item(stock=0), uuid4().hex
    problem(await shop.place({sku: 1}, key=key), 409, "out_of_stock")
    await shop.fill(sku, 1)
    made = await shop.place({sku: 1}, key=key)
    assert made.status_code == 201
    assert "idempotent-replayed" not in made.headers


async def test_placing_needs_a_key(shop: Storefront) -> None:
    before = await shop.counts()
    problem(await send(shop, shop.order({await shop.item(stock=0): 1})), 400, "key_missing")
    assert (await shop.counts())["orders"] == before["orders"]


async def test_quotes_do_not_belong_to_the_key(shop: Storefront) -> None:
    body, key = shop.order({await shop.item(): 1}), uuid4().hex
    first = await send(shop, body, f'"{key}"')
    again = await send(shop, body, key)
    assert (first.status_code, again.content) == (201, first.content)


@pytest.mark.parametrize(
    "keys",
    [("",), ('""',), ("a b",), ("k" * 256,), ("one", "two"), ("same", "same"), ("k\tk",), ('a"b',)],
    ids="empty,quoted empty,with a space,256 long,two,twice,with a tab,with a quote".split(","),
)
async def test_a_malformed_key_is_unreadable(shop: Storefront, keys: tuple[str, ...]) -> None:
    body = shop.order({await shop.item(): 1})
    problem(await send(shop, body, *keys), 400, "unreadable")


async def test_the_longest_key_is_accepted(shop: Storefront) -> None:
    key = uuid4().hex + "~" * 223
    assert (await send(shop, shop.order({await shop.item(): 1}), key)).status_code == 201


async def test_fifty_parallel_repeats_make_one_order(shop: Storefront) -> None:
    sku, key = await shop.item(stock=50), uuid4().hex
    answers = await asyncio.gather(*(shop.place({sku: 1}, key=key) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    replayed = [answer for answer in answers if "idempotent-replayed" in answer.headers]
    assert len(replayed) == 49
    assert await shop.reserved(sku) == 1
    found = (await shop.callers.get(f"/orders?sku={sku}")).json()["items"]
    assert [order["id"] for order in found] == [answers[0].json()["id"]]
    await shop.assert_sound()


async def test_parallel_requests_of_one_key_and_different_bodies_make_one_order(
    shop: Storefront,
) -> None:
    sku, key = await shop.item(stock=50), uuid4().hex
    answers = await asyncio.gather(
        *(shop.place({sku: 1 + n % 2}, key=key) for n in range(20)), return_exceptions=False
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 10 + [422] * 10
    assert len({a.json()["id"] for a in answers if a.status_code == 201}) == 1


async def test_an_order_repeated_with_a_new_key_is_one_order_and_one_payment(
    shop: Storefront, books: Database
) -> None:
    """T15: as it was found: two orders, two authorizations."""
    name, key, sku = f"shop {uuid4()}", uuid4().hex, await shop.item()
    answers = [
        await shop.callers.client.post(
            "/orders",
            json=shop.order({sku: 1}),
            headers={
                "X-API-Key": await new_key(books, "integration", name=name),
                "Idempotency-Key": key,
            },
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    paid = """SELECT p.id FROM payments p JOIN order_lines l USING (order_id) WHERE l.sku = :sku"""
    assert len(await shop.rows(paid, sku=sku)) == 1
    assert await shop.reserved(sku) == 1
