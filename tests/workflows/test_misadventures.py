"""Goods that are lost or come back, and money that cannot be taken: people decide."""

from datetime import UTC, datetime, timedelta

import pytest

from db.outbox import signal
from db.tasks import answer_task
from domain.documents import Document, Kind, Signal
from domain.errors import IllegalMove
from domain.tasks import Decision, TaskKind
from tests.workflows.return_stories import back_is, do
from tests.workflows.stage import Stage
from tests.workflows.undelivered_stories import brought_back

LONG_AGO = (datetime.now(UTC) - timedelta(hours=20)).isoformat()


async def test_a_lost_parcel_is_refunded_when_a_person_decides_so(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "lost")
    await stage.task(TaskKind.PARCEL_LOST, shipment)
    with pytest.raises(IllegalMove):
        await stage.decide(TaskKind.PARCEL_LOST, shipment, "shrug")
    await stage.decide(TaskKind.PARCEL_LOST, shipment, "refund")

    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.result(stage.tracking(shipment)) == "lost"
    refund = await stage.refund(order)
    [given] = await stage.shop.rows("SELECT * FROM refunds WHERE id = :id", id=refund)
    assert (given["source"], given["shipment_id"]) == ("shipment", shipment)
    assert (given["requested_by"], given["approved_by"]) == ("person", "system")
    [line] = await stage.shop.rows("SELECT * FROM order_lines WHERE order_id = :id", id=order)
    assert (line["shipped"], line["written_off"], line["delivered"]) == (1, 1, 0)
    assert line["refunded_amount"] == line["captured_amount"] == line["total_amount"]
    assert (await stage.moved(order))["refund"] == line["total_amount"] + 500
    assert await stage.shop.stock(mug) == (0, 0)


async def test_goods_whose_refund_the_provider_refuses_are_settled_and_finance_is_asked(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token="tok_refund_declined")
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "lost")
    await stage.decide(TaskKind.PARCEL_LOST, shipment, "refund")
    assert await stage.result(stage.run(order)) == "completed"
    refund = await stage.refund(order, "failed")
    await stage.decide(TaskKind.REFUND_FAILED, refund, "given_otherwise")
    await stage.refund(order, "cancelled")
    [line] = await stage.shop.rows("SELECT * FROM order_lines WHERE order_id = :id", id=order)
    assert (line["shipped"], line["written_off"], line["delivered"]) == (1, 1, 0)
    assert (line["captured_amount"], line["refunded_amount"]) == (line["total_amount"], 0)
    assert (await stage.moved(order)).get("refund", 0) == 0


async def test_a_lost_parcel_that_turns_up_counts_as_delivered(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "lost")
    task = await stage.task(TaskKind.PARCEL_LOST, shipment)
    await stage.scan(shipment, "DL", signed_by="Ada")

    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.result(stage.tracking(shipment)) == "delivered"
    [closed] = await stage.shop.rows("SELECT status FROM tasks WHERE id = :id", id=task["id"])
    assert closed["status"] == "cancelled"
    assert "refund" not in await stage.moved(order)


async def test_one_of_two_shipments_lost_refunds_only_its_share(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=2, RNO=1)
    order = await stage.shop.place((mug, 3))
    kept, lost = await stage.shipments(order, "booked", 2)
    await stage.travel(kept, "delivered")
    await stage.travel(lost, "lost")
    await stage.decide(TaskKind.PARCEL_LOST, lost, "refund")

    assert await stage.result(stage.run(order)) == "completed"
    [line] = await stage.shop.rows("SELECT * FROM order_lines WHERE order_id = :id", id=order)
    assert (line["delivered"], line["written_off"]) == (2, 1)
    await stage.refund(order)
    [line] = await stage.shop.rows("SELECT * FROM order_lines WHERE order_id = :id", id=order)
    assert line["refunded_units"] == 1
    assert (await stage.moved(order))["refund"] == line["total_amount"] // 3


async def test_a_capture_that_is_declined_again_and_again_can_be_written_off(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token="tok_capture_declined")
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "delivered")
    first = await stage.task(TaskKind.CAPTURE_FAILED, shipment)
    await stage.decide(TaskKind.CAPTURE_FAILED, shipment, "retry")
    await stage.asked_again(TaskKind.CAPTURE_FAILED, shipment, first)
    assert (await stage.order(order, "confirmed"))["completed_at"] is None
    await stage.decide(TaskKind.CAPTURE_FAILED, shipment, "write_off")

    assert await stage.result(stage.run(order)) == "completed"
    moved = await stage.moved(order)
    assert moved["capture"] == 0
    assert moved["void"] == moved["authorization"]


