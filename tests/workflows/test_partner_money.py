"""Money that the provider moves by itself, or takes back: booked at once, and put to people."""

from uuid import UUID

import pytest

from domain.errors import AmountExceeded
from domain.ids import OrderId, ShipmentId
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.money_stories import (
    K,
    half_gone,
    left,
    lost,
    the_rest_gets_an_address,
    told,
    until,
    view,
)
from tests.workflows.stage import Stage


async def lines(stage: Stage, order: OrderId) -> list[tuple[int, int, int]]:
    rows = await stage.shop.rows(
        "SELECT captured_amount, refunded_units, refunded_amount FROM order_lines"
        " WHERE order_id = :id ORDER BY position",
        id=order,
    )
    return [(row["captured_amount"], row["refunded_units"], row["refunded_amount"]) for row in rows]


async def test_a_refund_that_fails_weeks_later_is_given_back_once_more_by_decision(
    stage: Stage,
) -> None:
    """T05: refunded is 0 again, finance is asked, and the second try moves the money once."""
    order, [shipment], taken = await left(stage)
    await lost(stage, order, shipment)
    await stage.order(order, "completed")
    refund = await stage.refund(order)
    before = await lines(stage, order)
    await stage.fails_late(order, "refund")
    await until(stage, order, captured=taken, refunded=0)
    assert (await view(stage, order))["payment_status"] == "captured"
    assert [(captured, 0, 0) for captured, *_ in before] == await lines(stage, order)
    task = await stage.task(K.REFUND_FAILED, refund)
    assert task["role"] == "finance"
    assert "The card's account" in task["question"] or "card_closed" in task["question"]
    async with calling(stage) as callers:
        options = (await callers.get(f"/tasks/{task['id']}", role="finance")).json()["options"]
    amounts = {option["choice"]: option["amount"]["amount"] for option in options}
    assert amounts == {"retry": taken, "given_otherwise": 0}
    assert (await told(stage, order))[-1] == "payment_reversed"
    assert await stage.broken() == []

    await stage.decide(K.REFUND_FAILED, refund, "retry")
    await until(stage, order, captured=taken, refunded=taken)
    assert await lines(stage, order) == before
    assert (await view(stage, order))["payment_status"] == "refunded"
    assert await stage.broken() == []


async def test_a_refund_that_fails_late_again_and_again_ends_with_money_from_elsewhere(
    stage: Stage,
) -> None:
    """T05: each second try is a new attempt; the answer that ends it moves nothing."""
    order, [shipment], taken = await left(stage)
    await lost(stage, order, shipment)
    refund = await stage.refund(order)
    for _ in range(2):
        await stage.fails_late(order, "refund")
        await until(stage, order, refunded=0)
        await stage.decide(K.REFUND_FAILED, refund, "retry")
        await until(stage, order, refunded=taken)
    await stage.fails_late(order, "refund")
    await until(stage, order, refunded=0)
    await stage.decide(K.REFUND_FAILED, refund, "given_otherwise")
    keys = "SELECT count(DISTINCT key) FROM payment_entries WHERE refund_id = :id"
    assert await stage.shop.one(keys, id=refund) == 3
    assert (await stage.paid(order)).refunded == 0
    assert await stage.broken() == []


async def test_money_that_came_back_and_was_charged_back_then_is_not_given_a_second_time(
    stage: Stage,
) -> None:
    """T05: the bank gave the customer what the refund could not."""
    order, [shipment], taken = await left(stage)
    await lost(stage, order, shipment)
    refund = await stage.refund(order)
    await stage.fails_late(order, "refund")
    await until(stage, order, refunded=0)
    await stage.by_itself(order, "chargebacks", taken)
    await until(stage, order, charged_back=taken)
    with pytest.raises(AmountExceeded):
        await stage.decide(K.REFUND_FAILED, refund, "retry")
    await stage.decide(K.REFUND_FAILED, refund, "given_otherwise")
    assert await stage.broken() == []


async def test_a_capture_that_fails_late_is_owed_again_and_retried(stage: Stage) -> None:
    """T05: the goods have left, the order has ended, and the money is taken once in the end."""
    order, [shipment], taken = await left(stage)
    await stage.travel(shipment, "delivered")
    await stage.order(order, "completed")
    await stage.result(stage.run(order))
    await stage.fails_late(order, "capture", "insufficient_funds")
    await until(stage, order, captured=0)
    task = await stage.task(K.CAPTURE_FAILED, shipment)
    assert "insufficient funds" in task["question"]
    assert [captured for captured, *_ in await lines(stage, order)] == [0]
    await eventually(lambda: asked_by_its_run(stage, shipment))
    await stage.decide(K.CAPTURE_FAILED, shipment, "retry")
    await until(stage, order, captured=taken)
    await stage.result(stage.tracking(shipment))
    assert (await stage.order(order, "completed"))["captured_shipping_amount"] >= 0
    assert sum(captured for captured, *_ in await lines(stage, order)) <= taken
    assert await stage.broken() == []


