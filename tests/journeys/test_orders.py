"""Orders from placing to their end, over HTTP alone, on the whole product."""

import asyncio
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from tests.installation import Installation
from tests.patience import PATIENCE, eventually
from tests.storefront import ADDRESS, dollars


async def test_an_order_is_paid_packed_carried_and_delivered(installation: Installation) -> None:
    sku = await installation.item(stock=5)
    order_id = await installation.place({sku: 2})
    numbers = await installation.booked(order_id)
    order = await installation.show(order_id)
    assert (order["status"], order["payment_status"]) == ("confirmed", "authorized")
    assert order["fulfillment_status"] == "in_fulfillment"
    assert await installation.ledger(order_id) == [("authorization", 2500, "succeeded", 1)]

    await installation.travel(numbers, "in_transit")
    moving = await installation.reaches(order_id, fulfillment_status="shipped")
    assert moving["status"] == "confirmed"
    # Money is taken for what has left.
    await installation.reaches(order_id, payment_status="captured")
    assert await installation.stock(sku) == (3, 0)

    await installation.travel(numbers)
    done = await installation.reaches(order_id, status="completed")
    assert done["fulfillment_status"] == "delivered"
    assert done["lines"][0]["delivered"] == 2
    assert await installation.ledger(order_id) == [
        ("authorization", 2500, "succeeded", 1),
        ("capture", 2500, "succeeded", 1),
    ]
    page = (await installation.shop.get(f"/orders/{order_id}/timeline")).body["items"]
    assert [event["sequence"] for event in page] == list(range(1, len(page) + 1))
    types = [event["type"].removesuffix(".v1") for event in page]
    assert types[0] == "order.placed"
    assert types[-1] == "order.completed"
    assert "order.confirmed" in types
    process = (await installation.shop.get(f"/orders/{order_id}/process")).body
    assert process["waiting_for"] == []
    assert {run["status"] for run in process["runs"]} == {"completed"}
    [shipment] = done["shipments"]
    followed = (await installation.shop.get(f"/shipments/{shipment['id']}/process")).body
    assert followed["summary"] == f"{shipment['number']} is delivered: nothing is awaited."
    assert [run["workflow_id"] for run in followed["runs"]] == [
        f"shipment-tracking/{shipment['number']}"
    ]
    page = (await installation.shop.get(f"/shipments/{shipment['id']}/timeline")).body["items"]
    types = [event["type"].removesuffix(".v1") for event in page]
    assert (types[0], types[-1]) == ("shipment.planned", "shipment.delivered")
    await installation.assert_sound()


async def test_a_declined_order_waits_for_another_card(installation: Installation) -> None:
    sku = await installation.item(stock=1)
    order_id = await installation.place({sku: 1}, payment={"token": "tok_declined"})
    declined = await installation.reaches(order_id, payment_status="failed")
    assert (declined["status"], declined["shipments"]) == ("pending", [])
    process = (await installation.shop.get(f"/orders/{order_id}/process")).body
    assert process["waiting_for"][-1]["who"] == "the customer"
    assert await installation.stock(sku) == (0, 1)

    path = f"/orders/{order_id}/payments"
    await installation.post(path, {"token": "tok_insufficient_funds"})
    await eventually(
        lambda: _failures(installation, order_id, 2), PATIENCE, "the second card was not tried"
    )
    await installation.post(path, {"token": "tok_ok"})
    await installation.reaches(order_id, status="confirmed")
    await installation.travel(await installation.booked(order_id))
    await installation.reaches(order_id, status="completed", payment_status="captured")
    await installation.assert_sound()


async def _failures(installation: Installation, order_id: str, times: int) -> bool:
    payments = (await installation.show(order_id))["payments"]
    return [payment["failure_code"] is not None for payment in payments].count(True) == times


