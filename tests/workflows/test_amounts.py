"""Amounts that the provider moves otherwise than asked: nothing goes on before finance says."""

from typing import Any
from uuid import UUID

import pytest

from domain.errors import IllegalMove
from domain.ids import OrderId
from domain.policy import Policy
from domain.tasks import TaskKind
from tests.workflows.stage import Stage

MISMATCH = TaskKind.PAYMENT_MISMATCH
TOTAL = 5900
"""Two mugs with their tax, and their shipping."""


async def _placed(stage: Stage, token: str = "tok_ok") -> OrderId:
    mug = await stage.shop.item(AUS=2)
    return await stage.shop.place((mug, 2), token=token)


async def _wrong(stage: Stage, operation: str, amount: int, **rest: Any) -> None:
    await stage.payments.fault("wrong_amount", operation, amount=amount, **rest)


async def _correct(stage: Stage, task: Any) -> None:
    """Let the provider put right what it did."""
    right = {"key": task["facts"]["key"], "amount": task["facts"]["ours"]["amount"]}
    await stage.payments.ask("POST", "/sandbox/operations/correct", right)


async def _asked(stage: Stage, document_id: UUID, amount: int) -> Any:
    """Return the question about the amount, once the books and the provider's are explained."""
    task = await stage.task(MISMATCH, document_id)
    assert task["facts"]["theirs"]["amount"] == amount
    assert await stage.broken() == []
    return task


async def _lines(stage: Stage, order: OrderId, column: str) -> int:
    return int(
        await stage.shop.one(
            f"SELECT sum({column})::int FROM order_lines WHERE order_id = :id", id=order
        )
    )


async def _deliver(stage: Stage, order: OrderId) -> dict[str, int]:
    """Let the order come to its end; return the money that the provider moved, by kind."""
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    return await stage.moved(order)


async def test_an_order_with_too_little_reserved_waits_for_finance_and_then_for_another_card(
    stage: Stage,
) -> None:
    await _wrong(stage, "authorize", TOTAL - 1)
    order = await _placed(stage)
    task = await _asked(stage, order, TOTAL - 1)
    assert task["facts"]["ours"] == {"amount": TOTAL, "currency": "USD"}
    row = await stage.order(order, "pending")
    assert row["payment_due_at"] - row["placed_at"] > Policy().payment_window
    await stage.wait_says(stage.run(order), f"{row['payment_due_at']}")
    assert await stage.entries(order) == [("authorization", "requested")]
    with pytest.raises(IllegalMove, match="in_flight"):
        await stage.pay(order, "tok_ok")

    await stage.decide(MISMATCH, order, "theirs")
    await stage.pay(order, "tok_ok")
    moved = await _deliver(stage, order)
    assert (moved["capture"], moved["void"]) == (TOTAL, TOTAL - 1)


async def test_an_order_with_too_much_reserved_goes_on_when_finance_lets_it_stand(
    stage: Stage,
) -> None:
    await _wrong(stage, "authorize", TOTAL + 700)
    order = await _placed(stage)
    await _asked(stage, order, TOTAL + 700)
    await stage.decide(MISMATCH, order, "theirs")
    moved = await _deliver(stage, order)
    assert (moved["capture"], moved["void"]) == (TOTAL, 700)


async def test_an_amount_that_the_provider_put_right_is_ours(stage: Stage) -> None:
    await _wrong(stage, "authorize", 1)
    order = await _placed(stage)
    await _correct(stage, await stage.task(MISMATCH, order))
    await stage.decide(MISMATCH, order, "ours")
    # The first answer counts.
    assert (await _deliver(stage, order)) == {"authorization": TOTAL, "capture": TOTAL}


async def test_a_customer_who_confirms_a_wrong_amount_is_not_confirmed(stage: Stage) -> None:
    await _wrong(stage, "authorize", TOTAL + 1)
    order = await _placed(stage, "tok_action_required")
    await stage.waits(order, "action_required")
    await stage.confirm(order)
    await _asked(stage, order, TOTAL + 1)
    row = await stage.order(order, "pending")
    await stage.wait_says(stage.run(order), f"{row['payment_due_at']}")
    await stage.decide(MISMATCH, order, "theirs")
    await _deliver(stage, order)


async def test_money_in_another_currency_can_only_be_put_right(stage: Stage) -> None:
    await _wrong(stage, "authorize", TOTAL, currency="EUR")
    order = await _placed(stage)
    task = await _asked(stage, order, TOTAL)
    assert task["facts"]["theirs"]["currency"] == "EUR"
    with pytest.raises(IllegalMove) as refused:
        await stage.decide(MISMATCH, order, "theirs")
    assert refused.value.extensions["allowed"] == ["ours"]
    await stage.cancel(order)
    await stage.order(order, "cancelled")


