"""Answers about money that cross others: it moves once, and is taken or given back."""

from tests.activities.bench import Bench
from tests.activities.crossing import begin, decide, finish


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