async def test_a_cancelled_order_gives_money_stock_and_label_back(
    installation: Installation,
) -> None:
    sku = await installation.item(stock=3)
    order_id = await installation.place({sku: 3})
    await installation.booked(order_id)
    key = f"cancel-{order_id}"
    answer = await installation.post(f"/orders/{order_id}/cancel", {}, key)
    assert answer.body["status"] == "cancelled" or answer.body["cancel_pending"]
    gone = await installation.reaches(order_id, status="cancelled")
    assert gone["cancel_reason"] == "customer_request"
    assert {ship["status"] for ship in gone["shipments"]} == {"voided"}
    assert await installation.stock(sku) == (3, 0)

    async def money_is_back() -> bool:
        # The stock is free before the provider is asked to drop the money.
        return await installation.ledger(order_id) == [
            ("authorization", 3500, "succeeded", 1),
            ("void", 3500, "succeeded", 1),
        ]

    await eventually(money_is_back, PATIENCE, "the money was not released")
    again = await installation.shop.post(f"/orders/{order_id}/cancel", {}, key)
    assert (again.status, again.replayed, again.body) == (200, True, answer.body)
    twice = await installation.post(f"/orders/{order_id}/cancel", {})
    assert twice.body["status"] == "cancelled"
    held = await installation.shop.post(f"/orders/{order_id}/holds", {}, f"hold-{order_id}")
    assert (held.status, held.code) == (409, "illegal_move")
    await installation.assert_sound()


async def test_an_order_is_cancelled_the_moment_it_was_placed(installation: Installation) -> None:
    sku = await installation.item(stock=20)

    async def place_and_cancel() -> str:
        order_id = await installation.place({sku: 1})
        await installation.post(f"/orders/{order_id}/cancel", {})
        return order_id

    placed = await asyncio.gather(*(place_and_cancel() for _ in range(20)))
    for order_id in placed:
        await installation.reaches(order_id, status="cancelled")
    assert await installation.stock(sku) == (20, 0)
    await installation.assert_sound()


async def test_what_has_left_cannot_be_cancelled(installation: Installation) -> None:
    order_id = await installation.place({await installation.item(stock=1): 1})
    numbers = await installation.booked(order_id)
    await installation.travel(numbers, "picked_up")
    await installation.reaches(order_id, fulfillment_status="shipped")
    refused = await installation.shop.post(f"/orders/{order_id}/cancel", {}, f"late-{order_id}")
    assert (refused.status, refused.code) == (409, "illegal_move")
    assert (refused.body["allowed"], "alternatives" in refused.body) == ([], False)
    await installation.travel(numbers)
    await installation.reaches(order_id, status="completed")
    await installation.assert_sound()


async def test_a_held_order_goes_nowhere_until_it_is_released(installation: Installation) -> None:
    sku = await installation.item(stock=1)
    order_id = await installation.place({sku: 1}, payment={"method": "card"})
    held = await installation.post(f"/orders/{order_id}/holds", {"reason": "fraud_review"})
    assert held.status == 201
    [hold] = held.body["holds"]
    await installation.post(f"/orders/{order_id}/payments", {"token": "tok_ok"})
    waiting = await installation.reaches(order_id, payment_status="authorized")
    assert (waiting["status"], waiting["on_hold"]) == ("pending", True)
    listed = await installation.shop.get("/orders", on_hold="true", sku=sku)
    assert [order["id"] for order in listed.body["items"]] == [order_id]

    twice = await installation.shop.post(
        f"/orders/{order_id}/holds", {"reason": "fraud_review"}, f"again-{order_id}"
    )
    assert (twice.status, twice.code) == (409, "already_exists")
    release = f"/orders/{order_id}/holds/{hold['id']}/release"
    released = await installation.post(release)
    assert (released.body["on_hold"], released.body["holds"]) == (False, [])
    await installation.reaches(order_id, status="confirmed")
    await installation.travel(await installation.booked(order_id))
    await installation.reaches(order_id, status="completed")
    await installation.assert_sound()


async def test_an_order_from_two_sites_arrives_in_two_shipments(
    installation: Installation,
) -> None:
    one = await installation.item(stock=1)
    two = await installation.item(stock=1, site="RNO")
    order_id = await installation.place({one: 1, two: 1})
    numbers = await installation.booked(order_id)
    assert len((await installation.show(order_id))["shipments"]) == 2
    await installation.travel(numbers[:1])
    half = await installation.reaches(order_id, fulfillment_status="partially_delivered")
    assert half["status"] == "confirmed"
    late = await installation.shop.post(f"/orders/{order_id}/cancel", {}, f"half-{order_id}")
    assert (late.status, late.code) == (409, "illegal_move")
    await installation.travel(numbers[1:])
    await installation.reaches(order_id, status="completed", payment_status="captured")
    ledger = await installation.ledger(order_id)
    captured = [amount for kind, amount, *_ in ledger if kind == "capture"]
    assert (len(captured), sum(captured)) == (2, 2500)
    await installation.assert_sound()


