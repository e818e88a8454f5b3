"""Orders found by when they were placed or changed, by source, and by words that are computed."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from sqlalchemy import text

from api import words
from tests.api.callers import new_key
from tests.api.orders.conftest import problem
from tests.storefront import Storefront


async def found(shop: Storefront, **query: Any) -> list[str]:
    """Return the ids on all pages, from the first to the last."""
    address: str | None = f"/orders?{urlencode(query, doseq=True)}"
    ids: list[str] = []
    while address:
        answer = await shop.callers.get(address)
        assert answer.status_code == 200, answer.text
        ids += [order["id"] for order in answer.json()["items"]]
        address = answer.json()["next"]
    return ids


async def several(shop: Storefront, count: int, **rest: Any) -> list[dict[str, Any]]:
    sku = await shop.item(stock=count)
    return [await shop.placed({sku: 1}, **rest) for _ in range(count)]


async def test_a_window_begins_with_its_first_moment_and_ends_before_its_last(
    shop: Storefront,
) -> None:
    """Two windows that meet hold every order once, whatever the size of their pages."""
    orders = await several(shop, 5, customer_id=await shop.customer())
    at = [order["placed_at"] for order in orders]
    ids = [order["id"] for order in orders]
    mine = {"customer_id": orders[0]["customer_id"]}
    for limit in (1, 2, 20):
        window = {**mine, "limit": limit, "created_from": at[1], "created_to": at[3]}
        assert await found(shop, **window) == [ids[2], ids[1]]
        assert await found(shop, **mine, limit=limit, created_from=at[3]) == [ids[4], ids[3]]
    assert await found(shop, **mine, created_to=at[1]) == [ids[0]]
    assert await found(shop, **mine, created_from=at[3], created_to=at[1]) == []
    elsewhere = datetime.fromisoformat(at[4]).astimezone().isoformat()
    assert await found(shop, **mine, created_from=elsewhere) == [ids[4]]


async def test_what_changed_since_is_found_the_newest_change_first(shop: Storefront) -> None:
    orders = await several(shop, 3, customer_id=await shop.customer())
    mine = {"customer_id": orders[0]["customer_id"], "limit": 1}
    changed = []
    for order in (orders[2], orders[0]):
        path = f"/orders/{order['id']}"
        answer = await shop.callers.ask("PATCH", path, json={"notes": "Ring twice."})
        changed.append(answer.json())
    since = changed[0]["updated_at"]
    assert await found(shop, **mine, updated_from=since) == [orders[0]["id"], orders[2]["id"]]
    later = datetime.fromisoformat(changed[1]["updated_at"]) + timedelta(microseconds=1)
    assert await found(shop, **mine, updated_from=later.isoformat()) == []
    placed = {"created_to": orders[1]["placed_at"]}
    assert await found(shop, **mine, **placed, updated_from=since) == [orders[0]["id"]]


@pytest.mark.parametrize("name", ["created_from", "created_to", "updated_from"])
@pytest.mark.parametrize(
    "instant",
    ["2030-01-01", "2030-01-01T00:00:00", "0001-01-01T00:00:00+01:00", "1767225600", "", "NaN"],
)
async def test_an_instant_needs_its_zone_and_lies_in_the_calendar(
    shop: Storefront, name: str, instant: str
) -> None:
    for path in ("/orders", "/customers", "/items", "/shipments", "/payments"):
        if path != "/orders" and name == "updated_from":
            continue
        answer = await shop.callers.get(f"{path}?{urlencode({name: instant})}")
        refused = problem(answer, 422, "malformed")
        assert refused["errors"][0]["pointer"] == f"/query/{name}"


@pytest.mark.parametrize("path", ["/customers", "/items"])
async def test_other_lists_have_the_window_of_their_making(shop: Storefront, path: str) -> None:
    made = []
    for number in range(3):
        body = {"name": "Ada"} if path == "/customers" else {"sku": uuid4().hex, "name": "Mug"}
        made.append(
            (await shop.callers.post(path, {**body, "metadata": {"n": str(number)}})).json()
        )
    window = {"created_from": made[0]["created_at"], "created_to": made[2]["created_at"]}
    address: str | None = f"{path}?{urlencode({**window, 'limit': 1})}"
    seen = []
    while address:
        page = (await shop.callers.get(address)).json()
        seen += [one["id"] for one in page["items"]]
        address = page["next"]
    assert seen == [made[1]["id"], made[0]["id"]]


async def test_payments_have_the_window_of_their_making(shop: Storefront) -> None:
    orders = await several(shop, 2)
    path = "/payments?" + urlencode({"order_id": orders[0]["id"]})
    [payment] = (await shop.callers.get(path)).json()["items"]
    for window, expected in (
        ({"created_from": payment["created_at"]}, [payment]),
        ({"created_to": payment["created_at"]}, []),
    ):
        found = (await shop.callers.get(f"{path}&{urlencode(window)}")).json()["items"]
        assert found == expected


async def test_an_integration_finds_by_source_only_what_is_its_own(shop: Storefront) -> None:
    """Decision 15: the documents of other sources do not exist, whatever is filtered by."""
    name = f"shop-{uuid4()}"
    secret = await new_key(shop.books, "integration", name=name)
    [order] = await several(shop, 1)
    sku = await shop.item()
    headers = {"X-API-Key": secret, "Idempotency-Key": uuid4().hex}
    client = shop.callers.client
    own = await client.post("/orders", json=shop.order({sku: 1}), headers=headers)
    assert own.status_code == 201, own.text
    assert await found(shop, source=name) == [own.json()["id"]]
    assert order["id"] in await found(shop, source="api", created_from=order["placed_at"])
    window = {"created_from": order["placed_at"], "updated_from": order["placed_at"]}
    for query, expected in (
        ({"source": name}, [own.json()["id"]]),
        ({"source": "api"}, []),
        (window, [own.json()["id"]]),
        ({**window, "payment_status": "unpaid"}, [own.json()["id"]]),
        ({"source": "api", "fulfillment_status": "unfulfilled"}, []),
    ):
        address = f"/orders?{urlencode(query)}"
        seen = (await client.get(address, headers={"X-API-Key": secret})).json()["items"]
        assert [one["id"] for one in seen] == expected, query


async def test_orders_are_found_by_the_words_that_their_views_show(
    shop: Storefront, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every order under its own words and under no other, also across pages that come out empty."""
    monkeypatch.setattr(words, "MOST_READ", 2)
    monkeypatch.setattr(words, "_AT_ONCE", 2)
    customer = await shop.customer()
    orders = await several(shop, 7, customer_id=customer)
    await shipped(shop, orders[1], shipped=1)
    await shipped(shop, orders[2], shipped=1, delivered=1)
    await paid(shop, orders[1], "authorization")
    await paid(shop, orders[2], "authorization", "capture")
    await paid(shop, orders[3], "authorization", "capture", "refund")
    mine: dict[str, Any] = {"customer_id": customer}
    shown = (await shop.callers.get(f"/orders?{urlencode(mine)}")).json()["items"]
    for field in ("fulfillment_status", "payment_status"):
        by_word: dict[str, list[str]] = {}
        for order in shown:
            by_word.setdefault(order[field], []).append(order["id"])
        assert len(by_word) >= 3
        for word, expected in by_word.items():
            assert await found(shop, **mine, limit=1, **{field: word}) == expected
        everything = [order["id"] for order in shown]
        assert await found(shop, **mine, limit=3, **{field: list(by_word)}) == everything
    none = {"fulfillment_status": "delivered", "payment_status": "refunded"}
    assert await found(shop, **mine, **none) == []
    both = {"fulfillment_status": "shipped", "payment_status": "authorized"}
    assert await found(shop, **mine, **both) == [orders[1]["id"]]
    assert await found(shop, **mine, status="cancelled", fulfillment_status="shipped") == []
    refused = await shop.callers.get("/orders?payment_status=paid")
    problem(refused, 422, "malformed")


