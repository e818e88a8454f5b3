"""Sources: an integration brings its own documents, sees no others, and learns no stranger's id."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from db.engine import Database
from tests.api.callers import Callers, new_key
from tests.shop import Shop
from tests.storefront import Storefront, an_order


@dataclass
class Asker:
    """Somebody with a key of their own."""

    client: httpx2.AsyncClient
    secret: str

    async def get(self, path: str) -> httpx2.Response:
        return await self.client.get(path, headers={"X-API-Key": self.secret})

    async def post(self, path: str, body: object) -> httpx2.Response:
        headers = {"X-API-Key": self.secret, "Idempotency-Key": uuid4().hex}
        return await self.client.post(path, json=body, headers=headers)

    async def ids(self, path: str) -> list[str]:
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]


@dataclass
class World:
    """Two shops, an ERP that sees both, one customer and something to sell."""

    shop: Asker
    rival: Asker
    erp: Asker
    support: Asker
    buyer: Asker
    customer: str
    sku: str

    def order(self, **rest: Any) -> dict[str, Any]:
        return an_order(self.customer, {self.sku: 1}, **rest)

    async def placed(self, by: Asker, **rest: Any) -> Mapping[str, Any]:
        answer = await by.post("/orders", self.order(**rest))
        assert answer.status_code == 201, answer.text
        body: Mapping[str, Any] = answer.json()
        return body


@pytest.fixture(scope="module")
async def world(callers: Callers, books: Database) -> World:
    company = Shop(books)
    await company.open()
    storefront = Storefront(company, callers)
    sku = await storefront.item(stock=100)

    async def asker(role: str, name: str, **rest: Any) -> Asker:
        return Asker(callers.client, await new_key(books, role, name=name, **rest))

    return World(
        shop=await asker("integration", "shop"),
        rival=await asker("integration", "rival"),
        erp=await asker("integration", "erp", scopes=["sources:all"]),
        support=await asker("support", "desk"),
        buyer=await asker("customer", "buyer", customer_id=company.customer_id),
        customer=storefront.customer_id,
        sku=sku,
    )


async def test_two_shops_may_count_alike(world: World) -> None:
    """T14: a reference is unique within its source, and the source is the integration's name."""
    first = await world.placed(world.shop, external_reference="1001")
    other = await world.placed(world.rival, external_reference="1001")
    assert (first["source"], other["source"]) == ("shop", "rival")
    again = await world.shop.post("/orders", world.order(external_reference="1001"))
    assert (again.status_code, again.json()["code"]) == (409, "already_exists")
    assert again.json()["id"] == first["id"]
    named = await world.shop.post("/orders", world.order(external_reference="1001", source="shop"))
    assert (named.status_code, named.json()["id"]) == (409, first["id"])


async def test_nobody_brings_what_another_source_would_bring(world: World) -> None:
    """T14: 422 for another integration's name, and for a customer who gives any."""
    cases: list[tuple[Asker, dict[str, str], list[str]]] = [
        (world.shop, {"source": "rival"}, ["/source"]),
        (world.shop, {"source": "api"}, ["/source"]),
        (world.shop, {"source": "rival", "external_reference": "7"}, ["/source"]),
        (world.buyer, {"source": "shop"}, ["/source"]),
        (world.buyer, {"source": "api"}, ["/source"]),
        (world.buyer, {"external_reference": "1002"}, ["/external_reference"]),
        (
            world.buyer,
            {"source": "s", "external_reference": "1"},
            ["/source", "/external_reference"],
        ),
    ]
    for who, given, pointers in cases:
        answer = await who.post("/orders", world.order(**given))
        assert answer.status_code == 422, given
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    named = await world.shop.post("/customers", {"name": "Bea", "source": "rival"})
    assert named.status_code == 422
    # The shop's next number is still free.
    await world.placed(world.shop, external_reference="1002")


