"""Reading orders: one, many, page by page, and what happened to them."""

from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from tests.api.orders.conftest import problem
from tests.storefront import Storefront


async def ids(shop: Storefront, query: str, **who: Any) -> list[str]:
    answer = await shop.callers.get(f"/orders?{query}", **who)
    assert answer.status_code == 200, answer.text
    return [order["id"] for order in answer.json()["items"]]


async def test_a_known_version_is_not_sent_again(shop: Storefront) -> None:
    order = await shop.placed({await shop.item(): 1})
    path = f"/orders/{order['id']}"
    tag = (await shop.callers.get(path)).headers["etag"]
    assert tag.startswith('"1-')
    again = await shop.callers.get(path, headers={"If-None-Match": f'"0", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    newer = await shop.callers.get(path, headers={"If-None-Match": '"0", W/"1"'})
    assert (newer.status_code, newer.json()) == (200, order)


async def test_an_unknown_order_is_not_found_whatever_is_asked_of_it(shop: Storefront) -> None:
    unknown = f"/orders/{uuid4()}"
    for path in (unknown, f"{unknown}/timeline", f"{unknown}/process"):
        problem(await shop.callers.get(path), 404, "not_found")
    for path, body in (
        ("cancel", {}),
        ("holds", {}),
        ("payments", {"token": "tok_ok"}),
        (f"holds/{uuid4()}/release", None),
    ):
        problem(await shop.callers.post(f"{unknown}/{path}", body), 404, "not_found")


async def test_a_customer_sees_only_its_own_orders(shop: Storefront) -> None:
    sku, me = await shop.item(), await shop.customer()
    mine = await shop.placed({sku: 1}, customer_id=me)
    foreign = await shop.placed({sku: 1})
    who: dict[str, Any] = {"role": "customer", "customer_id": me}
    assert await ids(shop, "", **who) == [mine["id"]]
    assert await ids(shop, f"customer_id={me}", **who) == [mine["id"]]
    assert await ids(shop, f"customer_id={shop.customer_id}", **who) == []
    assert await ids(shop, f"number={foreign['number']}", **who) == []
    path = f"/orders/{mine['id']}"
    unseen = dict.fromkeys(("holds", "metadata", "priority"))
    assert (await shop.callers.get(path, **who)).json() == {**mine, **unseen}
    for suffix in ("", "/timeline", "/process"):
        hidden = await shop.callers.get(f"/orders/{foreign['id']}{suffix}", **who)
        problem(hidden, 404, "not_found")
    before = await shop.counts()
    for suffix, body in (("cancel", {}), ("payments", {"token": "tok_ok"})):
        hidden = await shop.callers.post(f"/orders/{foreign['id']}/{suffix}", body, **who)
        problem(hidden, 404, "not_found")
    assert await shop.counts() == before


async def test_orders_are_found_by_every_filter(shop: Storefront) -> None:
    sku, customer = await shop.item(), await shop.customer()
    order = await shop.placed(
        {sku: 1}, customer_id=customer, source="web", external_reference="found"
    )
    await shop.placed({await shop.item(): 1})
    one = [order["id"]]
    assert await ids(shop, f"customer_id={customer}") == one
    assert await ids(shop, f"sku={sku}") == one
    assert await ids(shop, f"number={order['number']}") == one
    assert await ids(shop, "external_reference=found") == one
    assert await ids(shop, f"sku={sku}&status=pending&status=confirmed&on_hold=false") == one
    for none in ("status=completed", "on_hold=true", f"customer_id={uuid4()}", "number=SO-0"):
        assert await ids(shop, f"sku={sku}&{none}") == []


async def test_pages_follow_each_other_newest_first(shop: Storefront) -> None:
    customer = await shop.customer()
    sku = await shop.item()
    placed = [(await shop.placed({sku: 1}, customer_id=customer))["id"] for _ in range(5)]
    seen: list[str] = []
    address: str | None = f"/orders?limit=2&customer_id={customer}&status=pending"
    while address:
        page = (await shop.callers.get(address)).json()
        assert 1 <= len(page["items"]) <= 2
        seen += [order["id"] for order in page["items"]]
        address = page["next"]
        if address:
            query = parse_qs(urlsplit(address).query)
            assert (query["limit"], query["status"]) == (["2"], ["pending"])
    assert seen == placed[::-1]


async def test_a_page_shows_an_order_as_it_shows_alone(shop: Storefront) -> None:
    order = await shop.placed({await shop.item(): 2, await shop.item(): 1})
    page = (await shop.callers.get(f"/orders?number={order['number']}")).json()
    assert page == {"items": [order], "next": None}


@pytest.mark.parametrize(
    "query",
    [
        "stauts=pending",
        "status=PENDING",
        "status=",
        "limit=0",
        "limit=-1",
        "limit=101",
        "limit=1e9",
        "after=nonsense",
        "after=../1",
        "customer_id=null",
        "on_hold=perhaps",
        "sort=total",
        "number=" + "x" * 201,
        "sku=%00",
        "offset=1",
        "&".join(["status=pending"] * 3) + "&status=no",
    ],
)
async def test_a_list_refuses_what_it_does_not_know(shop: Storefront, query: str) -> None:
    body = problem(await shop.callers.get(f"/orders?{query}"), 422, "malformed")
    assert body["errors"][0]["pointer"].startswith("/query/")


@pytest.mark.parametrize("text", ["%25", "_", "%5C", "'%20OR%201=1", "%F0%9F%A6%8A"])
async def test_filters_take_every_character_literally(shop: Storefront, text: str) -> None:
    await shop.placed({await shop.item(): 1}, external_reference=uuid4().hex)
    assert await ids(shop, f"external_reference={text}") == []


async def test_a_mark_of_another_list_only_ends_the_page_elsewhere(shop: Storefront) -> None:
    assert await ids(shop, f"after={uuid4()}&limit=1") is not None


async def test_the_timeline_tells_what_happened_oldest_first(shop: Storefront) -> None:
    order = await shop.placed({await shop.item(): 1})
    page = (await shop.callers.get(f"/orders/{order['id']}/timeline")).json()
    assert [event["type"] for event in page["items"]] == [
        "order.placed.v1",
        "order.stock_reserved.v1",
    ]
    assert [event["sequence"] for event in page["items"]] == [1, 2]
    first = page["items"][0]
    assert first["subject"] == order["number"]
    assert first["data"]["total"] == order["total"]
    assert first["actor"].startswith("key:")
    assert first["correlation_id"] == f"order-fulfillment/{order['id']}"


async def test_numbers_are_unique_and_ids_are_in_the_order_of_placing(shop: Storefront) -> None:
    sku = await shop.item()
    placed = [await shop.placed({sku: 1}) for _ in range(3)]
    assert len({order["number"] for order in placed}) == 3
    assert sorted(order["id"] for order in placed) == [order["id"] for order in placed]
