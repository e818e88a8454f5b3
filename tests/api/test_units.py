"""Serial units over HTTP: they come and go by adjustments, and each has a history of its own."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.api.callers import Callers
from tests.api.test_items_and_stock import adjustment, an_item
from tests.shop import opened


@pytest.fixture(scope="module", autouse=True)
async def sites(database_url: str) -> None:
    async with opened(database_url):
        pass


async def a_saw(callers: Callers, *serials: str, **rest: Any) -> dict[str, Any]:
    """Make an item that is tracked by serial, with these units at the site AUS."""
    item = await an_item(callers, tracking="serial", **rest)
    if serials:
        body = adjustment(item, len(serials), serials=serials)
        made = await callers.post("/inventory/adjustments", body)
        assert made.status_code == 201, made.text
    return item


async def read(callers: Callers, serial: str, query: str = "") -> dict[str, Any]:
    answer = await callers.get(f"/inventory/units/{serial}{query}")
    assert answer.status_code == 200, answer.text
    unit: dict[str, Any] = answer.json()
    return unit


def a_serial() -> str:
    return f"SN/{uuid4().hex[:8]} a"


async def test_a_unit_comes_with_its_serial_and_shows_where_it_is(callers: Callers) -> None:
    """Its serial is found in any case; of the history each entry links to what made it."""
    serial = a_serial()
    item = await a_saw(callers, serial, a_serial())
    unit = await read(callers, serial.upper())
    assert (unit["serial"], unit["sku"], unit["status"]) == (serial, item["sku"], "in_stock")
    assert (unit["site"], unit["location"], unit["ownership"]) == ("AUS", "A-1", "own")
    assert unit["holder_customer_id"] is None
    [event] = unit["history"]
    assert (event["kind"], event["from_status"], event["reason"]) == ("entered", None, "found")
    moved = (await callers.get(event["link"])).json()
    assert (moved["quantity"], moved["item_id"]) == (2, item["id"])


async def test_what_goes_is_named_and_can_be_found_again(callers: Callers) -> None:
    serial, other = a_serial(), a_serial()
    item = await a_saw(callers, serial, other)
    gone = await callers.post("/inventory/adjustments", adjustment(item, -1, serials=[serial]))
    assert (gone.status_code, gone.json()["on_hand"]) == (201, 1)
    unit = await read(callers, serial)
    assert (unit["status"], unit["site"], unit["location"]) == ("scrapped", None, "LOSS")
    assert (await read(callers, other))["status"] == "in_stock"
    back = await callers.post("/inventory/adjustments", adjustment(item, 1, serials=[serial]))
    assert (back.status_code, back.json()["on_hand"]) == (201, 2)
    unit = await read(callers, serial)
    assert unit["status"] == "in_stock"
    assert [(one["sequence"], one["kind"], one["to_status"]) for one in unit["history"]] == [
        (3, "entered", "in_stock"),
        (2, "removed", "scrapped"),
        (1, "entered", "in_stock"),
    ]


async def test_a_live_serial_again_is_refused_with_where_it_is(callers: Callers) -> None:
    """R14: a unit is at exactly one place; nothing of such an adjustment is booked."""
    serial, fresh = a_serial(), a_serial()
    item = await a_saw(callers, serial)
    body = adjustment(item, 2, site="RNO", serials=[serial.upper(), fresh])
    refused = await callers.post("/inventory/adjustments", body)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_exists")
    assert refused.json()["detail"] == f"{serial} is in stock at AUS-A-1"
    [named] = refused.json()["units"]
    assert (named["serial"], named["place"], named["status"]) == (serial, "AUS-A-1", "in_stock")
    assert (await callers.get(f"/inventory/units/{fresh}")).status_code == 404
    stock = (await callers.get(f"/inventory?sku={item['sku']}")).json()["items"]
    assert [(one["site"], one["on_hand"]) for one in stock] == [("AUS", 1)]


async def test_only_units_that_are_there_can_go(callers: Callers) -> None:
    serial, away = a_serial(), a_serial()
    item = await a_saw(callers, serial)
    there = adjustment(item, 1, site="RNO", serials=[away])
    assert (await callers.post("/inventory/adjustments", there)).status_code == 201
    elsewhere = await callers.post("/inventory/adjustments", adjustment(item, -1, serials=[away]))
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "illegal_move")
    assert elsewhere.json()["detail"] == f"{away} is in stock at RNO-A-1"
    unknown = await callers.post("/inventory/adjustments", adjustment(item, -1, serials=["none"]))
    assert (unknown.status_code, unknown.json()["detail"]) == (422, "none is no unit of this item")


@pytest.mark.parametrize(
    ("quantity", "serials"),
    [(2, ["A"]), (1, []), (1, ["A", "B"]), (-1, []), ("0.5", ["A"]), (2, ["A", "a"]), (1, [""])],
    ids=str,
)
async def test_one_serial_is_given_for_each_unit(
    quantity: object, serials: list[str], callers: Callers
) -> None:
    item = await a_saw(callers)
    body = adjustment(item, quantity, serials=serials)
    refused = await callers.post("/inventory/adjustments", body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"].startswith("/serials")


async def test_an_item_without_tracking_has_no_serials(callers: Callers) -> None:
    item = await an_item(callers)
    assert item["tracking"] == "none"
    refused = await callers.post("/inventory/adjustments", adjustment(item, 1, serials=["A"]))
    assert refused.status_code == 422
    assert "no serials" in refused.json()["detail"]


async def test_tracking_stays_once_there_was_stock(callers: Callers) -> None:
    """https://github.com/odoo/odoo/pull/159444: changing it would rewrite stock in silence."""
    item = await an_item(callers)
    path = f"/items/{item['id']}"
    changed = await callers.ask("PATCH", path, json={"tracking": "serial"})
    assert (changed.status_code, changed.json()["tracking"]) == (200, "serial")
    body = adjustment(item, 1, serials=[a_serial()])
    await callers.post("/inventory/adjustments", body)
    await callers.post("/inventory/adjustments", {**body, "quantity": -1, "reason": "lost"})
    refused = await callers.ask("PATCH", path, json={"tracking": "none", "name": "Axe"})
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    assert "make a new item" in refused.json()["detail"]
    same = await callers.ask("PATCH", path, json={"tracking": "serial", "name": "Axe"})
    assert (same.status_code, same.json()["name"]) == (200, "Axe")