async def test_a_scope_lets_an_integration_name_other_sources(world: World) -> None:
    """T14: `sources:all`, which staff have without asking."""
    assert (await world.placed(world.erp, source="market"))["source"] == "market"
    assert (await world.placed(world.erp))["source"] == "erp"
    assert (await world.placed(world.support, source="phone"))["source"] == "phone"
    assert (await world.placed(world.support))["source"] == "api"
    assert (await world.placed(world.buyer))["source"] == "api"


async def test_another_sources_order_does_not_exist_for_an_integration(world: World) -> None:
    """T14: not read, cancelled, paid, listed, followed or asked about, by its id or number."""
    order = await world.placed(world.shop, external_reference="secret")
    path = f"/orders/{order['id']}"
    for part in ("", "/timeline", "/process"):
        answer = await world.rival.get(path + part)
        assert (answer.status_code, order["number"] in answer.text) == (404, False), part
    assert (await world.rival.post(f"{path}/cancel", {})).status_code == 404
    assert (await world.rival.post(f"{path}/payments", {"token": "tok_ok"})).status_code == 404
    for asked in (f"number={order['number']}", "external_reference=secret"):
        assert await world.rival.ids(f"/orders?{asked}") == []
        assert await world.shop.ids(f"/orders?{asked}") == [order["id"]]
        assert await world.erp.ids(f"/orders?{asked}") == [order["id"]]
    [payment] = await world.shop.ids(f"/payments?order_id={order['id']}")
    assert await world.rival.ids(f"/payments?order_id={order['id']}") == []
    for who, status in ((world.rival, 404), (world.shop, 200), (world.erp, 200)):
        assert (await who.get(path)).status_code == status
        assert (await who.get(f"{path}/timeline")).status_code == status
        assert (await who.get(f"/payments/{payment}")).status_code == status


async def test_another_sources_shipment_does_not_exist_for_an_integration(
    world: World, books: Database
) -> None:
    """T14: nor what belongs to the order."""
    order = await world.placed(world.shop)
    shipment = str(uuid4())
    async with books.begin() as db:
        await db.execute(
            text(
                """INSERT INTO shipments (id, order_id, site_id, status, carrier, service,
                    ship_from, ship_to)
                SELECT CAST(:shipment AS uuid), o.id, (SELECT id FROM sites LIMIT 1), 'pending',
                    'sandbox', 'ground', '{}', o.ship_to
                FROM orders o WHERE o.id = CAST(:order AS uuid)"""
            ),
            {"shipment": shipment, "order": order["id"]},
        )
    for who, status in ((world.rival, 404), (world.shop, 200), (world.erp, 200)):
        for part in ("", "/tracking"):
            assert (await who.get(f"/shipments/{shipment}{part}")).status_code == status, part
    assert (await world.rival.get(f"/shipments/{shipment}/process")).status_code == 404
    assert await world.rival.ids(f"/shipments?order_id={order['id']}") == []
    assert await world.shop.ids(f"/shipments?order_id={order['id']}") == [shipment]


async def test_an_integration_follows_its_own_source_in_the_feed(world: World) -> None:
    """T14: pages go on past what it may not see; items and stock are common to all."""
    await world.placed(world.rival)
    mine = await world.placed(world.shop)
    stranger = (await world.support.post("/customers", {"name": "Eve"})).json()["id"]
    seen: dict[str, set[str]] = {}
    for name, who in (("shop", world.shop), ("rival", world.rival), ("erp", world.erp)):
        seen[name], path, more = set(), "/events?limit=3", True
        while more:
            page = (await who.get(path)).json()
            assert len(page["items"]) <= 3
            seen[name] |= {event["subject"] for event in page["items"]}
            path, more = page["next"], page["has_more"]
    orders = {name: {one for one in found if one.startswith("SO-")} for name, found in seen.items()}
    assert mine["number"] in orders["shop"]
    assert orders["rival"]
    assert not orders["shop"] & orders["rival"]
    assert orders["shop"] | orders["rival"] < orders["erp"]
    assert all(world.sku in found for found in seen.values())
    assert stranger in seen["erp"] - seen["shop"] - seen["rival"]
    [own] = (await world.shop.get(f"/events?subject_id={mine['id']}&limit=1")).json()["items"]
    assert (own["type"], own["actor"]) == ("order.placed.v1", "key:shop")
    assert (await world.rival.get(f"/events?subject_id={mine['id']}")).json()["items"] == []


