"""Orders that pay when they are confirmed: whatever crosses their capture, money moves once."""

import pytest

from domain.ids import OrderId, RefundId
from domain.orders.status import CaptureOn
from tests.activities.bench import Bench
from tests.activities.crossing import begin, cancelling, finish

TOTAL = 3200


async def _confirmed(bench: Bench, **stock: int) -> OrderId:
    order = await bench.placed(capture_on=CaptureOn.CONFIRMATION, **stock)
    progress = await bench.take("authorize_payment", order)
    assert (progress.status, progress.to_capture, progress.to_book) == ("confirmed", True, ())
    return order


async def _give_back(bench: Bench, order: OrderId) -> None:
    """Let the order's refunds run."""
    rows = await bench.shop.rows("SELECT id FROM refunds WHERE order_id = :id", id=order)
    for row in rows:
        assert await bench.take("submit_refund", RefundId(row["id"])) == "succeeded"


@pytest.mark.parametrize("doors", [0, 1])
async def test_a_worker_that_dies_while_the_money_is_taken_takes_it_once(
    bench: Bench, doors: int
) -> None:
    order = await _confirmed(bench)
    dying = await begin(bench, "capture_payment", order, doors=doors)
    await dying.die()
    progress = await bench.take("capture_payment", order, attempt=2)
    assert (progress.to_capture, len(progress.to_book)) == (False, 1)
    await bench.take("capture_payment", order, attempt=3)
    assert (await bench.moved(order))["capture"] == (1, TOTAL)
    assert await bench.broken() == []


async def test_what_was_taken_before_an_order_was_cancelled_goes_back(bench: Bench) -> None:
    """The worker died before it had recorded the provider's answer; its order is cancelled."""
    order = await _confirmed(bench)
    dying = await begin(bench, "capture_payment", order, doors=1)
    await dying.die()
    await bench.take("cancel_order", cancelling(order))
    await bench.take("void_payment", order)
    await _give_back(bench, order)
    moved = await bench.moved(order)
    assert (moved["capture"], moved["refund"]) == ((1, TOTAL), (1, TOTAL))
    assert await bench.broken() == []


async def test_what_was_not_taken_before_an_order_was_cancelled_never_is(bench: Bench) -> None:
    """A stalled worker comes too late with its question: nothing is reserved any more."""
    order = await _confirmed(bench)
    stalled = await begin(bench, "capture_payment", order)
    await bench.take("cancel_order", cancelling(order))
    await bench.take("void_payment", order)
    progress = await finish(stalled)
    assert (progress.status, progress.to_capture) == ("cancelled", False)
    moved = await bench.moved(order)
    assert (moved.get("capture", (0, 0))[0], moved["void"]) == (0, (1, TOTAL))
    assert await bench.broken() == []


async def test_units_cancelled_while_the_money_is_taken_go_back_once_it_is_there(
    bench: Bench,
) -> None:
    order = await _confirmed(bench, AUS=2)
    asking = await begin(bench, "capture_payment", order, doors=1)
    await bench.shop.cancel_units(order, 1)
    await bench.take("withdraw_labels", order)
    await bench.take("cancel_order_lines", order)
    assert await bench.shop.rows("SELECT id FROM refunds WHERE order_id = :id", id=order) == []
    await finish(asking)
    await _give_back(bench, order)
    moved = await bench.moved(order)
    assert (moved["capture"], moved["refund"]) == ((1, 5900), (1, 2700))
    assert await bench.broken() == []
