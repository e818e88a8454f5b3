"""Answers about money that cross others: it moves once, and is taken or given back."""

import pytest

from tests.activities.bench import Bench
from tests.activities.crossing import (
    begin,
    cancelling,
    decide,
    finish,
    lost,
    refund_of,
    report,
    signals,
)


async def test_a_lost_parcel_that_turns_up_before_the_refund_is_made_is_not_refunded(
    bench: Bench,
) -> None:
    order, shipment = await lost(bench)
    decided = await decide(bench, shipment, "parcel_lost", "refund")
    await bench.scan(shipment, "DL")
    journey = await bench.take("refund_shipment", decided)
    assert (journey.status, journey.settled) == ("delivered", False)
    assert (await bench.take("settle_shipment", shipment)).settled
    assert "refund" not in await bench.moved(order)


async def test_a_refund_that_was_made_before_the_parcel_turned_up_is_recorded_all_the_same(
    bench: Bench,
) -> None:
    order, shipment = await lost(bench)
    await bench.take("refund_shipment", await decide(bench, shipment, "parcel_lost", "refund"))
    refund = await refund_of(bench, shipment)
    dying = await begin(bench, "submit_refund", refund, doors=1)
    await dying.die()
    await bench.scan(shipment, "DL")
    assert await bench.take("submit_refund", refund, attempt=2) == "succeeded"
    assert (await bench.moved(order))["refund"][0] == 1


async def test_an_order_is_not_completed_while_money_for_what_has_left_is_owed(
    bench: Bench,
) -> None:
    order, [owing, paid] = await bench.booked(AUS=1, RNO=1)
    for shipment in (owing, paid):
        await bench.scan(shipment, "PU")
    refused = await begin(bench, "hand_over_shipment", owing)
    refused.refusal = "not_now"
    assert (await finish(refused)).owed
    await bench.take("hand_over_shipment", paid)
    for shipment in (owing, paid):
        await bench.scan(shipment, "DL")
        await bench.take("settle_shipment", shipment)
    progress = await bench.take("complete_order", order)
    assert (progress.status, progress.to_book) == ("confirmed", ())

    await bench.take("retry_capture", await decide(bench, owing, "capture_failed", "retry"))
    assert (await bench.take("complete_order", order)).status == "completed"
    total = await bench.shop.one("SELECT total_amount FROM orders WHERE id = :id", id=order)
    assert (await bench.moved(order))["capture"][1] == total


@pytest.mark.parametrize(("answer", "status"), [("confirm", "confirmed"), ("fail", "pending")])
async def test_a_customer_may_decide_before_it_is_recorded_that_it_is_waited_for(
    bench: Bench, answer: str, status: str
) -> None:
    order = await bench.placed("tok_action_required")
    asking = await begin(bench, "authorize_payment", order, doors=1)
    [operation] = (await bench.payments.ask("GET", "/ledger?limit=1000"))["data"][-1:]
    await bench.payments.ask("POST", f"/authorizations/{operation['authorization']}/{answer}")
    await report(bench, order)
    assert await signals(bench, order) == 0
    progress = await finish(asking)
    assert progress.status == status
    assert progress.standing == ("secured" if answer == "confirm" else "declined")


@pytest.mark.parametrize("told_by", ["step", "provider"])
async def test_an_authorization_that_succeeds_after_the_order_was_given_up_is_dropped(
    bench: Bench, told_by: str
) -> None:
    order = await bench.placed()
    late = await begin(bench, "authorize_payment", order)
    await bench.take("cancel_order", cancelling(order))
    await bench.take("void_payment", order)
    await late.go_on()
    if told_by == "provider":
        await late.die()
        await report(bench, order)
    else:
        await finish(late)
    assert await signals(bench, order) == 1
    assert (await bench.take("authorize_payment", order)).authorized_amount > 0
    assert (await bench.take("void_payment", order)).authorized_amount == 0
    moved = await bench.moved(order)
    assert moved["void"] == moved["authorization"]