async def test_what_stock_moved_for_is_told_to_its_own_source(
    world: World, books: Database
) -> None:
    """T14: stock is common to all, the documents that hold or moved it are not."""
    order = await world.placed(world.shop)
    async with books.begin() as db:
        await db.execute(
            text(
                """INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id,
                    to_location_id, document_type, document_id, line_id, actor, occurred_at)
                SELECT gen_random_uuid(), CAST(:order AS text), 'issue', r.item_id, 1,
                    r.location_id, (SELECT id FROM locations WHERE id <> r.location_id LIMIT 1),
                    'order', r.document_id, r.line_id, 'system', now()
                FROM reservations r WHERE r.document_id = CAST(:order AS uuid)"""
            ),
            {"order": order["id"]},
        )
    line = order["lines"][0]["id"]
    path = f"/inventory/movements?sku={world.sku}&kind=issue&limit=1"
    for who, told in ((world.shop, True), (world.rival, False), (world.erp, True)):
        [moved] = (await who.get(path)).json()["items"]
        seen = (moved["document_id"], moved["line_id"])
        assert seen == ((order["id"], line) if told else (None, None))
        asked = await who.ids(f"/inventory/movements?document_id={order['id']}")
        assert asked == ([moved["id"]] if told else [])
    lost = {"sku": world.sku, "site": "AUS", "quantity": "-100", "reason": "lost"}
    for who, told in ((world.shop, True), (world.rival, False), (world.erp, True)):
        refused = await who.post("/inventory/adjustments", lost)
        assert (refused.status_code, refused.json()["code"]) == (409, "out_of_stock")
        assert (order["id"] in refused.text) == told


async def test_a_refusal_names_a_customer_only_to_who_may_read_it(world: World) -> None:
    """T14: that an email is taken can be told, whose it is cannot."""
    body = {"name": "Cy", "email": "cy@example.com", "external_reference": "C-1"}
    made = (await world.shop.post("/customers", body)).json()
    assert (made["source"], made["external_reference"]) == ("shop", "C-1")
    for who, told in (
        (world.shop, made["id"]),
        (world.rival, None),
        (world.erp, made["id"]),
        (world.support, made["id"]),
    ):
        answer = await who.post("/customers", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")
        assert answer.json().get("id") == told
        assert (made["id"] in answer.text) == (told is not None)
        assert (await who.get(f"/customers/{made['id']}")).status_code == (200 if told else 404)
        assert await who.ids("/customers?email=cy@example.com") == ([made["id"]] if told else [])
    same = {"name": "Di", "external_reference": "C-1"}
    assert (await world.rival.post("/customers", same)).status_code == 201
    # Its own customer is named to it, though a stranger's has the email.
    both = (await world.rival.post("/customers", body)).json()
    assert both["id"] in await world.rival.ids("/customers")
    assert both["id"] != made["id"]


async def test_an_order_may_be_for_any_customer_whose_id_is_known(world: World) -> None:
    """T14: shops that share customers are given the ids; the order is the shop's own."""
    assert (await world.shop.get(f"/customers/{world.customer}")).status_code == 404
    order = await world.placed(world.shop)
    assert order["customer_id"] == world.customer
    assert (await world.buyer.get(f"/orders/{order['id']}")).status_code == 200


async def test_a_source_spelled_out_is_the_same_request(world: World) -> None:
    """T15: a default that is written down makes no difference to its Idempotency-Key."""
    headers = {"X-API-Key": world.shop.secret, "Idempotency-Key": uuid4().hex}
    answers = [
        await world.shop.client.post("/orders", json=world.order(**given), headers=headers)
        for given in ({}, {"source": "shop"})
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
