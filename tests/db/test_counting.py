"""What a transaction did is counted when it is committed, and not before."""

from collections.abc import AsyncIterator

import pytest

from db.documents import ORDERS
from domain.orders.status import CancelReason, OrderStatus
from telemetry import metrics
from tests.shop import Shop, opened


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with opened(database_url) as shop:
        yield shop


def cancelled() -> float:
    """Return how many pending orders this process counts as cancelled."""
    moves = {"from_status": "pending", "to_status": "cancelled"}
    return metrics.REGISTRY.get_sample_value("order_transitions_total", moves) or 0.0


async def test_a_step_is_counted_when_it_is_committed_and_only_then(shop: Shop) -> None:
    mug = await shop.item(AUS=1)
    order_id = await shop.place((mug, 1))
    before = cancelled()

    async def cancel(*, then_fail: bool) -> None:
        async with shop.books.begin() as db:
            order = await ORDERS.lock(db, order_id)
            reason = CancelReason.STAFF
            await ORDERS.move(db, order, OrderStatus.CANCELLED, "tests", cancel_reason=reason)
            assert cancelled() == before
            if then_fail:
                raise RuntimeError("the step broke off")

    with pytest.raises(RuntimeError):
        await cancel(then_fail=True)
    assert cancelled() == before
    await cancel(then_fail=False)
    assert cancelled() == before + 1