async def test_payments_are_found_by_how_their_money_stands(
    shop: Storefront, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Payments 7: each under the word that it shows and under no other, page by page."""
    monkeypatch.setattr(words, "MOST_READ", 2)
    monkeypatch.setattr(words, "_AT_ONCE", 2)
    orders = await several(shop, 4)
    await paid(shop, orders[1], "authorization")
    await paid(shop, orders[2], "authorization", "capture")
    await paid(shop, orders[3], "authorization", "capture", "refund")
    [oldest] = (await shop.callers.get(f"/payments?order_id={orders[0]['id']}")).json()["items"]
    by_order: dict[str, str] = {}
    for word in ("pending", "authorized", "captured", "refunded"):
        query = {"status": word, "created_from": oldest["created_at"], "limit": 1}
        address = f"/payments?{urlencode(query)}"
        while address:
            page = (await shop.callers.get(address)).json()
            assert {payment["status"] for payment in page["items"]} <= {word}
            by_order |= {payment["order_id"]: word for payment in page["items"]}
            address = page["next"]
    assert [by_order[order["id"]] for order in orders] == [
        "pending",
        "authorized",
        "captured",
        "refunded",
    ]
    refused = await shop.callers.get("/payments?status=paid")
    problem(refused, 422, "malformed")


async def shipped(shop: Storefront, order: dict[str, Any], **counters: int) -> None:
    changes = ", ".join(f"{name} = {units}" for name, units in counters.items())
    async with shop.books.begin() as db:
        change = text(f"UPDATE order_lines SET {changes} WHERE order_id = :id")
        await db.execute(change, {"id": order["id"]})


async def paid(shop: Storefront, order: dict[str, Any], *kinds: str) -> None:
    add = text(
        "INSERT INTO payment_entries (id, payment_id, kind, phase, key, amount)"
        " SELECT gen_random_uuid(), id, :kind, 'succeeded', 'k' || id, amount FROM payments"
        " WHERE order_id = :id"
    )
    async with shop.books.begin() as db:
        for kind in kinds:
            await db.execute(add, {"id": order["id"], "kind": kind})
