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
from tests.activities.crossing import decide, lost, refund_of


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


async def test_units_that_are_cancelled_while_their_label_is_bought_do_not_travel(
    bench: Bench,
) -> None:
    for turn in range(8):
        order = await bench.confirmed(AUS=3)
        [shipment] = await bench.shipments(order)
        rivals = [bench.take("book_shipment", shipment), bench.shop.cancel_units(order, 1)]
        await asyncio.gather(*(rivals if turn % 2 else rivals[::-1]))
        await bench.take("withdraw_labels", order)
        progress = await bench.take("cancel_order_lines", order)
        for each in progress.to_book:
            await bench.take("book_shipment", each)
        travelling = await bench.shop.rows(
            "SELECT s.id, l.quantity FROM shipments s JOIN shipment_lines l ON l.shipment_id = s.id"
            " WHERE s.order_id = :id AND s.status = 'booked'",
            id=order,
        )
        assert [row["quantity"] for row in travelling] == [2]
        sold = [
            label["reference"]
            for one in await bench.shipments(order)
            for label in (await bench.carrier.ask("GET", f"/bookings?reference={one}"))["data"]
            if not label["voided"]
        ]
        assert sold == [str(travelling[0]["id"])]


async def test_units_are_cancelled_or_leave_and_never_both(bench: Bench) -> None:
    for turn in range(8):
        order, [shipment] = await bench.booked(AUS=2)
        await bench.shop.cancel_units(order, 1)

        async def leave(shipment: ShipmentId = shipment) -> bool:
            try:
                await bench.scan(shipment, "PU")
            except httpx2.HTTPStatusError as refused:
                if refused.response.json()["error"]["code"] != "voided":
                    raise
                return False
            await bench.take("hand_over_shipment", shipment)
            return True

        rivals = [bench.take("withdraw_labels", order), leave()]
        answers = await asyncio.gather(*(rivals if turn % 2 else rivals[::-1]))
        await bench.take("cancel_order_lines", order)
        [line] = await bench.shop.rows(
            "SELECT cancelled, shipped FROM order_lines WHERE order_id = :id", id=order
        )
        left = {"cancelled": 0, "shipped": 2}
        assert line == (left if True in answers else {"cancelled": 1, "shipped": 0})


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


async def test_twenty_answers_about_one_lost_parcel_give_its_money_back_once(bench: Bench) -> None:
    order, shipment = await lost(bench)
    answer = await decide(bench, shipment, "parcel_lost", "refund")
    settled = await asyncio.gather(*(bench.take("refund_shipment", answer) for _ in range(20)))
    assert all(journey.settled for journey in settled)
    refund = await refund_of(bench, shipment)
    await asyncio.gather(*(bench.take("submit_refund", refund) for _ in range(20)))
    moved = await bench.moved(order)
    assert moved["refund"] == moved["capture"]
    assert await bench.broken() == []


async def test_parcels_of_one_order_that_are_answered_at_once_give_back_all_that_was_paid(
    bench: Bench,
) -> None:
    """T20: the postage goes back with one of them, once."""
    order, shipments = await bench.booked(AUS=1, RNO=1)
    for shipment in shipments:
        await bench.scan(shipment, "LO")
        await bench.take("hand_over_shipment", shipment)
        await bench.take("settle_shipment", shipment)
    answers = [await decide(bench, each, "parcel_lost", "refund") for each in shipments]
    await asyncio.gather(*(bench.take("refund_shipment", answer) for answer in answers * 10))
    refunds = [await refund_of(bench, shipment) for shipment in shipments]
    await asyncio.gather(*(bench.take("submit_refund", refund) for refund in refunds * 10))
    total = await bench.shop.one("SELECT total_amount FROM orders WHERE id = :id", id=order)
    assert (await bench.moved(order))["refund"] == (2, total)
    assert await bench.broken() == []