async def asked_by_its_run(stage: Stage, shipment: ShipmentId) -> bool:
    described = await stage.tracking(shipment).describe()
    return described.status is not None and described.status.name == "RUNNING"


async def test_a_chargeback_stops_what_has_not_left(stage: Stage) -> None:
    """T06: within seconds a hold, a task, and nothing more to give back."""
    order, first, taken = await half_gone(stage)
    await stage.by_itself(order, "chargebacks", taken)
    task = await stage.task(K.CHARGEBACK, order)
    assert (task["role"], task["facts"]["refundable"]["amount"]) == ("finance", 0)
    shown = await view(stage, order)
    assert [hold["reason"] for hold in shown["holds"]] == ["fraud_review"]
    assert shown["payments"][0]["charged_back"]["amount"] == taken
    assert shown["payment_status"] == "charged_back"
    assert "payment_charged_back" in await told(stage, order)

    await the_rest_gets_an_address(stage, order)
    await stage.wait_says(stage.run(order), "Waiting for a person")
    await stage.shipment(order, "pending")
    await lost(stage, order, first, "write_off")
    assert (await stage.paid(order)).refunded == 0
    assert await stage.broken() == []

    await stage.decide(K.CHARGEBACK, order, "accepted")
    await stage.release(order, UUID(shown["holds"][0]["id"]))
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.broken() == []


async def test_a_chargeback_of_an_order_that_has_ended_changes_neither_its_state_nor_stock(
    stage: Stage,
) -> None:
    """T06: finance is told of both at once; of a dispute that is won only the rest is asked about.

    A task that asks about more says so on the one before it.
    """
    order, [shipment], taken = await left(stage)
    await stage.travel(shipment, "delivered")
    await stage.order(order, "completed")
    await stage.by_itself(order, "chargebacks", 1000)
    await stage.by_itself(order, "chargebacks", 200)
    await until(stage, order, charged_back=1200)
    task = await stage.task(K.CHARGEBACK, order)
    assert sorted(money["amount"] for money in task["facts"]["moved"]) == [200, 1000]
    shown = await view(stage, order)
    assert (shown["status"], shown["on_hold"]) == ("completed", False)
    assert await stage.broken() == []

    await stage.fails_late(order, "chargeback", "dispute_won")
    await until(stage, order, charged_back=1000, captured=taken)
    rows = await stage.shop.rows(
        "SELECT status, note FROM tasks WHERE document_id = :id AND kind = 'chargeback'"
        " ORDER BY id",
        id=order,
    )
    assert [row["status"] for row in rows] == ["cancelled", "cancelled", "open"]
    assert [row["note"].partition(":")[0] for row in rows] == ["superseded", "superseded", ""]
    left_open = await stage.task(K.CHARGEBACK, order)
    assert [money["amount"] for money in left_open["facts"]["moved"]] == [1000]
    assert await stage.broken() == []


async def test_a_refund_in_the_dashboard_leaves_less_to_give_back(stage: Stage) -> None:
    """T07: 1500 of the capture are gone, so at most the rest goes when the parcel is lost."""
    order, [shipment], taken = await left(stage)
    await stage.by_itself(order, "refunds", 1500)
    await until(stage, order, refunded=1500)
    task = await stage.task(K.UNASKED_REFUND, order)
    assert task["facts"]["refundable"]["amount"] == taken - 1500
    await stage.decide(K.UNASKED_REFUND, order, "goodwill")
    [payment] = (await view(stage, order))["payments"]
    async with calling(stage) as callers:
        entries = (await callers.get(f"/payments/{payment['id']}")).json()["entries"]
    sources = {(entry["kind"], entry["source"]) for entry in entries}
    assert {("refund", "provider"), ("capture", "merchant")} <= sources

    await stage.travel(shipment, "lost")
    asked = await stage.task(K.PARCEL_LOST, shipment)
    async with calling(stage) as callers:
        options = (await callers.get(f"/tasks/{asked['id']}")).json()["options"]
    [refund] = [option for option in options if option["choice"] == "refund"]
    assert (refund["amount"]["amount"], refund["short"]["amount"]) == (taken - 1500, 1500)
    await stage.decide(K.PARCEL_LOST, shipment, "refund")
    await stage.result(stage.tracking(shipment))
    await until(stage, order, refunded=taken, captured=taken)
    assert await stage.broken() == []
