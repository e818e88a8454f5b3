"""Many at once: stock is promised once, money moves once, and one of two rivals wins."""

import asyncio

import httpx2
import pytest

from api.notifier import OutboxNotifier
from api.orders.batch import Acceptor
from db.idempotency import Answer
from domain.errors import DomainError, OutOfStock
from domain.ids import ShipmentId
from domain.orders.requests import Cancellation
from domain.orders.status import CancelReason
from domain.policy import Policy
from tests.activities.bench import Bench


@pytest.fixture
async def acceptor(bench: Bench) -> Acceptor:
    return Acceptor(bench.shop.books, OutboxNotifier(bench.shop.books), Policy())


async def test_of_two_hundred_orders_for_one_unit_one_is_accepted(
    bench: Bench, acceptor: Acceptor
) -> None:
    mug = await bench.shop.item(AUS=1)
    answers = await asyncio.gather(
        *(acceptor.accept(bench.shop.submission([(mug, 1)])) for _ in range(200)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Answer) for answer in answers) == 1
    refused = [answer for answer in answers if isinstance(answer, OutOfStock)]
    assert len(refused) == 199
    assert refused[0].extensions["shortages"][0]["available"] in (0, 1)
    assert await bench.shop.stock(mug) == (1, 1)


async def test_of_many_transactions_for_one_unit_one_is_accepted(bench: Bench) -> None:
    mug = await bench.shop.item(AUS=1)
    decisions = await asyncio.gather(
        *(bench.shop.ask([bench.shop.submission([(mug, 1)])]) for _ in range(40))
    )
    assert sum(isinstance(decision, Answer) for [decision] in decisions) == 1
    assert await bench.shop.stock(mug) == (1, 1)


async def test_two_lines_of_one_item_are_one_demand(bench: Bench) -> None:
    mug = await bench.shop.item(AUS=5)
    [refused] = await bench.shop.ask([bench.shop.submission([(mug, 3), (mug, 3)])])
    assert isinstance(refused, OutOfStock)
    assert refused.extensions["shortages"][0]["requested"] == 6
    assert await bench.shop.stock(mug) == (5, 0)
    await bench.shop.place((mug, 3), (mug, 2))
    assert await bench.shop.stock(mug) == (5, 5)


async def test_orders_that_name_the_same_items_in_opposite_order_never_deadlock(
    bench: Bench,
) -> None:
    items = [await bench.shop.item(AUS=60) for _ in range(4)]
    lines = [(item, 1) for item in items]
    turns = [lines if turn % 2 else lines[::-1] for turn in range(60)]
    decisions = await asyncio.gather(
        *(bench.shop.ask([bench.shop.submission(turn)]) for turn in turns)
    )
    assert all(isinstance(decision, Answer) for [decision] in decisions)
    for item in items:
        assert await bench.shop.stock(item) == (60, 60)


async def test_fifty_repeats_of_one_request_make_one_order(
    bench: Bench, acceptor: Acceptor
) -> None:
    mug = await bench.shop.item(AUS=100)
    asked = bench.shop.submission([(mug, 1)])
    answers = await asyncio.gather(*(acceptor.accept(asked) for _ in range(50)))
    assert len({answer.resource_id for answer in answers}) == 1
    assert len({answer.body for answer in answers}) == 1
    assert sum(answer.replayed for answer in answers) == 49
    assert await bench.shop.stock(mug) == (100, 1)


async def test_repeats_from_several_processes_make_one_order(bench: Bench) -> None:
    mug = await bench.shop.item(AUS=100)
    asked = bench.shop.submission([(mug, 1)])
    doors = [
        Acceptor(bench.shop.books, OutboxNotifier(bench.shop.books), Policy()) for _ in range(4)
    ]
    answers = await asyncio.gather(
        *(doors[turn % 4].accept(asked) for turn in range(40)), return_exceptions=True
    )
    told = [answer for answer in answers if isinstance(answer, Answer)]
    assert len({answer.resource_id for answer in told}) == 1
    # Who comes while the first one is being decided may be told to ask again.
    assert all(isinstance(answer, Answer | DomainError) for answer in answers)
    assert await bench.shop.stock(mug) == (100, 1)


async def test_shipments_that_leave_at_once_capture_exactly_the_total(bench: Bench) -> None:
    for _ in range(5):
        order, shipments = await bench.booked(AUS=2, RNO=1)
        for shipment in shipments:
            await bench.scan(shipment, "PU")
        await asyncio.gather(
            *(bench.take("hand_over_shipment", shipment) for shipment in shipments)
        )
        total = await bench.shop.one("SELECT total_amount FROM orders WHERE id = :id", id=order)
        assert (await bench.moved(order))["capture"] == (2, total)


async def test_one_departure_booked_by_many_at_once_is_one(bench: Bench) -> None:
    order, [shipment] = await bench.booked()
    await bench.scan(shipment, "PU")
    await asyncio.gather(*(bench.take("hand_over_shipment", shipment) for _ in range(8)))
    total = await bench.shop.one("SELECT total_amount FROM orders WHERE id = :id", id=order)
    assert (await bench.moved(order))["capture"] == (1, total)
    issued = await bench.shop.rows(
        "SELECT 1 FROM movements WHERE document_id = :id AND kind = 'issue'", id=shipment
    )
    assert len(issued) == 1


async def test_of_a_cancellation_and_a_departure_exactly_one_wins(bench: Bench) -> None:
    for turn in range(12):
        order, [shipment] = await bench.booked()
        request = Cancellation(order_id=order, reason=CancelReason.FRAUD, actor="support")

        async def withdraw(request: Cancellation = request) -> bool:
            if await bench.take("recall_shipments", request.order_id):
                return bool(await bench.take("cancel_order", request) == "cancelled")
            return False

        async def leave(shipment: ShipmentId = shipment) -> bool:
            try:
                await bench.scan(shipment, "PU")
            except httpx2.HTTPStatusError as refused:
                if refused.response.json()["error"]["code"] != "voided":
                    raise
                return False
            await bench.take("hand_over_shipment", shipment)
            return True

        rivals = (withdraw(), leave()) if turn % 2 else (leave(), withdraw())
        answers = await asyncio.gather(*rivals)
        assert sum(answers) == 1, answers
        row = await bench.shop.one("SELECT status FROM orders WHERE id = :id", id=order)
        shipped = await bench.shop.one(
            "SELECT sum(shipped)::int FROM order_lines WHERE order_id = :id", id=order
        )
        assert (row, shipped) in {("cancelled", 0), ("confirmed", 1)}
        if row == "cancelled":
            await bench.take("void_payment", order)


async def test_many_who_ask_for_the_money_at_once_reserve_it_once(bench: Bench) -> None:
    order = await bench.placed()
    await asyncio.gather(*(bench.take("authorize_payment", order) for _ in range(8)))
    total = await bench.shop.one("SELECT total_amount FROM orders WHERE id = :id", id=order)
    assert await bench.moved(order) == {"authorization": (1, total)}
    assert len(await bench.shipments(order)) == 1


async def test_many_who_book_one_shipment_buy_one_label(bench: Bench) -> None:
    order = await bench.confirmed()
    [shipment] = await bench.shipments(order)
    await asyncio.gather(*(bench.take("book_shipment", shipment) for _ in range(8)))
    bought = (await bench.carrier.ask("GET", f"/bookings?reference={shipment}"))["data"]
    assert len(bought) == 1
    assert len(bought[0]["parcels"]) == 1