async def test_tracking_and_the_first_stock_do_not_cross(callers: Callers) -> None:
    """Whichever is first, no quantity is there without its unit."""
    for _ in range(5):
        item = await an_item(callers)
        change = callers.ask("PATCH", f"/items/{item['id']}", json={"tracking": "serial"})
        changed, moved = await asyncio.gather(
            change, callers.post("/inventory/adjustments", adjustment(item, 1))
        )
        assert sorted((changed.status_code, moved.status_code)) in ([200, 422], [201, 409])


async def test_one_of_many_brings_a_serial_at_the_same_time(callers: Callers) -> None:
    item, serial = await a_saw(callers), a_serial()
    answers = await asyncio.gather(
        *(
            callers.post("/inventory/adjustments", adjustment(item, 1, site=site, serials=[serial]))
            for site in ("AUS", "RNO") * 3
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    stock = (await callers.get(f"/inventory?sku={item['sku']}")).json()["items"]
    assert [one["on_hand"] for one in stock if one["on_hand"]] == [1]
    assert len((await read(callers, serial))["history"]) == 1


async def test_units_of_two_items_may_have_one_serial(callers: Callers) -> None:
    serial = a_serial()
    one, other = await a_saw(callers, serial), await a_saw(callers, serial)
    asked = await callers.get(f"/inventory/units/{serial}")
    assert (asked.status_code, asked.json()["errors"][0]["pointer"]) == (422, "/query/sku")
    assert one["sku"] in asked.json()["detail"]
    assert (await read(callers, serial, f"?sku={other['sku']}"))["item_id"] == other["id"]
    assert (await read(callers, serial, f"?item_id={one['id']}"))["item_id"] == one["id"]


async def test_units_are_for_staff_and_integrations(callers: Callers) -> None:
    serial = a_serial()
    await a_saw(callers, serial)
    made = (await callers.post("/customers", {"name": "Bea"})).json()
    path = f"/inventory/units/{serial}"
    for role in ("support", "warehouse", "planner", "inspector", "integration"):
        assert (await callers.get(path, role=role)).status_code == 200
    refused = await callers.get(path, role="customer", customer_id=made["id"])
    assert refused.status_code == 403
