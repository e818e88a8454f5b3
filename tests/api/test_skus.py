"""SKUs in any case and form of writing: one item each, at every door."""

import pytest

from domain.items import sku_key
from tests.api.callers import Callers
from tests.shop import opened
from tests.storefront import an_order

SAME = [
    ("ÖL-5W40", "öl-5w40"),
    ("İZMİR-1", "i̇zmi̇r-1"),
    ("ΣΑΣ-7", "σας-7"),
    ("ẞ-9", "ss-9"),
    ("\u212a-1", "k-1"),
    ("\u00c5-1", "A\u030a-1"),
    ("Ǆ-2", "ǆ-2"),
]
"""As created, and as somebody else writes it."""


@pytest.fixture(scope="module", autouse=True)
async def sites(database_url: str) -> None:
    async with opened(database_url):
        pass


@pytest.mark.parametrize(("sku", "other"), SAME, ids=str)
async def test_an_item_is_found_by_its_sku_however_it_is_written(
    sku: str, other: str, callers: Callers
) -> None:
    """T02, D15: every door folds by the same rule."""
    prices = [{"amount": 900, "currency": "USD"}]
    made = await callers.post("/items", {"sku": sku, "name": "Oil", "prices": prices})
    assert made.status_code == 201, made.text
    item = made.json()
    assert item["sku"] == sku
    again = await callers.post("/items", {"sku": other, "name": "Another"})
    assert (again.status_code, again.json()["id"]) == (409, item["id"])

    adjusted = await callers.post(
        "/inventory/adjustments",
        {"sku": other, "site": "AUS", "quantity": 5, "reason": "found"},
    )
    assert (adjusted.status_code, adjusted.json()["item_id"]) == (201, item["id"]), adjusted.text
    customer = (await callers.post("/customers", {"name": "Ada"})).json()["id"]
    body = {**an_order(customer, {}), "lines": [{"sku": other, "quantity": 1}]}
    placed = await callers.post("/orders", body)
    assert placed.status_code == 201, placed.text
    [line] = placed.json()["lines"]
    assert (line["sku"], line["item_id"]) == (sku, item["id"])

    for path, key in (
        ("/items", "id"),
        ("/inventory", "item_id"),
        ("/inventory/movements", "item_id"),
    ):
        found = (await callers.get(path, params={"sku": other})).json()["items"]
        assert [one[key] for one in found] == [item["id"]], path
    orders = (await callers.get("/orders", params={"sku": other})).json()["items"]
    assert [one["id"] for one in orders] == [placed.json()["id"]]


@pytest.mark.parametrize(("sku", "other"), SAME, ids=str)
def test_the_key_of_a_key_is_itself(sku: str, other: str) -> None:
    """T02: what is folded stays folded."""
    assert sku_key(sku) == sku_key(other) == sku_key(sku_key(sku))
