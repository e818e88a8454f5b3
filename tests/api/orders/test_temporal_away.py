"""While Temporal is away orders are accepted and read; requests to runs are refused whole."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.api.orders.conftest import Shop, problem


async def test_an_order_is_accepted_and_read(shop: Shop) -> None:
    order = await shop.placed({await shop.item(): 1})
    assert (await shop.callers.get(f"/orders/{order['id']}")).json() == order
    assert (await shop.callers.get(f"/orders/{order['id']}/timeline")).status_code == 200
    assert (await shop.callers.get("/health/ready")).json()["status"] == "degraded"


@pytest.mark.parametrize(
    ("path", "body"),
    [("cancel", {}), ("holds", {"reason": "manual"}), (f"holds/{UUID(int=7)}/release", None)],
)
async def test_a_request_to_the_run_is_refused_and_changes_nothing(
    shop: Shop, path: str, body: Any
) -> None:
    order = await shop.placed({await shop.item(): 1})
    before, key = await shop.counts(), uuid4().hex
    for _ in range(2):
        asked = await shop.callers.post(f"/orders/{order['id']}/{path}", body, key=key)
        problem(asked, 503, "partner_unavailable")
        assert int(asked.headers["retry-after"]) >= 1
    assert await shop.counts() == before
    assert (await shop.callers.get(f"/orders/{order['id']}")).json() == order


async def test_what_the_process_waits_for_cannot_be_told(shop: Shop) -> None:
    order = await shop.placed({await shop.item(): 1})
    asked = await shop.callers.get(f"/orders/{order['id']}/process")
    assert "retry-after" in asked.headers
    problem(asked, 503, "partner_unavailable")
