"""Lots over HTTP: made by what comes, changed, found, and shown with stock and movements."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.callers import Callers
from tests.api.test_items_and_stock import adjustment, an_item
from tests.api.test_sites import types
from tests.lots import in_days
from tests.shop import opened

LAST = in_days(30).isoformat()


@pytest.fixture(scope="module", autouse=True)
async def sites(database_url: str) -> None:
    async with opened(database_url):
        pass


async def a_milk(callers: Callers, **lots: int) -> dict[str, Any]:
    """Make an item that is tracked by lot, with so many units of each at the site AUS."""
    item = await an_item(callers, tracking="lot")
    for code, units in lots.items():
        body = adjustment(item, units, lot=code, expires_on=LAST)
        made = await callers.post("/inventory/adjustments", body)
        assert made.status_code == 201, made.text
    return item


async def found(callers: Callers, query: str) -> list[dict[str, Any]]:
    answer = await callers.get(f"/inventory/lots?{query}")
    assert answer.status_code == 200, answer.text
    lots: list[dict[str, Any]] = answer.json()["items"]
    return lots


async def the_lot(callers: Callers, item: dict[str, Any], code: str) -> dict[str, Any]:
    [lot] = await found(callers, f"item_id={item['id']}&code={code}")
    return lot


async def test_the_first_goods_of_a_lot_make_it_and_later_ones_join_it(callers: Callers) -> None:
    item = await a_milk(callers, **{"L-1": 5})
    again = adjustment(item, 2, lot="l-1")
    assert (await callers.post("/inventory/adjustments", again)).json()["on_hand"] == 7
    lot = await the_lot(callers, item, "L-1")
    assert (lot["code"], lot["status"], lot["expires_on"]) == ("L-1", "available", LAST)
    assert (lot["on_hand"], lot["reserved"], lot["available"]) == (7, 0, 7)
    assert lot["received_on"] == in_days(0).isoformat()
    assert (await callers.get(f"/inventory/lots/{lot['id']}")).json() == lot
    [moved, _] = (await callers.get(f"/inventory/movements?lot_id={lot['id']}")).json()["items"]
    assert (moved["quantity"], moved["lot"]) == (2, "L-1")


@pytest.mark.parametrize(
    ("tracking", "rest", "pointer"),
    [
        ("lot", {}, "/lot"),
        ("lot", {"lot": "L-1", "expires_on": in_days(31).isoformat()}, "/expires_on"),
        ("lot", {"lot": "L-1", "supplier_lot": "K7"}, "/supplier_lot"),
        ("lot", {"lot": "L-9", "quantity": -1, "reason": "lost"}, "/lot"),
        ("lot", {"lot": ""}, "/lot"),
        ("none", {"lot": "L-1"}, "/lot"),
        ("serial", {"lot": "L-1", "serials": ["A"]}, "/lot"),
        ("none", {"expires_on": LAST}, ""),
    ],
)
async def test_goods_name_their_lot_as_the_tracking_of_the_item_asks_for(
    tracking: str, rest: dict[str, Any], pointer: str, callers: Callers
) -> None:
    item = await an_item(callers, tracking=tracking)
    if tracking == "lot":
        first = adjustment(item, 1, lot="L-1", expires_on=LAST)
        assert (await callers.post("/inventory/adjustments", first)).status_code == 201
    refused = await callers.post("/inventory/adjustments", {**adjustment(item, 1), **rest})
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["pointer"] == pointer


async def test_no_more_of_a_lot_goes_than_is_there_of_it(callers: Callers) -> None:
    item = await a_milk(callers, a=2, b=5)
    refused = await callers.post("/inventory/adjustments", adjustment(item, -3, lot="a"))
    assert (refused.status_code, refused.json()["available"]) == (409, 2)
    gone = await callers.post("/inventory/adjustments", adjustment(item, -3, lot="b"))
    assert (gone.status_code, gone.json()["on_hand"]) == (201, 2)


async def test_stock_is_shown_by_lot_and_added_up_by_site(callers: Callers) -> None:
    item = await a_milk(callers, a=2, b=5, c=1)
    path = f"/inventory?item_id={item['id']}"
    pages = [(await callers.get(f"{path}&limit=2")).json()]
    pages.append((await callers.get(pages[0]["next"])).json())
    rows = [row for page in pages for row in page["items"]]
    assert {row["lot"]: (row["on_hand"], row["expires_on"]) for row in rows} == {
        "a": (2, LAST),
        "b": (5, LAST),
        "c": (1, LAST),
    }
    assert len(rows) == 3
    [site] = (await callers.get(f"{path}&group_by=site")).json()["items"]
    assert (site["on_hand"], site["available"], site["lot"]) == (8, 8, None)
    of_a = f"{path}&lot_id={(await the_lot(callers, item, 'a'))['id']}"
    assert [row["on_hand"] for row in (await callers.get(of_a)).json()["items"]] == [2]


async def test_expired_goods_are_there_and_not_available(callers: Callers) -> None:
    item = await an_item(callers, tracking="lot")
    yesterday = in_days(-1).isoformat()
    old = adjustment(item, 4, lot="old", expires_on=yesterday)
    assert (await callers.post("/inventory/adjustments", old)).status_code == 201
    [row] = (await callers.get(f"/inventory?item_id={item['id']}")).json()["items"]
    assert (row["on_hand"], row["available"]) == (4, 0)
    lot = await the_lot(callers, item, "old")
    assert (lot["on_hand"], lot["available"]) == (4, 0)
    [site] = (await callers.get(f"/items/{item['id']}")).json()["stock"]
    assert (site["on_hand"], site["available"]) == (4, 0)
    before = f"item_id={item['id']}&expiring_before={in_days(0).isoformat()}"
    assert [one["code"] for one in await found(callers, before)] == ["old"]
    assert await found(callers, f"item_id={item['id']}&expiring_before={yesterday}") == []


async def test_a_lot_is_known_before_its_goods_come_and_once(callers: Callers) -> None:
    item = await an_item(callers, tracking="lot")
    body = {"sku": item["sku"], "code": "L-1", "supplier_lot": "K7", "received_on": "2031-01-04"}
    made = await callers.post("/inventory/lots", body)
    assert made.status_code == 201, made.text
    lot = made.json()
    assert made.headers["location"] == f"/inventory/lots/{lot['id']}"
    assert (lot["supplier_lot"], lot["received_on"], lot["on_hand"]) == ("K7", "2031-01-04", 0)
    again = await callers.post("/inventory/lots", {**body, "code": "l-1"})
    assert (again.status_code, again.json()["id"]) == (409, lot["id"])
    other = await an_item(callers)
    refused = await callers.post("/inventory/lots", {**body, "sku": other["sku"]})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/code")
    unknown = await callers.post("/inventory/lots", {**body, "sku": f"no-{uuid4()}"})
    assert unknown.status_code == 404


async def test_a_change_of_a_lot_is_told_once_and_stale_ones_are_refused(callers: Callers) -> None:
    item = await a_milk(callers, a=1)
    lot = await the_lot(callers, item, "a")
    path = f"/inventory/lots/{lot['id']}"
    tag = (await callers.get(path)).headers["etag"]
    for _ in range(2):
        answer = await callers.ask("PATCH", path, json={"expires_on": None, "supplier_lot": "K7"})
        changed = answer.json()
        assert (changed["expires_on"], changed["supplier_lot"]) == (None, "K7")
        assert changed["version"] == lot["version"] + 1
    stale = await callers.ask("PATCH", path, json={"supplier_lot": "K8"}, headers={"If-Match": tag})
    assert stale.status_code == 412
    assert await types(callers, lot["id"]) == ["lot.created.v1", "lot.changed.v1"]


async def test_another_tracking_of_an_item_with_lots_in_stock_is_refused(callers: Callers) -> None:
    item = await a_milk(callers, a=1)
    refused = await callers.ask("PATCH", f"/items/{item['id']}", json={"tracking": "none"})
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
    kept = await callers.ask("PATCH", f"/items/{item['id']}", json={"min_shelf_life_days": 7})
    assert kept.json()["min_shelf_life_days"] == 7


async def test_inspectors_set_lots_aside_and_admins_withdraw_recalls(callers: Callers) -> None:
    item = await a_milk(callers, a=4)
    path = f"/inventory/lots/{(await the_lot(callers, item, 'a'))['id']}"
    body = {"reason": "damp"}
    refused = await callers.post(f"{path}/quarantine", body, role="warehouse")
    assert refused.status_code == 403
    assert (await callers.post(f"{path}/quarantine", {}, role="inspector")).status_code == 422
    for way, role, status, free in (
        ("quarantine", "inspector", "quarantined", 0),
        ("release", "inspector", "available", 4),
        ("recall", "inspector", "recalled", 0),
        ("recall", "inspector", "recalled", 0),
        ("withdraw_recall", "admin", "quarantined", 0),
    ):
        answer = await callers.post(f"{path}/{way}", body, role=role)
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert (shown["status"], shown["available"], shown["on_hand"]) == (status, free, 4)
    again = await callers.post(f"{path}/recall", body, role="inspector")
    refused = await callers.post(f"{path}/withdraw_recall", body, role="inspector")
    assert (again.status_code, refused.status_code) == (200, 403)
    unknown = await callers.post(f"/inventory/lots/{item['id']}/recall", body, role="inspector")
    assert unknown.status_code == 404
    events = await types(callers, path.rpartition("/")[2])
    assert events == [
        f"lot.{what}.v1"
        for what in (
            "created",
            "quarantined",
            "released",
            "recalled",
            "recall_withdrawn",
            "recalled",
        )
    ]


async def test_a_recall_answers_with_what_is_blocked_and_what_has_left(callers: Callers) -> None:
    item = await a_milk(callers, a=4)
    lot = await the_lot(callers, item, "a")
    path = f"/inventory/lots/{lot['id']}/recall"
    recalled = (await callers.post(path, {"reason": "bad"}, role="inspector")).json()
    assert [(one["site"], one["on_hand"]) for one in recalled["stock"]] == [("AUS", 4)]
    assert (recalled["shipped"], recalled["more"]) == ([], False)
    found = (await callers.get(f"/inventory/trace?lot_id={lot['id']}")).json()
    assert found["stock"] == recalled["stock"]
    back = await callers.get(f"/inventory/trace?lot_id={lot['id']}&direction=backward")
    [came] = back.json()["received"]
    assert (came["quantity"], came["reason"], came["lot"]) == (4, "found", "a")
    for query in ("", f"lot_id={lot['id']}&serial=A"):
        assert (await callers.get(f"/inventory/trace?{query}")).status_code == 422
    for query in (f"lot_id={item['id']}", f"order_id={item['id']}", "serial=none-such"):
        assert (await callers.get(f"/inventory/trace?{query}")).status_code == 404
