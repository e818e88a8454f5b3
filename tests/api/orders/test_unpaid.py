"""Orders that wait for their money are bounded by customer and integration, and end apart."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from domain.policy import Policy
from runtime.settings import Settings
from tests.storefront import Storefront


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(unpaid_per_customer=3, unpaid_per_source=5)


async def customer(shop: Storefront) -> str:
    made = await shop.callers.post("/customers", {"name": "Ada"})
    return str(made.json()["id"])


async def place(shop: Storefront, sku: str, who: str, **asked: Any) -> httpx2.Response:
    return await shop.place({sku: 1}, customer_id=who, **asked)


async def test_a_customer_with_too_many_unpaid_orders_is_refused_and_others_are_not(
    shop: Storefront,
) -> None:
    sku, one, other = await shop.item(stock=50), await customer(shop), await customer(shop)
    seen = [await place(shop, sku, one) for _ in range(4)]
    assert [each.status_code for each in seen] == [201, 201, 201, 429]
    refused = seen[-1]
    assert refused.json()["code"] == "too_many_unpaid"
    assert int(refused.headers["retry-after"]) == refused.json()["retry_after"] == 60
    assert (await place(shop, sku, other)).status_code == 201
    assert await shop.reserved(sku) == 4
    await shop.assert_sound()


async def test_transfers_that_are_awaited_keep_no_customer_from_paying_by_card(
    shop: Storefront,
) -> None:
    sku, one = await shop.item(stock=50), await customer(shop)
    later = [await place(shop, sku, one, payment={"method": "bank_transfer"}) for _ in range(4)]
    assert [each.status_code for each in later] == [201] * 4
    assert (await place(shop, sku, one)).status_code == 201


async def test_payment_windows_of_orders_that_come_together_end_apart_and_never_early(
    shop: Storefront,
) -> None:
    sku, window = await shop.item(stock=50), Policy().payment_window
    waits = set()
    for who in [await customer(shop) for _ in range(4)]:
        order = (await place(shop, sku, who)).json()
        placed, due = (
            datetime.fromisoformat(order[name]) for name in ("placed_at", "payment_due_at")
        )
        waits.add(due - placed)
    assert len(waits) > 1
    assert window <= min(waits) <= max(waits) <= window + timedelta(minutes=5)


async def test_an_integration_with_too_many_unpaid_orders_is_refused_for_new_customers_too(
    shop: Storefront,
) -> None:
    sku, source = await shop.item(stock=50), f"shop-{uuid4().hex[:8]}"
    customers = [await customer(shop) for _ in range(6)]
    seen = [await place(shop, sku, who, source=source) for who in customers]
    assert [each.status_code for each in seen] == [201] * 5 + [429]
    assert seen[-1].json()["code"] == "too_many_unpaid"
