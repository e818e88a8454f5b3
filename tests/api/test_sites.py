"""Sites over HTTP: added, read and changed by the people who plan stock."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.api.callers import Callers
from tests.shop import opened
from tests.storefront import ADDRESS, an_order

PATH = "/inventory/sites"


@pytest.fixture(scope="module", autouse=True)
async def company(database_url: str) -> None:
    async with opened(database_url):
        pass


def a_site(**rest: Any) -> dict[str, Any]:
    return {"code": f"S-{uuid4().hex[:8]}", "name": "Leeds", "address": ADDRESS, **rest}


async def added(callers: Callers, **rest: Any) -> dict[str, Any]:
    answer = await callers.post(PATH, a_site(**rest), role="planner")
    assert answer.status_code == 201, answer.text
    site: dict[str, Any] = answer.json()
    return site


async def types(callers: Callers, subject_id: str) -> list[str]:
    found = await callers.get(f"/events?subject_id={subject_id}")
    return [event["type"] for event in found.json()["items"]]


async def test_a_new_site_has_a_location_of_every_kind_and_is_read_by_id_and_code(
    callers: Callers,
) -> None:
    shelf = {"code": "A-1"}
    body, key = a_site(rank=7, locations=[shelf]), uuid4().hex
    made = await callers.post(PATH, body, key=key)
    assert made.status_code == 201, made.text
    site = made.json()
    assert made.headers["location"] == f"{PATH}/{site['id']}"
    assert (site["rank"], site["active"], site["version"]) == (7, True, 1)
    assert site["address"]["line1"] == ADDRESS["line1"]
    kinds = {place["code"]: (place["kind"], place["sellable"]) for place in site["locations"]}
    assert kinds == {
        "A-1": ("stock", True),
        "RECEIVING": ("receiving", False),
        "QUARANTINE": ("quarantine", False),
        "DAMAGED": ("damaged", False),
        "REPAIR": ("repair", False),
    }
    for name in (site["id"], site["code"]):
        answer = await callers.get(f"{PATH}/{name}")
        assert answer.json() == site
        tag = {"If-None-Match": answer.headers["etag"]}
        assert (await callers.get(f"{PATH}/{name}", headers=tag)).status_code == 304
    [listed] = (await callers.get(f"{PATH}?code={site['code']}")).json()["items"]
    assert listed == site
    again = await callers.post(PATH, body, key=key)
    assert (again.json(), again.headers["idempotent-replayed"]) == (site, "true")
    taken = await callers.post(PATH, body)
    assert (taken.status_code, taken.json()["code"]) == (409, "already_exists")
    assert taken.json()["id"] == site["id"]
    assert await types(callers, site["id"]) == ["site.created.v1"]


async def test_a_site_that_is_not_there_is_not_found(callers: Callers) -> None:
    for name in (uuid4(), "NOWHERE"):
        assert (await callers.get(f"{PATH}/{name}")).status_code == 404
        refused = await callers.ask("PATCH", f"{PATH}/{name}", json={"name": "Here"})
        assert refused.status_code == 404


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"code": ""}, "/code"),
        ({"rank": -1}, "/rank"),
        ({"address": None}, "/address"),
        ({"name": "x\x00"}, "/name"),
        ({"locations": [{"code": "A"}, {"code": "A"}]}, ""),
        ({"locations": [{"code": "REPAIR"}]}, ""),
        ({"locations": [{"code": "A", "kind": "supplier"}]}, "/locations/0"),
        ({"active": False}, "/active"),
    ],
)
async def test_a_malformed_site_is_refused_with_its_field(
    callers: Callers, wrong: dict[str, Any], pointer: str
) -> None:
    refused = await callers.post(PATH, a_site(**wrong))
    assert refused.status_code == 422, refused.text
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


async def test_a_change_keeps_what_is_left_out_and_is_refused_when_stale(callers: Callers) -> None:
    site = await added(callers)
    path = f"{PATH}/{site['code']}"
    match = {"If-Match": (await callers.get(path)).headers["etag"]}
    there = {**ADDRESS, "line1": "1, New Street"}
    change = {"address": there, "rank": 3}
    changed = await callers.ask("PATCH", path, json=change, role="planner", headers=match)
    assert changed.status_code == 200, changed.text
    after = changed.json()
    assert (after["name"], after["rank"], after["version"]) == ("Leeds", 3, 2)
    assert after["address"]["line1"] == "1, New Street"
    assert after["updated_at"] > site["updated_at"]
    assert after["locations"] == site["locations"]
    late = await callers.ask("PATCH", path, json={"rank": 4}, headers=match)
    assert (late.status_code, late.json()["code"]) == (412, "stale")
    again = await callers.ask("PATCH", path, json=change)
    assert again.json() == after == (await callers.get(path)).json()
    for wrong in ({"name": None}, {"code": "OTHER"}, {"active": "perhaps"}):
        assert (await callers.ask("PATCH", path, json=wrong)).status_code == 422
    assert await types(callers, site["id"]) == ["site.created.v1", "site.changed.v1"]
    told = (await callers.get(f"/events?subject_id={site['id']}")).json()["items"][-1]
    assert told["data"] == {"site_id": site["id"], "fields": ["address", "rank"]}


async def test_of_changes_at_once_for_one_version_one_wins(callers: Callers) -> None:
    site = await added(callers)
    path = f"{PATH}/{site['id']}"
    match = {"If-Match": (await callers.get(path)).headers["etag"]}
    answers = await asyncio.gather(
        *(callers.ask("PATCH", path, json={"rank": n}, headers=match) for n in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 7]


async def test_from_a_site_that_is_not_active_nothing_more_is_promised(callers: Callers) -> None:
    """What is promised still leaves; taken back, the rest is sold again."""
    site = await added(callers, locations=[{"code": "A-1"}])
    path = f"{PATH}/{site['code']}"
    customer = (await callers.post("/customers", {"name": "Ada"})).json()
    price = {"amount": 1000, "currency": "USD"}
    item = (
        await callers.post("/items", {"sku": uuid4().hex, "name": "Mug", "prices": [price]})
    ).json()
    stock = {"sku": item["sku"], "site": site["code"], "quantity": 3, "reason": "found"}
    assert (await callers.post("/inventory/adjustments", stock)).status_code == 201
    order = an_order(customer["id"], {item["sku"]: 1})
    promised = await callers.post("/orders", order)
    assert promised.status_code == 201, promised.text

    off = await callers.ask("PATCH", path, json={"active": False})
    assert (off.status_code, off.json()["active"]) == (200, False)
    refused = await callers.post("/orders", order)
    assert (refused.status_code, refused.json()["code"]) == (409, "out_of_stock")
    assert refused.json()["shortages"][0]["available"] == 0
    [shown] = (await callers.get(f"/items/{item['id']}")).json()["stock"]
    assert (shown["on_hand"], shown["reserved"], shown["available"]) == (3, 1, 0)
    kept = (await callers.get(f"/orders/{promised.json()['id']}")).json()
    assert kept["status"] == "pending"

    on = await callers.ask("PATCH", path, json={"active": True})
    assert on.json()["active"] is True
    assert (await callers.post("/orders", order)).status_code == 201
    assert await types(callers, site["id"]) == [
        "site.created.v1",
        "site.deactivated.v1",
        "site.reactivated.v1",
    ]
