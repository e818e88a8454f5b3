"""Captures and voids by hand that cross with the steps of the order's and the shipments' runs."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from activities.payments.by_hand import capture_by_hand, void_by_hand
from domain.errors import AmountExceeded
from domain.ids import OrderId, new_id
from domain.money import Money
from domain.orders.by_hand import CapturePayment, VoidPayment
from gateways.failures import PartnerFailure
from tests.activities.bench import Bench
from tests.activities.crossing import begin, cancelling, finish


async def payment_of(bench: Bench, order: OrderId) -> UUID:
    query = "SELECT id FROM payments WHERE order_id = :id"
    return UUID(str(await bench.shop.one(query, id=order)))


async def take_by_hand(bench: Bench, order: OrderId, amount: int | None = None) -> None:
    """Have some money, or all that is needed, taken by hand."""
    money = None if amount is None else Money(amount=amount, currency="USD")
    asked = CapturePayment(amount=money, reason="a deposit")
    async with bench.shop.books.begin() as db:
        payment = await payment_of(bench, order)
        await capture_by_hand(db, payment, new_id(), asked, actor="finance")


async def drop_by_hand(bench: Bench, order: OrderId) -> None:
    """Have all money let go by hand."""
    asked = VoidPayment(reason="another way", although_needed=True)
    async with bench.shop.books.begin() as db:
        payment = await payment_of(bench, order)
        await void_by_hand(db, payment, new_id(), asked, actor="finance")


async def total_of(bench: Bench, order: OrderId) -> int:
    return int(await bench.shop.one("SELECT total_amount FROM orders WHERE id = :id", id=order))


async def owed_by(bench: Bench, order: OrderId) -> bool:
    query = "SELECT count(*) FROM tasks WHERE kind = 'capture_failed' AND document_id IN"
    orders = "(SELECT id FROM shipments WHERE order_id = :id)"
    return bool(await bench.shop.one(f"{query} {orders}", id=order))


@pytest.mark.parametrize("crash", ["timeout_before", "timeout_after_success", "malformed"])
@pytest.mark.parametrize("kind", ["capture", "void"])
async def test_what_broke_off_at_the_provider_is_asked_for_by_its_key(
    bench: Bench, kind: str, crash: str
) -> None:
    order, _ = await bench.booked()
    await (take_by_hand if kind == "capture" else drop_by_hand)(bench, order)
    await bench.payments.fault(crash, kind, delay_seconds=0.01)
    with pytest.raises(PartnerFailure):
        await bench.take("authorize_payment", order)
    await bench.take("authorize_payment", order, attempt=2)
    ended = await bench.everything()
    await bench.take("authorize_payment", order, attempt=3)
    assert await bench.everything() == ended
    assert (await bench.moved(order))[kind] == (1, await total_of(bench, order))
    assert await bench.broken() == []


async def test_the_orders_and_the_shipments_run_do_it_once_between_them(bench: Bench) -> None:
    order, [shipment] = await bench.booked(AUS=2)
    await take_by_hand(bench, order, 700)
    await bench.scan(shipment, "PU")
    await asyncio.gather(
        bench.take("authorize_payment", order),
        bench.take("hand_over_shipment", shipment),
        bench.take("authorize_payment", order),
    )
    total = await total_of(bench, order)
    assert (await bench.moved(order))["capture"] == (2, total)
    assert not await owed_by(bench, order)
    assert await bench.broken() == []


async def test_what_is_being_taken_for_a_hand_over_is_not_taken_by_hand_too(bench: Bench) -> None:
    order, [shipment] = await bench.booked(AUS=2)
    await bench.scan(shipment, "PU")
    taking = await begin(bench, "hand_over_shipment", shipment)
    with pytest.raises(AmountExceeded):
        await take_by_hand(bench, order, 1)
    with pytest.raises(AmountExceeded):
        await drop_by_hand(bench, order)
    assert not (await finish(taking)).owed
    assert (await bench.moved(order))["capture"] == (1, await total_of(bench, order))


async def test_of_a_closed_order_it_is_not_said_that_it_is_cancelled(bench: Bench) -> None:
    """That was asked for once, and came too late: what it still owes may be taken."""
    order, _ = await bench.sent("tok_capture_declined")
    closed = "UPDATE orders SET status = 'closed', cancel_requested_at = now() WHERE id = :id"
    payment = await payment_of(bench, order)
    asked = CapturePayment(amount=Money(amount=10**9, currency="USD"), reason="a deposit")

    async def take() -> None:
        async with bench.shop.books.begin() as db:
            await db.execute(text(closed), {"id": order})
            await capture_by_hand(db, payment, new_id(), asked, actor="finance")

    with pytest.raises(AmountExceeded, match="still needs"):
        await take()


async def test_money_that_is_taken_while_its_order_is_cancelled_goes_back(bench: Bench) -> None:
    order = await bench.confirmed(AUS=2)
    await take_by_hand(bench, order, 900)
    taking = await begin(bench, "authorize_payment", order)
    await bench.take("cancel_order", cancelling(order))
    await finish(taking)
    await bench.take("void_payment", order)
    rows = "SELECT id FROM refunds WHERE order_id = :id AND source = 'cancellation'"
    [refund] = await bench.shop.rows(rows, id=order)
    await bench.take("submit_refund", refund["id"])
    moved = await bench.moved(order)
    assert (moved["capture"][1], moved["refund"][1]) == (900, 900)
    assert await bench.broken() == []


async def test_what_was_not_sent_before_its_order_was_cancelled_is_never_taken(
    bench: Bench,
) -> None:
    order = await bench.confirmed(AUS=2)
    await take_by_hand(bench, order)
    await bench.take("cancel_order", cancelling(order))
    await bench.take("void_payment", order)
    assert "capture" not in await bench.moved(order)
    assert (await bench.moved(order))["void"] == (1, await total_of(bench, order))
    assert await bench.broken() == []