async def test_what_was_reserved_wrongly_is_dropped_though_the_order_is_cancelled_meanwhile(
    stage: Stage,
) -> None:
    await _wrong(stage, "authorize", 900)
    order = await _placed(stage)
    await _asked(stage, order, 900)
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"
    assert await stage.broken() == []
    await stage.decide(MISMATCH, order, "theirs")

    await stage.until_moved(order, authorization=900, void=900)


async def test_too_little_captured_is_spread_over_the_lines_when_it_is_to_stand(
    stage: Stage,
) -> None:
    order = await _placed(stage)
    shipment = await stage.shipment(order, "booked")
    await _wrong(stage, "capture", 5000)
    await stage.travel(shipment, "delivered")
    await _asked(stage, shipment, 5000)
    assert await _lines(stage, order, "captured_amount") == 0
    # Nothing is taken again, and nobody is asked about money that may have been taken.
    assert await stage.moved(order) == {"authorization": TOTAL, "capture": 5000}
    assert (await stage.order(order, "confirmed"))["completed_at"] is None

    await stage.decide(MISMATCH, shipment, "theirs")
    assert await stage.result(stage.run(order)) == "completed"
    row = await stage.order(order, "completed")
    lines = await _lines(stage, order, "captured_amount")
    assert lines + row["captured_shipping_amount"] == 5000
    await stage.until_moved(order, authorization=TOTAL, capture=5000, void=TOTAL - 5000)


async def test_too_much_captured_is_shown_when_it_is_to_stand(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1, RNO=1)
    order = await stage.shop.place((mug, 2))
    first, second = await stage.shipments(order, "booked", 2)
    await _wrong(stage, "capture", TOTAL)
    await stage.travel(first, "in_transit")
    await _asked(stage, first, TOTAL)
    await stage.decide(MISMATCH, first, "theirs")
    # Nothing is left to be taken for the other half: finance gives that up.
    await stage.travel(second, "delivered")
    await stage.decide(TaskKind.CAPTURE_FAILED, second, "write_off")
    await stage.travel(first, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert (await stage.moved(order))["capture"] == TOTAL


async def test_a_lost_parcel_is_settled_once_finance_knows_what_was_taken_and_given_back(
    stage: Stage,
) -> None:
    order = await _placed(stage)
    shipment = await stage.shipment(order, "booked")
    await _wrong(stage, "capture", 5000)
    await stage.travel(shipment, "in_transit")
    await _asked(stage, shipment, 5000)
    await stage.travel(shipment, "lost")
    await stage.shipment(order, "lost")
    await stage.decide(MISMATCH, shipment, "theirs")
    await _wrong(stage, "refund", 4000)
    await stage.decide(TaskKind.PARCEL_LOST, shipment, "refund")
    refund = await stage.refund(order, "submitted")
    await _asked(stage, refund, 4000)
    assert await _lines(stage, order, "refunded_amount") == 0

    await stage.decide(MISMATCH, refund, "theirs")
    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.result(stage.tracking(shipment)) == "lost"
    assert await _lines(stage, order, "written_off") == 2
    shipping = "SELECT shipping_amount FROM refunds WHERE id = :id AND amount = 4000"
    for_goods = 4000 - await stage.shop.one(shipping, id=refund)
    assert await _lines(stage, order, "refunded_amount") == for_goods
    assert (await stage.moved(order))["refund"] == 4000
    still = "SELECT count(*)::int FROM tasks WHERE document_id = :id AND status = 'open'"
    assert await stage.shop.one(still, id=shipment) == 0


async def test_what_was_not_dropped_of_a_reservation_is_dropped_afterwards(stage: Stage) -> None:
    order = await _placed(stage)
    await stage.order(order, "confirmed")
    await _wrong(stage, "void", 900)
    await stage.cancel(order)
    await _asked(stage, order, 900)
    await stage.decide(MISMATCH, order, "theirs")
    await stage.until_moved(order, authorization=TOTAL, void=TOTAL)


async def test_an_answer_that_the_books_deny_is_seen_by_verify(stage: Stage) -> None:
    await _wrong(stage, "authorize", 900)
    order = await _placed(stage)
    task = await _asked(stage, order, 900)
    await stage.decide(MISMATCH, order, "ours")
    await stage.shipment(order, "booked")
    assert {found.id for found in await stage.broken()} == {"P1"}
    await _correct(stage, task)
    assert await stage.broken() == []
