"""Strangers: to an integration, documents of other sources do not exist, in whatever view."""

from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import text

from db.engine import Database
from tests.api.callers import Callers, new_key
from tests.api.two_shops import Asker, World, open_world, shipment_of


@pytest.fixture(scope="module")
async def world(callers: Callers, books: Database) -> World:
    return await open_world(callers, books)


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
    shipment = await shipment_of(order["id"], books)
    for who, status in ((world.rival, 404), (world.shop, 200), (world.erp, 200)):
        for part in ("", "/tracking"):
            assert (await who.get(f"/shipments/{shipment}{part}")).status_code == status, part
    assert (await world.rival.get(f"/shipments/{shipment}/process")).status_code == 404
    assert await world.rival.ids(f"/shipments?order_id={order['id']}") == []
    assert await world.shop.ids(f"/shipments?order_id={order['id']}") == [shipment]


async def test_no_route_of_a_document_lets_a_stranger_through(
    world: World, app: FastAPI, callers: Callers, books: Database
) -> None:
    """T14: whatever the route: 404, or 403 or 422 before anything is looked for."""
    order = await world.placed(world.shop)
    mine = (await world.shop.post("/customers", {"name": "Fay"})).json()["id"]
    [payment] = await world.shop.ids(f"/payments?order_id={order['id']}")
    ids = {
        "order_id": order["id"],
        "payment_id": payment,
        "shipment_id": await shipment_of(order["id"], books),
        "customer_id": mine,
    }
    key = await new_key(books, "customer", customer_id=world.customer)
    await books_changed(books, order["id"], mine)
    strangers = (world.rival, Asker(callers.client, key))
    walked = set()
    for route in app.routes:
        if not isinstance(route, APIRoute) or not ids.keys() & route.param_convertors.keys():
            continue
        path = route.path_format
        for name in route.param_convertors:
            path = path.replace(f"{{{name}}}", ids.get(name, str(uuid4())))
        for method in route.methods or ():
            walked.add((method, route.path_format))
            body = BODIES.get(route.path_format, {})
            for who in strangers:
                answer = await who.ask(method, path, None if method == "GET" else body)
                assert answer.status_code in (403, 404, 422), (method, path, answer.text)
                assert order["number"] not in answer.text
                if who is world.rival and path.endswith(("/cancel", "/payments")):
                    assert answer.status_code == 404
    assert {("GET", f"/{name}s/{{{name}_id}}") for name in KINDS} <= walked
    assert (await world.shop.get(f"/orders/{order['id']}")).json()["status"] == "pending"


KINDS = ("order", "payment", "shipment", "customer")
BODIES = {"/orders/{order_id}/payments": {"token": "tok_ok"}}


async def books_changed(books: Database, order_id: str, customer_id: str) -> None:
    """Give the order to another customer than the one who asks."""
    async with books.begin() as db:
        await db.execute(
            text("UPDATE orders SET customer_id = :customer WHERE id = :order"),
            {"customer": UUID(customer_id), "order": UUID(order_id)},
        )


async def test_an_integration_follows_its_own_source_in_the_feed(world: World) -> None:
    """T14: pages go on past what it may not see; items and stock are common to all."""
    await world.placed(world.rival)
    await world.placed(world.support)
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
        assert (await who.get(f"/inventory/movements/{moved['id']}")).json() == moved
        asked = await who.ids(f"/inventory/movements?document_id={order['id']}")
        assert asked == ([moved["id"]] if told else [])
    lost = {"sku": world.sku, "site": "AUS", "quantity": "-100", "reason": "lost"}
    for who, told in ((world.shop, True), (world.rival, False), (world.erp, True)):
        refused = await who.post("/inventory/adjustments", lost)
        assert (refused.status_code, refused.json()["code"]) == (409, "out_of_stock")
        assert (order["id"] in refused.text) == told
