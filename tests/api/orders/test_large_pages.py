"""Pages of large documents: they end early, so that no answer is larger than memory allows."""

from typing import Any
from urllib.parse import urlencode

from db.orders.reads import PARTS_SIZE, fields_of, search_orders
from db.orders.tables import OrderRow
from db.pages import PAGE_BYTES, get_page
from domain.ids import CustomerId
from tests.storefront import Storefront, an_order

LINES = 500
"""The most that an order may have."""


async def large(shop: Storefront, count: int) -> tuple[str, list[str]]:
    """Place orders of as many lines as they may have; return their customer and ids."""
    customer, sku = await shop.customer(), await shop.item(stock=count * LINES)
    body = an_order(customer, {sku: 1})
    body["lines"] *= LINES
    placed = [await shop.callers.post("/orders", body) for _ in range(count)]
    assert {answer.status_code for answer in placed} == {201}
    return customer, [answer.json()["id"] for answer in placed]


async def test_a_page_of_large_orders_ends_early_and_none_is_missed(shop: Storefront) -> None:
    """D2: with a limit of 100 a page has about a megabyte, its orders whole, and `next` goes on."""
    customer, ids = await large(shop, 12)
    for words in ({}, {"payment_status": ["unpaid", "authorized"]}):
        asked = {"customer_id": customer, "limit": 100, **words}
        address: str | None = f"/orders?{urlencode(asked, doseq=True)}"
        seen: list[dict[str, Any]] = []
        sizes = []
        while address:
            answer = await shop.callers.get(address)
            sizes.append(len(answer.content))
            page = answer.json()
            assert page["items"]
            seen += page["items"]
            address = page["next"]
        assert [order["id"] for order in seen] == ids[::-1]
        assert all(len(order["lines"]) == LINES for order in seen)
        assert 3 <= len(sizes) <= 5
        largest = sum(sizes) / len(ids)
        assert max(sizes) <= PAGE_BYTES + largest, sizes


async def test_a_row_that_is_larger_than_a_page_is_a_page_of_its_own(shop: Storefront) -> None:
    """D2: a list goes on past what is too large, and says until the last row that there is more."""
    customer, ids = await large(shop, 2)
    orders = search_orders(customer_id=CustomerId(customer))
    after, seen = None, []
    async with shop.books.read() as db:
        for more in (True, False):
            rows, ahead = await get_page(
                db, OrderRow, orders, OrderRow.id, after=after, limit=2, parts=PARTS_SIZE, most=1
            )
            assert ahead is more
            [row] = rows
            seen.append(str(fields_of(row)["id"]))
            after = row.id
    assert seen == ids[::-1]