async def test_a_capture_that_waits_for_the_provider_is_made_once_it_answers(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.payments.fault("timeout_after_success", "capture")
    await stage.travel(shipment, "delivered")

    assert await stage.result(stage.run(order)) == "completed"
    moved = await stage.moved(order)
    assert moved["capture"] == moved["authorization"]


async def test_a_lost_parcel_whose_money_was_never_taken_is_written_off_without_a_refund(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token="tok_capture_declined")
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "lost")
    await stage.task(TaskKind.CAPTURE_FAILED, shipment)
    await stage.task(TaskKind.PARCEL_LOST, shipment)
    await stage.decide(TaskKind.PARCEL_LOST, shipment, "refund")

    assert await stage.result(stage.run(order)) == "completed"
    moved = await stage.moved(order)
    assert moved["capture"] == 0
    assert "refund" not in moved


async def test_a_capture_is_tried_again_at_once_while_the_parcel_is_on_its_way(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token="tok_capture_declined")
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "picked_up")
    first = await stage.task(TaskKind.CAPTURE_FAILED, shipment)
    await stage.decide(TaskKind.CAPTURE_FAILED, shipment, "retry")
    await stage.asked_again(TaskKind.CAPTURE_FAILED, shipment, first)
    await stage.decide(TaskKind.CAPTURE_FAILED, shipment, "write_off")
    await stage.shipment(order, "picked_up")
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"


async def test_an_answer_that_a_lost_run_took_with_it_is_asked_for_again(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token="tok_capture_declined")
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "in_transit")
    task = await stage.task(TaskKind.CAPTURE_FAILED, shipment)
    await stage.tracking(shipment).terminate()
    async with stage.books.begin() as db:
        answer = Decision(task_id=task["id"], choice="retry", actor="finance-1")
        await answer_task(db, answer)
        await signal(db, Document(Kind.SHIPMENT, shipment), Signal.CARRIER_REPORTED)
    await stage.asked_again(TaskKind.CAPTURE_FAILED, shipment, task)
    await stage.decide(TaskKind.CAPTURE_FAILED, shipment, "write_off")
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"


@pytest.mark.parametrize(("then", "end"), [("DL", "delivered"), ("RT", "returned")])
async def test_a_parcel_that_turns_up_after_its_refund_is_a_question_for_support(
    stage: Stage, then: str, end: str
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "lost")
    await stage.decide(TaskKind.PARCEL_LOST, shipment, "refund")
    assert await stage.result(stage.run(order)) == "completed"
    await stage.refund(order)
    await stage.scan(shipment, then)

    task = await stage.task(TaskKind.PARCEL_EXCEPTION, shipment)
    moved = await stage.moved(order)
    assert (task["facts"]["reason"], task["facts"]["refunded"]) == (
        f"{end}_after_refund",
        moved["refund"],
    )
    # What was booked stays booked.
    [line] = await stage.shop.rows("SELECT * FROM order_lines WHERE order_id = :id", id=order)
    assert (line["written_off"], line["delivered"]) == (1, 0)
    await stage.decide(TaskKind.PARCEL_EXCEPTION, shipment, "dealt_with")


async def test_a_return_that_proves_to_be_a_delivery_is_a_question_and_gives_nothing_more(
    stage: Stage,
) -> None:
    """The customer has it after all: finished with nothing, its return gives no money."""
    order, shipment, back = await brought_back(stage)
    # Earlier than the way back, or it would be a delivery to us.
    await stage.scan(shipment, "DL", occurred_at=LONG_AGO)
    task = await stage.task(TaskKind.PARCEL_EXCEPTION, shipment)
    assert task["facts"]["reason"] == "delivered_after_return"
    await stage.decide(TaskKind.PARCEL_EXCEPTION, shipment, "dealt_with")
    await do(stage, back, "finish_receiving", "warehouse")
    assert (await back_is(stage, back, "closed"))["resolution"] == "rejected"
    assert (await stage.moved(order)).get("refund", 0) == 0
    assert await stage.broken() == []


async def test_a_delivery_that_proves_to_be_a_return_is_a_question_for_support(
    stage: Stage,
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    await stage.scan(shipment, "RS", occurred_at=LONG_AGO)

    task = await stage.task(TaskKind.PARCEL_EXCEPTION, shipment)
    assert task["facts"]["reason"] == "returned_after_delivery"
