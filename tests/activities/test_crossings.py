"""Goods, labels and scans that cross requests: whichever comes first, nothing is forgotten."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from db.runs import find_unfinished
from domain.shipments.outcomes import BookingOutcome
from gateways.carriers.sandbox import SANDBOX_CARRIER
from gateways.failures import PartnerFailure
from tests.activities.bench import Bench
from tests.activities.crossing import (
    begin,
    cancelling,
    decide,
    finish,
    lost,
    questions,
    refund_of,
)


@pytest.mark.parametrize("codes", [["X1"], ["PU", "X1"]])
async def test_a_problem_that_comes_before_the_departure_is_booked_is_a_question_too(
    bench: Bench, codes: list[str]
) -> None:
    _, [shipment] = await bench.booked()
    for code in codes:
        await bench.scan(shipment, code)
    assert set(await questions(bench, shipment)) == {"address_problem"}
    if "PU" not in codes:
        await bench.scan(shipment, "PU")
        assert await questions(bench, shipment) == {}
        await bench.scan(shipment, "X1")
    await bench.take("hand_over_shipment", shipment)
    assert set(await questions(bench, shipment)) == {"address_problem"}
    await bench.scan(shipment, "OD")
    assert await questions(bench, shipment) == {}


async def test_a_parcel_that_travels_though_its_label_was_given_back_is_a_question(
    bench: Bench,
) -> None:
    order, [shipment] = await bench.booked()
    await bench.take("recall_shipments", order)
    number = await bench.shop.one(
        "SELECT tracking_number FROM parcels WHERE shipment_id = :id", id=shipment
    )
    event_id = uuid4().hex
    scan = {
        "tracking_number": number,
        "code": "PU",
        "occurred_at": datetime.now(UTC).isoformat(),
        "place": "",
        "message": "",
        "signed_by": "",
    }
    await bench.hear(
        SANDBOX_CARRIER.webhooks, event_id, {"id": event_id, "type": "tracking.scan", "data": scan}
    )
    tasks = await questions(bench, shipment)
    assert tasks["parcel_exception"]["reason"] == "scanned_without_label"
    assert (
        await bench.shop.one("SELECT status FROM shipments WHERE id = :id", id=shipment) == "voided"
    )


async def test_a_lost_parcel_that_turns_up_after_its_refund_is_a_question(bench: Bench) -> None:
    _, shipment = await lost(bench)
    await bench.take("refund_shipment", await decide(bench, shipment, "parcel_lost", "refund"))
    assert await questions(bench, shipment) == {}
    await bench.scan(shipment, "DL")
    tasks = await questions(bench, shipment)
    assert tasks["parcel_exception"]["reason"] == "delivered_after_refund"


async def test_a_parcel_that_turns_up_while_its_refund_is_made_is_a_question(bench: Bench) -> None:
    _, shipment = await lost(bench)
    await bench.take("refund_shipment", await decide(bench, shipment, "parcel_lost", "refund"))
    await bench.payments.fault("timeout_after_success", "refund", delay_seconds=0.01)
    refund = await refund_of(bench, shipment)
    with pytest.raises(PartnerFailure):
        await bench.take("submit_refund", refund)
    await bench.scan(shipment, "DL")
    tasks = await questions(bench, shipment)
    assert tasks["parcel_exception"]["reason"] == "delivered_after_refund"
    assert await bench.take("submit_refund", refund, attempt=2) == "succeeded"


async def test_nobody_is_asked_about_the_label_of_an_order_that_was_cancelled(
    bench: Bench,
) -> None:
    order = await bench.confirmed()
    [shipment] = await bench.shipments(order)
    refused = await begin(bench, "book_shipment", shipment)
    refused.refusal = "unserviceable"
    assert await finish(refused) is BookingOutcome.REFUSED
    assert set(await questions(bench, shipment)) == {"booking_refused"}
    await bench.take("cancel_order", cancelling(order))
    assert await questions(bench, shipment) == {}
    await bench.take("void_payment", order)


async def _return_of(bench: Bench, shipment: UUID) -> Any:
    query = "SELECT id, status, parcel_answer FROM returns WHERE shipment_id = :id"
    [back] = await bench.shop.rows(query, id=shipment)
    return back


async def test_a_lost_parcel_that_comes_back_is_a_question_about_its_return_alone(
    bench: Bench,
) -> None:
    _, shipment = await lost(bench)
    await bench.scan(shipment, "RT")
    await bench.take("settle_shipment", shipment)
    assert await questions(bench, shipment) == {}
    back = await _return_of(bench, shipment)
    assert set(await questions(bench, back["id"])) == {"undeliverable"}


async def test_a_lost_parcel_that_comes_back_while_it_is_refunded_leaves_no_question(
    bench: Bench,
) -> None:
    """Its return gives the money, and the postage as for a lost one: it was not the customer."""
    _, shipment = await lost(bench)
    decided = await decide(bench, shipment, "parcel_lost", "refund")
    await bench.scan(shipment, "RT")
    await bench.take("settle_shipment", shipment)
    await bench.take("refund_shipment", decided)
    assert await questions(bench, shipment) == {}
    back = await _return_of(bench, shipment)
    assert (back["status"], back["parcel_answer"]) == ("authorized", "refund_with_postage")
    assert await questions(bench, back["id"]) == {}
    query = "SELECT id FROM refunds WHERE shipment_id = :id"
    assert await bench.shop.rows(query, id=shipment) == []
    assert await bench.broken() == []


async def test_a_label_that_is_bought_after_its_order_was_cancelled_is_given_back(
    bench: Bench,
) -> None:
    order = await bench.confirmed()
    [shipment] = await bench.shipments(order)
    late = await begin(bench, "book_shipment", shipment)
    assert await bench.take("recall_shipments", order)
    await bench.take("cancel_order", cancelling(order))
    await bench.take("void_payment", order)
    assert await finish(late) is BookingOutcome.NOT_DUE
    [label] = (await bench.carrier.ask("GET", f"/bookings?reference={shipment}"))["data"]
    assert label["voided"]


async def test_a_refusal_that_comes_after_the_order_was_cancelled_asks_nobody(
    bench: Bench,
) -> None:
    order = await bench.confirmed()
    [shipment] = await bench.shipments(order)
    late = await begin(bench, "book_shipment", shipment)
    await bench.take("cancel_order", cancelling(order))
    await bench.take("void_payment", order)
    late.refusal = "unserviceable"
    await finish(late)
    assert await questions(bench, shipment) == {}


async def test_a_parcel_that_is_scanned_while_its_label_is_given_back_has_left(
    bench: Bench,
) -> None:
    order, [shipment] = await bench.booked()
    await bench.scan(shipment, "PU")
    recalling = await begin(bench, "recall_shipments", order)
    # This carrier says no for another reason than that it has the parcel.
    recalling.refusal = "too_late"
    assert await finish(recalling) is False
    assert await bench.take("cancel_order", cancelling(order)) == "confirmed"
    assert (await bench.take("hand_over_shipment", shipment)).status == "picked_up"


async def test_labels_that_a_lost_run_took_back_are_bought_anew(bench: Bench) -> None:
    order, [shipment] = await bench.booked()
    assert await bench.take("recall_shipments", order)
    async with bench.shop.books.read() as db:
        assert order in {row.id for row in await find_unfinished(db)}
    progress = await bench.take("authorize_payment", order)
    [again] = progress.to_book
    assert again != shipment
    assert await bench.take("book_shipment", again) is BookingOutcome.BOOKED


async def test_labels_that_are_taken_back_late_are_bought_anew(bench: Bench) -> None:
    order, [shipment] = await bench.booked()
    late = await begin(bench, "recall_shipments", order)
    assert (await bench.take("resume_order", order)).to_book == ()
    assert await finish(late)
    progress = await bench.take("complete_order", order)
    assert len(progress.to_book) == 1
    assert progress.to_book != (shipment,)
