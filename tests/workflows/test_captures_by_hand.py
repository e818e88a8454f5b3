"""Captures by hand: taken once, and counted before hand-overs take the rest."""

import asyncio
from uuid import uuid4

import pytest

from domain.tasks import TaskKind
from tests.aging import DAYS, age
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.hand_stories import ask, booked, left_of, one_less, settled, taken
from tests.workflows.money_stories import held_for, until, view
from tests.workflows.refund_stories import usd
from tests.workflows.stage import Stage


async def test_a_hand_over_takes_what_was_not_captured_by_hand(stage: Stage) -> None:
    """Payments 7, R1: with 10.00 by hand the hand-over takes 10.00 less, and all lands exactly."""
    order, shipment, total = await booked(stage)
    shown = await taken(stage, order, 1_000)
    assert (shown["in_flight"], shown["captured"]) == (usd(1_000), usd(0))
    now = await settled(stage, order)
    assert (now["captured"], now["authorized"]) == (usd(1_000), usd(total - 1_000))
    assert (await view(stage, order))["payment_status"] == "partially_captured"
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    parts = [entry["amount"]["amount"] for entry in (await settled(stage, order))["entries"]]
    assert sorted(set(parts)) == sorted({total, 1_000, total - 1_000})
    assert (await stage.moved(order))["capture"] == total
    assert (await view(stage, order))["payment_status"] == "captured"


async def test_all_of_it_by_hand_leaves_nothing_to_a_hand_over(stage: Stage) -> None:
    """Without an amount all that is reserved and needed is taken."""
    order, shipment, total = await booked(stage)
    await taken(stage, order)
    assert (await settled(stage, order))["captured"] == usd(total)
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert (await stage.moved(order))["capture"] == total
    async with calling(stage) as callers:
        [line] = (await callers.get(f"/orders/{order}/returnable")).json()["lines"]
        units = [{"order_line_id": line["order_line_id"], "units": 2}]
        body = {"order_id": str(order), "lines": units}
        preview = (await callers.post("/refunds/preview", body, role="finance")).json()
    lines = (await view(stage, order))["lines"]
    assert preview["amount"] == lines[0]["total"]


async def test_twenty_captures_of_the_same_sum_at_once_take_it_once(stage: Stage) -> None:
    order, _, total = await booked(stage)
    answers = await asyncio.gather(*(ask(stage, order, "capture", total) for _ in range(20)))
    good = [answer for answer in answers if answer.status_code == 200]
    assert [left_of(answer) for answer in answers if answer.status_code != 200] == [0] * 19
    assert len(good) == 1
    await until(stage, order, captured=total, in_flight=0)
    assert (await stage.moved(order))["capture"] == total


async def test_the_same_request_again_is_answered_as_before(stage: Stage) -> None:
    order, _, _ = await booked(stage)
    first = await ask(stage, order, "capture", 500, key="deposit")
    again = await ask(stage, order, "capture", 500, key="deposit")
    assert (again.status_code, again.json()) == (200, first.json())
    await until(stage, order, captured=500, in_flight=0)
    other = await ask(stage, order, "capture", 501, key="deposit")
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")


async def test_no_more_is_taken_than_is_reserved_and_needed(stage: Stage) -> None:
    """Payments R3: the refusal says both; after a unit is cancelled less is needed."""
    order, shipment, total = await booked(stage)
    refused = await ask(stage, order, "capture", total + 1)
    assert left_of(refused) == total
    assert "reserved" in refused.json()["detail"]
    assert "needs" in refused.json()["detail"]
    await one_less(stage, order, shipment)
    less = left_of(await ask(stage, order, "capture", total))
    assert 0 < less < total


async def test_a_capture_needs_a_reason_a_payment_its_currency_and_finance(stage: Stage) -> None:
    order, _, _ = await booked(stage)
    assert (await ask(stage, order, "capture", 0)).status_code == 422
    assert (await ask(stage, order, "capture", 5, reason=" ")).status_code == 422
    euros = await ask(stage, order, "capture", 5, currency="EUR")
    assert euros.json()["errors"][0]["pointer"] == "/amount/currency"
    assert (await ask(stage, order, "capture", 5, payment=uuid4())).status_code == 404
    for role in ("support", "warehouse", "integration"):
        assert (await ask(stage, order, "capture", 5, role=role)).status_code == 403
    assert (await stage.paid(order)).in_flight == 0


async def test_a_capture_whose_answer_was_lost_is_found_and_not_repeated(stage: Stage) -> None:
    order, shipment, total = await booked(stage)
    await stage.payments.fault("timeout_after_success", "capture")
    await taken(stage, order, 700)
    await until(stage, order, captured=700, in_flight=0)
    await stage.travel(shipment, "in_transit")
    await until(stage, order, captured=total)
    assert (await stage.moved(order))["capture"] == total


async def test_a_hand_over_waits_for_a_capture_by_hand_that_is_under_way(stage: Stage) -> None:
    """The provider is away for both: neither takes what the other one takes."""
    order, shipment, total = await booked(stage)
    await stage.payments.fault("http_503", "capture", times=3)
    await taken(stage, order, 900)
    await stage.travel(shipment, "in_transit")
    await until(stage, order, captured=total, in_flight=0)
    assert (await stage.moved(order))["capture"] == total


async def test_the_orders_process_says_that_it_is_with_the_provider(stage: Stage) -> None:
    order, _, _ = await booked(stage)
    await stage.payments.fault("http_503", "capture", times=1_000)
    await taken(stage, order, 900)

    async def waits() -> bool:
        async with calling(stage) as callers:
            seen = (await callers.get(f"/orders/{order}/process", role="finance")).json()
        return "a capture by hand is with the payment provider" in [
            wait["what"] for wait in seen["waiting_for"]
        ]

    assert await eventually(waits)
    await stage.payments.forget_faults()
    await until(stage, order, captured=900, in_flight=0)
    assert not await waits()


