"""Changing customers and items over HTTP."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.api.callers import Callers
from tests.shop import opened
from tests.storefront import an_order

HOME = {
    "name": "Ada",
    "line1": "12, St James's Square",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}


NO_ANSWERS = (
    "ALTER TABLE idempotency_keys ADD CONSTRAINT ck_no_answers CHECK (state <> 'done') NOT VALID"
)


@pytest.fixture(scope="module", autouse=True)
async def sites(database_url: str) -> None:
    async with opened(database_url):
        pass


async def a_customer(callers: Callers, **rest: Any) -> dict[str, Any]:
    made = await callers.post("/customers", {"name": "Ada", **rest})
    assert made.status_code == 201, made.text
    customer: dict[str, Any] = made.json()
    return customer


async def an_item(callers: Callers) -> dict[str, Any]:
    prices = [{"amount": 900, "currency": "EUR"}, {"amount": 1000, "currency": "USD"}]
    made = await callers.post(
        "/items", {"sku": f"SKU-{uuid4()}", "name": "Mug", "prices": prices, "tax_rate": "0.08"}
    )
    assert made.status_code == 201, made.text
    item: dict[str, Any] = made.json()
    stocked = {"sku": item["sku"], "site": "AUS", "quantity": 9, "reason": "found"}
    assert (await callers.post("/inventory/adjustments", stocked)).status_code == 201
    return item


async def types(callers: Callers, subject_id: str) -> list[str]:
    """Return what has happened to it, oldest first."""
    found = await callers.get(f"/events?subject_id={subject_id}")
    return [event["type"] for event in found.json()["items"]]


async def test_a_changed_customer_keeps_what_was_left_out(callers: Callers) -> None:
    customer = await a_customer(callers, email="moves@example.com", phone="+4930123456")
    path = f"/customers/{customer['id']}"
    given = {"email": " New@Example.com", "address": HOME, "phone": None}
    changed = await callers.ask("PATCH", path, json=given)
    assert changed.status_code == 200, changed.text
    shown = changed.json()
    assert (shown["name"], shown["email"], shown["phone"]) == ("Ada", "new@example.com", None)
    assert shown["address"]["line1"] == HOME["line1"]
    assert shown["version"] == 2
    assert (await callers.get(path)).json() == shown
    again = await callers.ask("PATCH", path, json=given)
    assert again.json() == shown
    events = (await callers.get(f"/events?subject_id={customer['id']}")).json()["items"]
    assert [one["type"] for one in events] == ["customer.created.v1", "customer.changed.v1"]
    assert events[1]["data"]["fields"] == ["address", "email", "phone"]
    assert "example.com" not in str(events)


async def test_a_change_of_what_was_read_before_another_change_is_refused(callers: Callers) -> None:
    for path in (
        f"/customers/{(await a_customer(callers))['id']}",
        f"/items/{(await an_item(callers))['id']}",
    ):
        tag = (await callers.get(path)).headers["etag"]
        match = {"If-Match": tag}
        first = await callers.ask("PATCH", path, json={"name": "First"}, headers=match)
        assert first.status_code == 200, first.text
        late = await callers.ask("PATCH", path, json={"name": "Late"}, headers=match)
        assert (late.status_code, late.json()["code"]) == (412, "stale")
        assert (await callers.get(path)).json()["name"] == "First"


async def test_an_email_stays_one_customers_when_another_changes_to_it(callers: Callers) -> None:
    first = await a_customer(callers, email="first@example.com")
    second = await a_customer(callers, email="second@example.com")
    path = f"/customers/{second['id']}"
    refused = await callers.ask("PATCH", path, json={"email": "FIRST@example.com"})
    assert (refused.status_code, refused.json()["code"]) == (409, "already_exists")
    assert refused.json()["id"] == first["id"]
    assert (await callers.get(path)).json()["email"] == "second@example.com"


async def test_a_suspended_customer_orders_nothing_until_taken_back(callers: Callers) -> None:
    customer, item = await a_customer(callers), await an_item(callers)
    path, order = f"/customers/{customer['id']}", an_order(customer["id"], {item["sku"]: 1})
    assert (await callers.ask("PATCH", path, json={"status": "suspended"})).status_code == 200
    refused = await callers.post("/orders", order)
    assert refused.status_code == 422, refused.text
    assert "suspended" in refused.text
    assert (await callers.ask("PATCH", path, json={"status": "active"})).status_code == 200
    assert (await callers.post("/orders", order)).status_code == 201
    happened = ["customer.created.v1", "customer.suspended.v1", "customer.reactivated.v1"]
    assert await types(callers, customer["id"]) == happened


async def test_customers_change_themselves_only_and_not_their_standing(callers: Callers) -> None:
    me, you = await a_customer(callers), await a_customer(callers)
    mine: dict[str, Any] = {"role": "customer", "customer_id": me["id"]}
    change: dict[str, Any] = {"address": HOME}
    own = await callers.ask("PATCH", f"/customers/{me['id']}", json=change, **mine)
    assert own.status_code == 200, own.text
    other = await callers.ask("PATCH", f"/customers/{you['id']}", json=change, **mine)
    assert other.status_code == 404
    suspends = {"status": "suspended"}
    asked = await callers.ask("PATCH", f"/customers/{me['id']}", json=suspends, **mine)
    assert asked.status_code == 403
    assert (await callers.get(f"/customers/{you['id']}")).json()["version"] == 1


async def test_a_new_price_is_for_new_orders_only(callers: Callers) -> None:
    customer, item = await a_customer(callers), await an_item(callers)
    order = an_order(customer["id"], {item["sku"]: 1})
    before = (await callers.post("/orders", order)).json()
    price = {"amount": 1250, "currency": "USD"}
    path = f"/items/{item['id']}"
    changed = await callers.ask("PATCH", path, json={"prices": [price], "name": "Cup"})
    assert changed.status_code == 200, changed.text
    assert changed.json()["prices"] == [{"amount": 900, "currency": "EUR"}, price]
    assert (await callers.ask("PATCH", path, json={"prices": [price]})).json()["version"] == 2
    after = (await callers.post("/orders", order)).json()
    assert [after["lines"][0][part] for part in ("name", "unit_price")] == ["Cup", price]
    kept = (await callers.get(f"/orders/{before['id']}")).json()["lines"][0]
    assert (kept["name"], kept["unit_price"]["amount"]) == ("Mug", 1000)
    happened = ["item.created.v1", "item.changed.v1", "item.price_changed.v1"]
    assert await types(callers, item["id"]) == happened


async def test_a_discontinued_item_is_ordered_no_more(callers: Callers) -> None:
    customer, item = await a_customer(callers), await an_item(callers)
    path, order = f"/items/{item['id']}", an_order(customer["id"], {item["sku"]: 1})
    change = {"status": "discontinued"}
    assert (await callers.ask("PATCH", path, json=change, role="support")).status_code == 403
    shop = await callers.ask("PATCH", path, json=change, role="integration")
    assert (shop.status_code, shop.json()["code"]) == (403, "forbidden")
    assert (await callers.ask("PATCH", path, json=change)).json()["status"] == "discontinued"
    refused = await callers.post("/orders", order)
    assert refused.status_code == 422, refused.text
    assert (await callers.ask("PATCH", path, json={"status": "active"})).status_code == 200
    assert (await callers.post("/orders", order)).status_code == 201


@pytest.mark.parametrize(
    "wrong", [{"name": None}, {"status": None}, {"name": ""}, {"colour": "red"}, {"version": 9}]
)
async def test_a_change_that_makes_no_sense_is_refused(
    wrong: dict[str, Any], callers: Callers
) -> None:
    for path in (
        f"/customers/{(await a_customer(callers))['id']}",
        f"/items/{(await an_item(callers))['id']}",
    ):
        answer = await callers.ask("PATCH", path, json=wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed"), answer.text
        assert next(iter(wrong)) in answer.text


async def test_the_same_key_for_another_change_is_refused(callers: Callers) -> None:
    path = f"/customers/{(await a_customer(callers))['id']}"
    key = {"Idempotency-Key": uuid4().hex}
    first = await callers.ask("PATCH", path, json={"phone": "+4930123456"}, headers=key)
    again = await callers.ask("PATCH", path, json={"phone": "+4930123456"}, headers=key)
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    other = await callers.ask("PATCH", path, json={"phone": None}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


@pytest.mark.parametrize("kind", ["customers", "items"])
async def test_a_change_and_the_answer_under_its_key_are_stored_together(
    kind: str, callers: Callers, database_url: str
) -> None:
    """Kept apart, a crash in between made the repeat with If-Match a 412."""
    made = await (a_customer(callers) if kind == "customers" else an_item(callers))
    path = f"/{kind}/{made['id']}"
    tag = (await callers.get(path)).headers["etag"]
    sent = {"If-Match": tag, "Idempotency-Key": uuid4().hex}

    connection = await asyncpg.connect(database_url, ssl=False)
    try:
        await connection.execute(NO_ANSWERS)
        lost = await callers.ask("PATCH", path, json={"name": "New"}, headers=sent)
    finally:
        await connection.execute("ALTER TABLE idempotency_keys DROP CONSTRAINT ck_no_answers")
        await connection.close()
    assert lost.status_code == 422
    again = await callers.ask("PATCH", path, json={"name": "New"}, headers=sent)
    assert (again.status_code, again.json()["name"]) == (200, "New"), again.text
    third = await callers.ask("PATCH", path, json={"name": "New"}, headers=sent)
    assert (third.status_code, third.headers.get("idempotent-replayed")) == (200, "true")
    changes = [one for one in await types(callers, made["id"]) if ".changed." in one]
    assert len(changes) == 1
