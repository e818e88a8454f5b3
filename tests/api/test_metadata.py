"""Metadata of orders, customers and items over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.callers import Callers
from tests.api.test_changing import a_customer, an_item
from tests.shop import opened
from tests.storefront import an_order

KINDS = ["customers", "items", "orders"]
GIVEN = {"erp_id": "C-1", "ü": "naïve ☂", "note": " kept as it is "}


@pytest.fixture(scope="module", autouse=True)
async def sites(database_url: str) -> None:
    async with opened(database_url):
        pass


async def one(callers: Callers, kind: str, **rest: Any) -> dict[str, Any]:
    """Create one of a kind."""
    if kind == "customers":
        return await a_customer(callers, **rest)
    if kind == "items":
        made = await callers.post("/items", {"sku": f"SKU-{uuid4()}", "name": "Mug", **rest})
    else:
        body = await order_body(callers)
        made = await callers.post("/orders", {**body, **rest})
    assert made.status_code == 201, made.text
    document: dict[str, Any] = made.json()
    return document


async def order_body(callers: Callers) -> dict[str, Any]:
    customer, item = await a_customer(callers), await an_item(callers)
    return {**an_order(customer["id"], {item["sku"]: 1}), "payment": {"method": "card"}}


@pytest.mark.parametrize("kind", KINDS)
async def test_metadata_are_given_merged_and_taken_away_key_by_key(
    callers: Callers, kind: str
) -> None:
    """A change names keys: others stay, null and an empty text remove one, and the tag moves."""
    made = await one(callers, kind, metadata={**GIVEN, "empty": "", "none": None})
    assert made["metadata"] == GIVEN
    path = f"/{kind}/{made['id']}"
    read = await callers.get(path)
    assert read.json()["metadata"] == GIVEN
    change: dict[str, Any] = {"metadata": {"erp_id": "C-2", "ü": "", "note": None, "new": "1"}}
    match = {"If-Match": read.headers["etag"]}
    changed = await callers.ask("PATCH", path, json=change, headers=match)
    assert changed.status_code == 200, changed.text
    assert changed.json()["metadata"] == {"erp_id": "C-2", "new": "1"}
    assert changed.json()["version"] == made["version"] + 1
    after = await callers.get(path)
    assert after.json()["metadata"] == {"erp_id": "C-2", "new": "1"}
    assert after.headers["etag"] != read.headers["etag"]
    late = await callers.ask("PATCH", path, json=change, headers=match)
    assert late.status_code == 412
    again = await callers.ask("PATCH", path, json=change)
    assert again.json()["version"] == changed.json()["version"]
    rows = (await callers.get(f"/{kind}")).json()["items"]
    [listed] = [row for row in rows if row["id"] == made["id"]]
    assert listed["metadata"] == {"erp_id": "C-2", "new": "1"}
    told = (await callers.get(f"/events?subject_id={made['id']}")).json()["items"][-1]
    assert (told["type"].split(".")[1], told["data"]["fields"]) == ("changed", ["metadata"])
    assert "C-2" not in str(told)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("metadata", "pointer"),
    [
        ({str(number): "x" for number in range(21)}, "/metadata"),
        ({"k" * 41: "x"}, f"/metadata/{'k' * 41}/[key]"),
        ({"": "x"}, "/metadata//[key]"),
        ({"key": "x" * 501}, "/metadata/key"),
        ({"key": "x\x00"}, "/metadata/key"),
        ({"k\x00": "x"}, "/metadata/k\x00/[key]"),
        ({"key": 1}, "/metadata/key"),
        ({"key": {"deep": "x"}}, "/metadata/key"),
        (["x"], "/metadata"),
    ],
)
async def test_what_is_too_much_or_cannot_be_stored_is_refused_by_its_key(
    callers: Callers, kind: str, metadata: Any, pointer: str
) -> None:
    """The pointer names the key, or the metadata where there are too many keys."""
    made = await one(callers, kind)
    path = f"/{kind}/{made['id']}"
    refused = await callers.ask("PATCH", path, json={"metadata": metadata})
    assert (refused.status_code, refused.json()["code"]) == (422, "malformed")
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
    assert (await callers.get(path)).json()["version"] == made["version"]
    bodies: dict[str, Any] = {"customers": {"name": "Ada"}, "items": {"sku": "S", "name": "Mug"}}
    body = bodies.get(kind) or await order_body(callers)
    refused = await callers.post(f"/{kind}", {**body, "metadata": metadata})
    assert refused.status_code == 422, refused.text
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


async def test_changes_one_after_the_other_do_not_make_more_keys_than_one_may(
    callers: Callers,
) -> None:
    made = await one(callers, "customers", metadata={f"a{number}": "x" for number in range(20)})
    path = f"/customers/{made['id']}"
    more = {f"b{number}": "x" for number in range(20)}
    refused = await callers.ask("PATCH", path, json={"metadata": more})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/metadata")
    swapped = {"a0": None, "b0": "x"}
    changed = await callers.ask("PATCH", path, json={"metadata": swapped})
    assert changed.status_code == 200, changed.text
    assert len(changed.json()["metadata"]) == 20


async def test_an_ended_order_takes_metadata_and_nothing_else(callers: Callers) -> None:
    """R8: the state of an order forbids changing it, but not what is kept with it."""
    made = await one(callers, "orders")
    path = f"/orders/{made['id']}"
    ended = "UPDATE orders SET status = 'cancelled', cancel_reason = 'staff', cancelled_at = now()"
    async with callers.books.begin() as db:
        await db.exec_driver_sql(f"{ended} WHERE id = '{made['id']}'")
    changed = await callers.ask("PATCH", path, json={"metadata": {"invoice": "4711"}})
    assert changed.status_code == 200, changed.text
    assert changed.json()["metadata"] == {"invoice": "4711"}
    both = {"metadata": {"invoice": "4712"}, "notes": "Ring twice."}
    refused = await callers.ask("PATCH", path, json=both)
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_move")
    assert (await callers.get(path)).json()["metadata"] == {"invoice": "4711"}


async def test_customers_neither_see_nor_set_what_the_company_keeps(callers: Callers) -> None:
    """Metadata belong to the company's systems: null for a customer, and refused from one."""
    body = await order_body(callers)
    made = (await callers.post("/orders", {**body, "metadata": {"risk": "high"}})).json()
    item = (await callers.get(f"/items/{made['lines'][0]['item_id']}")).json()
    me: dict[str, Any] = {"role": "customer", "customer_id": made["customer_id"]}
    paths = {
        f"/orders/{made['id']}",
        f"/customers/{made['customer_id']}",
        f"/items/{item['id']}",
    }
    for path in paths:
        assert (await callers.get(path, **me)).json()["metadata"] is None
    for path in ("/orders", "/customers", "/items"):
        items = (await callers.get(path, **me)).json()["items"]
        assert {row["metadata"] for row in items} == {None}
    for path in sorted(paths)[::2]:
        refused = await callers.ask("PATCH", path, json={"metadata": {"risk": "low"}}, **me)
        assert refused.status_code == 403, refused.text
    refused = await callers.post("/orders", {**body, "metadata": {"risk": "low"}}, **me)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/metadata")
    assert (await callers.get(f"/orders/{made['id']}")).json()["metadata"] == {"risk": "high"}