async def test_what_was_captured_for_a_cancelled_order_goes_back(stage: Stage) -> None:
    order, _, total = await booked(stage)
    await taken(stage, order, 1_200)
    await until(stage, order, captured=1_200, in_flight=0)
    await stage.cancel(order)
    await stage.refund(order)
    await until(stage, order, captured=1_200, refunded=1_200, authorized=0)
    moved = await stage.moved(order)
    assert (moved["capture"], moved["refund"], moved["void"]) == (1_200, 1_200, total - 1_200)


async def test_what_cancelled_units_do_not_need_goes_back_at_once(stage: Stage) -> None:
    order, before, total = await booked(stage)
    await taken(stage, order)
    await until(stage, order, captured=total, in_flight=0)
    shipment = await one_less(stage, order, before)
    await stage.refund(order)
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    line = (await view(stage, order))["lines"][0]["total"]["amount"]
    await until(stage, order, captured=total, refunded=line - line // 2, authorized=0)
    assert (await view(stage, order))["payment_status"] == "partially_refunded"


async def test_a_capture_that_the_provider_refuses_is_told_and_changes_nothing_else(
    stage: Stage,
) -> None:
    """Payments R3: finance asked for it, and hears in the provider's words that it did not work."""
    order, shipment, total = await booked(stage, token="tok_capture_declined")
    await taken(stage, order, 500)
    now = await settled(stage, order)
    assert (now["captured"], now["authorized"], now["failed"]) == (usd(0), usd(total), True)
    assert now["entries"][-1]["failure_code"] == "capture_declined"
    told = await stage.task(TaskKind.UNDO_FAILED, order)
    assert (told["role"], told["facts"]["refused"]["amount"]) == ("finance", usd(500))
    assert "by hand, 5.00 USD: The bank declined to pay" in told["question"]
    # Asked for anew, it is another request.
    await taken(stage, order, 500)
    await settled(stage, order)
    await stage.travel(shipment, "in_transit")
    task = await stage.task(TaskKind.CAPTURE_FAILED, shipment)
    assert task["facts"]["amount"] == total


@pytest.mark.parametrize(("answer", "counted"), [("ours", 1_000), ("theirs", 300)])
async def test_finance_says_how_much_a_capture_by_hand_took(
    stage: Stage, answer: str, counted: int
) -> None:
    order, shipment, total = await booked(stage)
    await stage.payments.fault("wrong_amount", "capture", amount=300, currency="USD")
    await taken(stage, order, 1_000)
    await stage.task(TaskKind.PAYMENT_MISMATCH, order)
    if answer == "ours":
        key = (
            await stage.shop.rows(
                "SELECT facts->>'key' AS key FROM tasks WHERE document_id = :id", id=order
            )
        )[0]["key"]
        fix = {"key": key, "amount": 1_000}
        await stage.payments.ask("POST", "/sandbox/operations/correct", fix)
    await stage.decide(TaskKind.PAYMENT_MISMATCH, order, answer)
    await until(stage, order, captured=counted, in_flight=0)
    await stage.travel(shipment, "in_transit")
    await until(stage, order, captured=total, in_flight=0)
    assert (await stage.moved(order))["capture"] == total


async def test_a_capture_that_fails_after_all_is_taken_by_the_hand_over(stage: Stage) -> None:
    order, shipment, total = await booked(stage)
    await taken(stage, order, 1_000)
    await until(stage, order, captured=1_000, in_flight=0)
    await stage.fails_late(order, "capture")
    await until(stage, order, captured=0)
    told = await stage.task(TaskKind.UNDO_FAILED, order)
    assert (told["role"], told["facts"]["refused"]["amount"]) == ("finance", usd(1_000))
    assert "after all, 10.00 USD" in told["question"]
    await stage.travel(shipment, "in_transit")
    await until(stage, order, captured=total)


async def test_goods_wait_when_a_capture_fails_whose_money_is_no_longer_reserved(
    stage: Stage,
) -> None:
    """Nothing leaves unpaid: the time of the authorization has passed since it was taken."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), postal_code="00000")
    await stage.shipment(order, "pending")
    total = (await stage.paid(order)).authorized
    await taken(stage, order)
    await until(stage, order, captured=total, in_flight=0)
    await age(stage, "payments", "authorization_expires_at", 8 * DAYS, order_id=order)
    await stage.fails_late(order, "capture")
    assert await eventually(lambda: held_for(stage, order, "awaiting_payment"))
    await until(stage, order, captured=0, authorized=0)
    await stage.cancel(order)


async def test_who_asked_and_why_is_on_the_orders_timeline(stage: Stage) -> None:
    order, _, _ = await booked(stage)
    await taken(stage, order, 300)
    await until(stage, order, captured=300, in_flight=0)
    async with calling(stage) as callers:
        mine = {"role": "customer", "customer_id": stage.shop.customer_id}
        path = f"/orders/{order}/timeline"
        told = (await callers.get(path, role="finance")).json()["items"]
        hers = (await callers.get(path, **mine)).json()["items"]
    kind = "order.payment_capture_requested.v1"
    [asked] = [event for event in told if event["type"] == kind]
    assert (asked["actor"], asked["data"]["reason"]) == ("key:finance", "as agreed by telephone")
    [shown] = [event for event in hers if event["type"] == kind]
    assert (shown["actor"], "reason" in shown["data"]) == ("company", False)
    assert shown["data"]["amount"] == usd(300)
