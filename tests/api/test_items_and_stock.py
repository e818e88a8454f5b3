"""Items and what there is of them, over HTTP."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from domain.items import CreateItem
from tests.api.callers import Callers
from tests.shop import opened


@pytest.fixture(scope="module", autouse=True)
async def sites(database_url: str) -> None:
    async with opened(database_url):
        pass


async def an_item(callers: Callers, **rest: Any) -> dict[str, Any]:
    body = {"sku": f"SKU-{uuid4()}", "name": "Mug", **rest}
    made = await callers.post("/items", body)
    assert made.status_code == 201, made.text
    item: dict[str, Any] = made.json()
    return item


def adjustment(item: dict[str, Any], quantity: object, **rest: Any) -> dict[str, Any]:
    reason = "found" if not str(quantity).startswith("-") else "lost"
    return {"sku": item["sku"], "site": "AUS", "quantity": quantity, "reason": reason, **rest}


async def test_an_item_shows_its_prices_and_its_stock_per_site(callers: Callers) -> None:
    prices = [{"amount": 1000, "currency": "USD"}, {"amount": 900, "currency": "EUR"}]
    item = await an_item(callers, prices=prices, tax_rate="0.08", weight_grams=350)
    assert item["prices"] == [prices[1], prices[0]]
    assert item["tax_rate"] == "0.080000"
    await callers.post("/inventory/adjustments", adjustment(item, 5))
    await callers.post("/inventory/adjustments", adjustment(item, 7, site="RNO"))
    shown = (await callers.get(f"/items/{item['id']}")).json()
    stock = {one["site"]: one["available"] for one in shown["stock"]}
    assert stock == {"AUS": 5, "RNO": 7}


async def test_an_item_has_its_own_return_window_or_none(callers: Callers) -> None:
    """Null takes it away, 0 is a final sale, and both are shown."""
    assert (await an_item(callers))["return_window_days"] is None
    item = await an_item(callers, return_window_days=0)
    assert item["return_window_days"] == 0
    path = f"/items/{item['id']}"
    for days in (60, None, 3650):
        changed = await callers.ask("PATCH", path, json={"return_window_days": days})
        assert changed.json()["return_window_days"] == days
    assert (await callers.get(path)).json()["return_window_days"] == 3650
    for odd in (-1, 3651, "30", 1.5):
        refused = await callers.ask("PATCH", path, json={"return_window_days": odd})
        assert refused.status_code == 422, odd
        assert refused.json()["errors"][0]["pointer"] == "/return_window_days"


async def test_an_item_has_a_restocking_fee_of_less_than_its_money(callers: Callers) -> None:
    item = await an_item(callers)
    assert item["restocking_fee_rate"] == "0.000000"
    path = f"/items/{item['id']}"
    for rate in ("0.15", "0.999999", "0"):
        changed = await callers.ask("PATCH", path, json={"restocking_fee_rate": rate})
        assert float(changed.json()["restocking_fee_rate"]) == float(rate)
    made = await an_item(callers, restocking_fee_rate="0.2")
    assert made["restocking_fee_rate"] == "0.200000"
    for odd in ("1", "-0.1", "0.1234567", 0.15, None):
        refused = await callers.ask("PATCH", path, json={"restocking_fee_rate": odd})
        assert refused.status_code == 422, odd


def test_an_item_without_window_and_fee_is_the_request_that_it_was_before_there_were_any() -> None:
    """A key that was used with the release before still finds its answer."""
    body = {"sku": "MUG", "name": "Mug", "tax_rate": "0.08"}
    was = {**body, "sellable": True, "weight_grams": 0, "prices": []}
    assert CreateItem.model_validate(body).model_dump(mode="json") == was
    assert CreateItem.model_validate({**body, "return_window_days": 0}).return_window_days == 0
    free = CreateItem.model_validate({**body, "restocking_fee_rate": "0"})
    assert free.model_dump(mode="json") == was


async def test_the_tag_of_an_item_changes_with_its_stock(callers: Callers) -> None:
    item = await an_item(callers)
    path = f"/items/{item['id']}"
    before = (await callers.get(path)).headers["etag"]
    assert (await callers.get(path, headers={"If-None-Match": before})).status_code == 304
    await callers.post("/inventory/adjustments", adjustment(item, 1))
    assert (await callers.get(path, headers={"If-None-Match": before})).status_code == 200


async def test_a_sku_belongs_to_one_item_in_whatever_case(callers: Callers) -> None:
    item = await an_item(callers, sku="Case-1")
    again = await callers.post("/items", {"sku": "CASE-1", "name": "Other"})
    assert (again.status_code, again.json()["id"]) == (409, item["id"])
    found = await callers.get("/items?sku=cAsE-1")
    assert [one["id"] for one in found.json()["items"]] == [item["id"]]


async def test_two_prices_in_one_currency_are_refused(callers: Callers) -> None:
    prices = [{"amount": 1, "currency": "USD"}, {"amount": 2, "currency": "USD"}]
    answer = await callers.post("/items", {"sku": "P", "name": "P", "prices": prices})
    assert answer.status_code == 422


async def test_an_adjustment_moves_stock_and_is_in_the_ledger(
    callers: Callers, database_url: str
) -> None:
    item = await an_item(callers)
    first = await callers.post("/inventory/adjustments", adjustment(item, 10))
    assert first.status_code == 201, first.text
    assert first.json()["on_hand"] == 10
    less = await callers.post("/inventory/adjustments", adjustment(item, -3, note="fell"))
    assert less.json()["on_hand"] == 7
    ledger = (await callers.get(f"/inventory/movements?item_id={item['id']}")).json()["items"]
    assert [(one["quantity"], one["reason"]) for one in ledger] == [
        (3, "lost: fell"),
        (10, "found"),
    ]
    assert ledger[0]["from_location_id"] == ledger[1]["to_location_id"]
    connection = await asyncpg.connect(database_url, ssl=False)
    events = await connection.fetch(
        "SELECT actor FROM events WHERE type = 'inventory.adjusted.v1' AND subject = $1",
        item["sku"],
    )
    await connection.close()
    assert len(events) == 2
    assert events[0]["actor"].startswith("key:")


async def test_the_first_stock_comes_from_the_opening_balance(
    callers: Callers, database_url: str
) -> None:
    item = await an_item(callers)
    body = adjustment(item, 4, reason="initial_balance")
    moved = (await callers.post("/inventory/adjustments", body)).json()
    connection = await asyncpg.connect(database_url, ssl=False)
    kind = await connection.fetchval(
        "SELECT l.kind FROM movements m JOIN locations l ON l.id = m.from_location_id"
        " WHERE m.id = $1",
        moved["id"],
    )
    await connection.close()
    assert kind == "opening"


async def test_a_repeated_adjustment_moves_nothing(callers: Callers) -> None:
    item = await an_item(callers)
    key = uuid4().hex
    answers = await asyncio.gather(
        *(callers.post("/inventory/adjustments", adjustment(item, 2), key=key) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    stock = (await callers.get(f"/inventory?sku={item['sku']}")).json()["items"]
    assert [one["on_hand"] for one in stock] == [2]


async def test_nothing_is_taken_that_is_promised(callers: Callers, database_url: str) -> None:
    item = await an_item(callers)
    place = (await callers.post("/inventory/adjustments", adjustment(item, 5))).json()
    order = uuid4()
    connection = await asyncpg.connect(database_url, ssl=False)
    await connection.execute("UPDATE balances SET reserved = 4 WHERE item_id = $1", item["id"])
    await connection.execute(
        "INSERT INTO reservations (id, item_id, location_id, quantity, document_type, document_id,"
        " line_id, status) VALUES ($1, $2, $3, 4, 'order', $4, $5, 'active')",
        uuid4(),
        item["id"],
        place["location_id"],
        order,
        uuid4(),
    )
    await connection.close()
    refused = await callers.post("/inventory/adjustments", adjustment(item, -2))
    assert (refused.status_code, refused.json()["code"]) == (409, "out_of_stock")
    assert refused.json()["available"] == 1
    assert refused.json()["holders"] == [
        {"document_type": "order", "document_id": str(order), "quantity": 4}
    ]
    assert (await callers.post("/inventory/adjustments", adjustment(item, -1))).status_code == 201


async def test_parallel_adjustments_take_what_there_is_and_no_more(callers: Callers) -> None:
    item = await an_item(callers)
    await callers.post("/inventory/adjustments", adjustment(item, 5))
    answers = await asyncio.gather(
        *(callers.post("/inventory/adjustments", adjustment(item, -1)) for _ in range(12))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 7


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": 0},
        {"quantity": 1.5},
        {"quantity": "0.1234567"},
        {"quantity": True},
        {"quantity": -1, "reason": "found"},
        {"quantity": 1, "reason": "lost"},
        {"reason": "because"},
        {"reason": "data_error"},
        {"quantity": "1e3"},
        {"quantity": "NaN"},
        {"quantity": 10**13},
        {"quantity": "9" * 400},
        {"site": None},
        {"sku": None},
        {"site": "NOWHERE"},
        {"location_id": str(UUID(int=7))},
    ],
    ids=str,
)
async def test_an_adjustment_that_makes_no_sense_is_refused(
    wrong: dict[str, Any], callers: Callers
) -> None:
    item = await an_item(callers)
    answer = await callers.post("/inventory/adjustments", adjustment(item, 1) | wrong)
    assert answer.status_code == 422, answer.text


async def test_places_that_hold_no_stock_are_not_adjusted(
    callers: Callers, database_url: str
) -> None:
    item = await an_item(callers)
    connection = await asyncpg.connect(database_url, ssl=False)
    loss = await connection.fetchval("SELECT id FROM locations WHERE kind = 'loss'")
    await connection.close()
    for place in (str(loss), str(uuid4())):
        body = adjustment(item, 1, site=None, location_id=place)
        assert (await callers.post("/inventory/adjustments", body)).status_code == 404


async def test_measured_goods_have_fractions_as_text(callers: Callers) -> None:
    item = await an_item(callers)
    made = await callers.post("/inventory/adjustments", adjustment(item, "0.25"))
    assert made.json()["on_hand"] == "0.250000"


async def test_balances_are_added_up_by_site_and_by_item(callers: Callers) -> None:
    item = await an_item(callers)
    await callers.post("/inventory/adjustments", adjustment(item, 1))
    await callers.post("/inventory/adjustments", adjustment(item, 2, site="RNO"))
    by_item = (await callers.get(f"/inventory?sku={item['sku']}&group_by=item")).json()["items"]
    assert [(one["on_hand"], one["site"]) for one in by_item] == [(3, None)]
    by_site = (await callers.get(f"/inventory?sku={item['sku']}&group_by=site")).json()["items"]
    assert {one["site"]: one["on_hand"] for one in by_site} == {"AUS": 1, "RNO": 2}


@pytest.mark.parametrize("group", ["location", "site", "item"])
async def test_pages_of_balances_show_each_row_once(group: str, callers: Callers) -> None:
    for _ in range(4):
        await callers.post("/inventory/adjustments", adjustment(await an_item(callers), 5))
    whole, small = [await _all(callers, group, limit) for limit in (100, 3)]
    assert small == whole
    assert len(small) > 3


async def _all(callers: Callers, group: str, limit: int) -> list[Any]:
    """Return all balances, as pages of so many show them."""
    seen: list[Any] = []
    address: str | None = f"/inventory?limit={limit}&group_by={group}"
    while address:
        page = (await callers.get(address)).json()
        seen += page["items"]
        address = page["next"]
    return seen


async def test_low_stock_is_what_is_down_to_its_reorder_point(
    callers: Callers, database_url: str
) -> None:
    low, fine = await an_item(callers), await an_item(callers)
    connection = await asyncpg.connect(database_url, ssl=False)
    for item in (low, fine):
        await callers.post("/inventory/adjustments", adjustment(item, 5 if item is low else 6))
        await connection.execute(
            "INSERT INTO reorder_rules (id, item_id, site_id, source, reorder_point, safety_stock)"
            " SELECT $1, $2, id, 'buy', 5, 0 FROM sites WHERE code = 'AUS'",
            uuid4(),
            item["id"],
        )
    await connection.close()
    found = (await callers.get("/inventory?low_stock=true")).json()["items"]
    assert [one["sku"] for one in found] == [low["sku"]]
    rest = (await callers.get(f"/inventory?low_stock=false&sku={fine['sku']}")).json()["items"]
    assert [one["sku"] for one in rest] == [fine["sku"]]


async def test_sites_are_shown_with_their_locations(callers: Callers) -> None:
    sites = (await callers.get("/inventory/sites?code=AUS")).json()["items"]
    assert [(site["code"], [place["code"] for place in site["locations"]]) for site in sites] == [
        ("AUS", ["A-1", "DAMAGED", "Q-1", "RECEIVING", "REPAIR"])
    ]
