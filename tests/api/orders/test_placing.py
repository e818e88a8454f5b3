"""Placing an order: what is promised, what is refused, and what is written either way."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.api.orders.conftest import problem
from tests.storefront import Storefront, dollars


async def test_an_accepted_order_is_answered_as_it_is_read_later(shop: Storefront) -> None:
    one, two = await shop.item(price=1999, tax_rate="0.08"), await shop.item(price=5)
    made = await shop.place({one: 2, two: 3}, external_reference="web-1")
    assert made.status_code == 201, made.text
    order = made.json()
    assert made.headers["location"] == f"/orders/{order['id']}"
    shown = await shop.callers.get(made.headers["location"])
    assert shown.content == made.content
    assert shown.headers["etag"].startswith('"1-')
    assert order["number"].startswith("SO-")
    assert (order["status"], order["payment_status"]) == ("pending", "unpaid")
    assert order["fulfillment_status"] == "unfulfilled"
    assert order["subtotal"] == dollars(2 * 1999 + 15)
    assert order["tax"] == dollars(320)
    assert order["total"] == dollars(2 * 1999 + 15 + 320 + 500)
    assert [line["total"]["amount"] for line in order["lines"]] == [2 * 1999 + 320, 15]
    assert order["bill_to"] == order["ship_to"]


async def test_an_accepted_order_has_its_events_its_promise_and_its_start(shop: Storefront) -> None:
    sku = await shop.item(stock=5)
    order = await shop.placed({sku: 3})
    events = await shop.rows(
        "SELECT type, sequence, subject, actor FROM events WHERE subject_id = :id ORDER BY 2",
        id=order["id"],
    )
    assert [(event["type"], event["sequence"]) for event in events] == [
        ("order.placed.v1", 1),
        ("order.stock_reserved.v1", 2),
    ]
    assert {event["subject"] for event in events} == {order["number"]}
    starts = await shop.rows(
        "SELECT kind, document_type FROM outbox WHERE document_id = :id",
        id=order["id"],
    )
    assert starts == [{"kind": "start", "document_type": "order"}]
    held = await shop.rows(
        "SELECT quantity::int AS units, status FROM reservations WHERE document_id = :id",
        id=order["id"],
    )
    assert held == [{"units": 3, "status": "active"}]
    assert await shop.reserved(sku) == 3
    await shop.assert_sound()


async def test_all_shortages_are_told_at_once_and_no_row_is_left(shop: Storefront) -> None:
    plenty, few, none = await shop.item(stock=9), await shop.item(stock=2), await shop.item(stock=0)
    before = await shop.counts()
    body = problem(await shop.place({plenty: 1, few: 3, none: 1}), 409, "out_of_stock")
    assert sorted(body["shortages"], key=lambda short: short["requested"]) == [
        {"sku": none, "requested": 1, "available": 0},
        {"sku": few, "requested": 3, "available": 2},
    ]
    assert await shop.counts() == before
    assert await shop.reserved(plenty) == 0


async def test_two_lines_of_one_item_are_one_demand(shop: Storefront) -> None:
    sku = await shop.item(stock=5)
    line = {"sku": sku, "quantity": 5}
    body = problem(await shop.place({}, lines=[line, line]), 409, "out_of_stock")
    assert body["shortages"] == [{"sku": sku, "requested": 10, "available": 5}]
    part = {"sku": sku.lower(), "quantity": 2}
    assert (await shop.place({}, lines=[part, part])).status_code == 201
    assert await shop.reserved(sku) == 4


async def test_one_site_is_preferred_and_several_are_used_when_needed(shop: Storefront) -> None:
    sku = await shop.item(stock=2)
    await shop.fill(sku, 3, "RNO")
    order = await shop.placed({sku: 3})
    sites = await shop.rows(
        "SELECT s.code, r.quantity::int AS units FROM reservations r"
        " JOIN locations l ON l.id = r.location_id JOIN sites s ON s.id = l.site_id"
        " WHERE r.document_id = :id",
        id=order["id"],
    )
    assert sites == [{"code": "RNO", "units": 3}]
    another = await shop.item(stock=2)
    await shop.fill(another, 2, "RNO")
    await shop.placed({another: 4})
    assert await shop.reserved(another) == 4


async def test_a_price_that_is_not_ours_is_refused_with_the_current_one(shop: Storefront) -> None:
    sku = await shop.item(price=1000)
    line = {"sku": sku, "quantity": 1, "unit_price": dollars(999)}
    answer = await shop.place({}, lines=[line], role="integration")
    body = problem(answer, 409, "price_changed")
    assert (body["sku"], body["current"]) == (sku, dollars(1000))
    same = {**line, "unit_price": dollars(1000)}
    assert (await shop.place({}, lines=[same], role="integration")).status_code == 201


async def test_only_who_may_price_gives_prices_tax_and_shipping(shop: Storefront) -> None:
    sku = await shop.item(price=1000)
    given: dict[str, Any] = {
        "lines": [{"sku": sku, "quantity": 2, "unit_price": dollars(700)}],
        "tax": dollars(99),
        "shipping": dollars(1),
    }
    for field in ("tax", "shipping"):
        asked = await shop.place({sku: 1}, **{field: given[field]}, role="integration")
        body = problem(asked, 422, "malformed")
        assert [error["pointer"] for error in body["errors"]] == [f"/{field}"]
    secret = await shop.callers.key("integration", "orders:price")
    made = await shop.callers.client.post(
        "/orders",
        json=shop.order({}, **given),
        headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": uuid4().hex},
    )
    assert made.status_code == 201, made.text
    order = made.json()
    assert order["total"] == dollars(2 * 700 + 99 + 1)
    assert order["lines"][0]["unit_price"] == dollars(700)


async def test_a_customer_orders_only_for_itself(shop: Storefront) -> None:
    sku, somebody = await shop.item(), await shop.customer()
    mine = {"role": "customer", "customer_id": shop.customer_id}
    made = await shop.callers.post("/orders", shop.order({sku: 1}), **mine)
    assert made.status_code == 201, made.text
    foreign = {**shop.order({sku: 1}), "customer_id": somebody}
    told = problem(await shop.callers.post("/orders", foreign, **mine), 422, "malformed")
    unknown = {**foreign, "customer_id": str(uuid4())}
    same = problem(await shop.callers.post("/orders", unknown, **mine), 422, "malformed")
    # Whether the other customer exists is not told.
    assert told["errors"] == same["errors"]
    assert told["errors"][0]["pointer"] == "/customer_id"


async def test_a_suspended_customer_orders_nothing(shop: Storefront) -> None:
    sku, customer = await shop.item(), await shop.customer()
    async with shop.books.begin() as db:
        await db.execute(
            text("UPDATE customers SET status = 'suspended' WHERE id = :id"), {"id": customer}
        )
    answer = await shop.place({sku: 1}, customer_id=customer)
    assert problem(answer, 422, "malformed")["errors"][0]["pointer"] == "/customer_id"


@pytest.mark.parametrize("wanted", ["sku", "item_id"])
async def test_an_unknown_item_is_named_by_its_place(shop: Storefront, wanted: str) -> None:
    line = {wanted: "NO-SUCH" if wanted == "sku" else str(uuid4()), "quantity": 1}
    good = {"sku": await shop.item(), "quantity": 1}
    body = problem(await shop.place({}, lines=[good, line]), 422, "malformed")
    assert body["errors"] == [{"pointer": f"/lines/1/{wanted}", "message": "unknown item"}]


async def test_what_is_not_for_sale_cannot_be_ordered(shop: Storefront) -> None:
    hidden = await shop.item(sellable=False)
    problem(await shop.place({hidden: 1}), 422, "malformed")
    old = await shop.item()
    async with shop.books.begin() as db:
        await db.execute(
            text("UPDATE items SET status = 'discontinued' WHERE sku = :sku"), {"sku": old}
        )
    problem(await shop.place({old: 1}), 422, "malformed")


async def test_an_item_without_a_price_in_the_currency_is_refused(shop: Storefront) -> None:
    sku = await shop.item()
    problem(await shop.place({sku: 1}, currency="EUR"), 422, "malformed")


async def test_a_sources_reference_is_ordered_once_for_ever(shop: Storefront) -> None:
    sku = await shop.item()
    first = await shop.placed({sku: 1}, source="web", external_reference="A-1")
    again = await shop.place({sku: 1}, source="web", external_reference="A-1")
    assert problem(again, 409, "already_exists")["id"] == first["id"]
    assert await shop.reserved(sku) == 1
    other = await shop.place({sku: 1}, source="app", external_reference="A-1")
    assert other.status_code == 201


async def test_a_known_reference_is_told_even_when_the_stock_is_gone(shop: Storefront) -> None:
    sku = await shop.item(1)
    first = await shop.placed({sku: 1}, source="web", external_reference="A-2")
    again = await shop.place({sku: 1}, source="web", external_reference="A-2")
    assert problem(again, 409, "already_exists")["id"] == first["id"]


async def test_the_original_names_of_lines_and_items_are_understood(shop: Storefront) -> None:
    sku = await shop.item()
    item = (await shop.callers.get(f"/items?sku={sku}")).json()["items"][0]
    body = shop.order({})
    del body["lines"]
    body["items"] = [{"product_id": item["id"], "quantity": 1}]
    made = await shop.callers.post("/orders", body)
    assert made.status_code == 201, made.text
    assert made.json()["lines"][0]["sku"] == sku


async def test_an_order_without_a_card_waits_for_one(shop: Storefront) -> None:
    order = await shop.placed({await shop.item(): 1}, payment={"method": "card"})
    assert (order["payments"], order["payment_status"]) == ([], "unpaid")