async def test_a_lost_parcel_is_refunded_once_a_person_says_so(installation: Installation) -> None:
    sku = await installation.item(stock=1)
    lost: dict[str, Any] = {**ADDRESS, "postal_code": "00001", "country": "US"}
    order_id = await installation.place({sku: 1}, ship_to=lost)
    numbers = await installation.booked(order_id)
    await installation.travel(numbers, "lost")
    [shipment] = (await installation.reaches(order_id, payment_status="captured"))["shipments"]
    task = await installation.task("parcel_lost", shipment["id"])
    assert task["choices"] == ["refund", "write_off"]
    wrong = await installation.shop.post(
        f"/tasks/{task['id']}/decide", {"choice": "ignore"}, f"wrong-{order_id}"
    )
    assert wrong.status in (409, 422)
    decided = await installation.post(f"/tasks/{task['id']}/decide", {"choice": "refund"})
    assert decided.body["status"] == "done"
    done = await installation.reaches(order_id, status="completed", payment_status="refunded")
    assert done["lines"][0]["written_off"] == 1
    kinds = [(kind, executed) for kind, _, _, executed in await installation.ledger(order_id)]
    assert kinds == [("authorization", 1), ("capture", 1), ("refund", 1)]
    assert done["payments"][0]["refunded"]["amount"] > 0
    assert done["payments"][0]["amount"] == dollars(1500)
    await installation.assert_sound()


async def test_a_wrong_amount_parks_the_order_until_finance_says_which_stands(
    installation: Installation,
) -> None:
    sku = await installation.item(stock=1)
    await installation.payments.fault("wrong_amount", "authorize", amount=9900)
    order_id = await installation.place({sku: 1})
    task = await installation.task("payment_mismatch", order_id)
    assert (task["role"], task["choices"]) == ("finance", ["ours", "theirs"])
    asked, told = task["facts"]["ours"]["amount"], task["facts"]["theirs"]["amount"]
    assert (asked, told) == (1500, 9900)
    order = await installation.show(order_id)
    assert (order["status"], order["payment_status"]) == ("pending", "unpaid")
    process = (await installation.shop.get(f"/orders/{order_id}/process")).body
    assert f"a person: {task['number']}" in process["summary"]
    await installation.assert_sound()

    decided = await installation.post(f"/tasks/{task['id']}/decide", {"choice": "theirs"})
    assert (decided.body["status"], decided.body["outcome"]) == ("done", "theirs")
    await installation.travel(await installation.booked(order_id))
    await installation.reaches(order_id, status="completed", payment_status="captured")
    await installation.assert_sound()
    assert await installation.ledger(order_id) == [
        ("authorization", 9900, "succeeded", 1),
        ("capture", 1500, "succeeded", 1),
        ("void", 8400, "succeeded", 1),
    ]


async def test_what_is_refused_leaves_no_trace_in_the_run(installation: Installation) -> None:
    order_id = await installation.place({await installation.item(stock=1): 1})
    numbers = await installation.booked(order_id)
    await installation.post(f"/orders/{order_id}/holds", {"reason": "fraud_review"})
    await installation.travel(numbers, "lost")
    [shipment] = (await installation.reaches(order_id, payment_status="captured"))["shipments"]
    task = await installation.task("parcel_lost", shipment["id"])

    client = await Client.connect(installation.record.temporal_address)

    async def requests() -> list[int]:
        """Return how many requests each run of the order has taken up."""
        process = (await installation.shop.get(f"/orders/{order_id}/process")).body
        runs = [client.get_workflow_handle(run["workflow_id"]) for run in process["runs"]]
        taken = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
        return [
            [event.event_type async for event in run.fetch_history_events()].count(taken)
            for run in runs
        ]

    assert await requests() == [1, 0]
    nowhere = "019a0000-0000-7000-8000-000000000000"
    for path, body, code in (
        (f"/orders/{order_id}/cancel", {}, "illegal_move"),
        (f"/orders/{order_id}/holds", {"reason": "fraud_review"}, "already_exists"),
        (f"/orders/{order_id}/holds/{nowhere}/release", {}, "not_found"),
        (f"/tasks/{task['id']}/decide", {"choice": "shrug"}, "illegal_move"),
    ):
        refused = await installation.shop.post(path, body, f"{path}-refused")
        assert refused.code == code, path
    assert await requests() == [1, 0]
    await installation.post(f"/tasks/{task['id']}/decide", {"choice": "refund"})
    await installation.reaches(order_id, status="completed")
    await installation.assert_sound()
