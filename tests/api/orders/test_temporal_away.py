"""While Temporal is away orders are accepted and read; requests to runs are refused whole."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from db.holds import record_hold
from domain.documents import Document, Kind
from domain.holds import HoldPlacement, HoldReason
from domain.ids import new_id
from tests.api.orders.conftest import problem
from tests.storefront import Storefront


async def test_an_order_is_accepted_and_read(shop: Storefront) -> None:
    order = await shop.placed({await shop.item(): 1})
    assert (await shop.callers.get(f"/orders/{order['id']}")).json() == order
    assert (await shop.callers.get(f"/orders/{order['id']}/timeline")).status_code == 200
    assert (await shop.callers.get("/health/ready")).json()["status"] == "degraded"


async def held(shop: Storefront, order_id: str) -> str:
    """Put an order on hold, as its run did while Temporal was there; return the hold's id."""
    hold = HoldPlacement(
        document=Document(Kind.ORDER, UUID(order_id)),
        hold_id=new_id(),
        reason=HoldReason.FRAUD_REVIEW,
        note="",
        actor="support",
    )
    async with shop.books.begin() as db:
        await record_hold(db, hold)
    return str(hold.hold_id)


@pytest.mark.parametrize(
    ("path", "body"),
    [("cancel", {}), ("holds", {"reason": "manual"}), ("holds/HOLD/release", None)],
)
async def test_a_request_to_the_run_is_refused_and_changes_nothing(
    shop: Storefront, path: str, body: Any
) -> None:
    placed = await shop.placed({await shop.item(): 1})
    path = f"/orders/{placed['id']}/{path.replace('HOLD', await held(shop, placed['id']))}"
    order = (await shop.callers.get(f"/orders/{placed['id']}")).json()
    before, key = await shop.counts(), uuid4().hex
    for _ in range(2):
        asked = await shop.callers.post(path, body, key=key)
        problem(asked, 503, "partner_unavailable")
        assert int(asked.headers["retry-after"]) >= 1
    assert await shop.counts() == before
    assert (await shop.callers.get(f"/orders/{order['id']}")).json() == order


async def test_the_process_is_told_as_far_as_the_books_know_it(shop: Storefront) -> None:
    order = await shop.placed({await shop.item(): 1})
    await held(shop, order["id"])
    told = (await shop.callers.get(f"/orders/{order['id']}/process")).json()
    assert (told["status"], told["runs_known"], told["runs"]) == ("pending", False, [])
    first, second = (wait["who"] for wait in told["waiting_for"][:2])
    assert first == "our process engine"
    assert second == "a person, to release the hold"
    assert told["summary"].startswith(
        f"{order['number']} is pending and waits for our process engine: Temporal"
    )
