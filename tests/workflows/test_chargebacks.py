"""Nothing goes back by itself while a chargeback stands: people decide, or the dispute is won."""

from typing import Any
from uuid import UUID

import pytest

from domain.ids import OrderId
from tests.workflows.asking import calling
from tests.workflows.exact import Sold, sold
from tests.workflows.hand_stories import booked, one_less
from tests.workflows.hand_stories import taken as taken_by_hand
from tests.workflows.money_stories import K, half_gone, the_rest_gets_an_address, until
from tests.workflows.prepaid_stories import prepaid
from tests.workflows.refund_stories import is_now
from tests.workflows.return_stories import ask_back, back_is, found, inspect, receive
from tests.workflows.stage import Stage


async def stopped(stage: Stage, taken: int, units: int = 1) -> tuple[OrderId, Any]:
    """Inspect units of two at 50.00 after the bank has taken so much; the money waits."""
    order, [line] = await sold(stage, Sold(2, 5000))
    back = await ask_back(stage, order, line, units)
    await receive(stage, back, units)
    await stage.by_itself(order, "chargebacks", taken)
    await until(stage, order, charged_back=taken)
    await inspect(stage, back, found(back, units))
    await stage.task(K.REFUND_STOPPED, UUID(back["id"]))
    return order, back


async def won(stage: Stage, order: OrderId) -> None:
    await stage.fails_late(order, "chargeback", "dispute_won")
    await until(stage, order, charged_back=0)


async def kinds_open(stage: Stage, about: UUID) -> set[str]:
    query = "SELECT kind FROM tasks WHERE document_id = :id AND status = 'open'"
    return {row["kind"] for row in await stage.shop.rows(query, id=about)}


async def answer(stage: Stage, task: Any, choice: str, role: str = "finance") -> Any:
    async with calling(stage) as callers:
        return await callers.post(f"/tasks/{task['id']}/decide", {"choice": choice}, role=role)


async def test_a_return_waits_for_the_end_of_a_chargeback_and_pays_once_the_dispute_is_won(
    stage: Stage,
) -> None:
    """R12: half is charged back; the other half does not go by itself, and not the less."""
    order, back = await stopped(stage, 5000, units=2)
    async with calling(stage) as callers:
        process = (await callers.get(f"/returns/{back['id']}/process", role="finance")).json()
        refused = await callers.post(f"/returns/{back['id']}/close", {}, role="support")
    [wait] = [each for each in process["waiting_for"] if "TSK-" in each["what"]]
    assert "charged back" in wait["what"]
    assert refused.status_code == 409
    task = await stage.task(K.REFUND_STOPPED, UUID(back["id"]))
    assert (task["role"], task["facts"]["charged_back"]["amount"]) == ("finance", 5000)
    assert (await stage.paid(order)).refunded == 0

    await stage.decide(K.CHARGEBACK, order, "disputed")
    await won(stage, order)
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]["amount"]) == ("refund", 10000)
    assert await kinds_open(stage, UUID(back["id"])) == set()


async def test_a_return_of_an_order_that_was_charged_back_whole_is_not_closed_unserved(
    stage: Stage,
) -> None:
    """Returns 5: with nothing left to give, finance cannot give it; won, the customer has it."""
    order, back = await stopped(stage, 10000, units=2)
    task = await stage.task(K.REFUND_STOPPED, UUID(back["id"]))
    nothing = await answer(stage, task, "refund")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "amount_exceeded")
    await back_is(stage, back, "inspected")
    await won(stage, order)
    closed = await back_is(stage, back, "closed")
    assert closed["refunded"]["amount"] == 10000


async def test_finance_lets_the_money_go_although_the_chargeback_stands(stage: Stage) -> None:
    """R12: it is no longer by itself; the chargeback goes on to be asked about."""
    order, back = await stopped(stage, 5000)
    await stage.decide(K.REFUND_STOPPED, UUID(back["id"]), "refund")
    closed = await back_is(stage, back, "closed")
    assert closed["refunded"]["amount"] == 5000
    assert await kinds_open(stage, order) == {"chargeback"}


async def test_a_customer_whom_the_bank_has_paid_gets_nothing_more_for_the_goods(
    stage: Stage,
) -> None:
    """R12: finance closes the return; a dispute that is won later moves nothing by itself."""
    order, back = await stopped(stage, 5000)
    await stage.decide(K.REFUND_STOPPED, UUID(back["id"]), "bank_paid")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunds"]) == ("served_otherwise", [])
    await won(stage, order)
    await stage.result(stage.returning(UUID(back["id"])))
    made = "SELECT count(*)::int FROM refunds WHERE order_id = :id"
    assert await stage.shop.one(made, id=order) == 0


async def test_a_loss_that_is_accepted_lets_returns_go_on_with_what_is_left(stage: Stage) -> None:
    """R12: decided, the chargeback stops nothing any more."""
    order, back = await stopped(stage, 7000, units=2)
    await stage.decide(K.CHARGEBACK, order, "accepted")
    closed = await back_is(stage, back, "closed")
    assert closed["refunded"]["amount"] == 3000


async def test_a_lost_parcel_s_refund_waits_for_finance_and_is_given_up_when_the_bank_has_paid(
    stage: Stage,
) -> None:
    """R12: there is enough for it, but it may be just what the bank took."""
    order, first, taken = await half_gone(stage)
    await the_rest_gets_an_address(stage, order)
    second = await stage.shipment(order, "booked")
    await stage.travel(second, "in_transit")
    await until(stage, order, captured=taken * 2 - SHIPPING)
    await stage.by_itself(order, "chargebacks", taken - SHIPPING)
    await stage.task(K.CHARGEBACK, order)
    await stage.travel(second, "lost")
    await stage.decide(K.PARCEL_LOST, second, "refund")
    await stage.result(stage.tracking(second))
    refund = await stage.refund(order, "approved")
    task = await stage.task(K.REFUND_STOPPED, refund)
    async with calling(stage) as callers:
        shown = (await callers.get(f"/tasks/{task['id']}", role="finance")).json()
    assert [option["amount"]["amount"] for option in shown["options"]] == [taken - SHIPPING, 0]
    await stage.travel(first, "delivered")
    await stage.decide(K.REFUND_STOPPED, refund, "bank_paid")
    await is_now(stage, {"id": refund}, "cancelled")
    assert (await stage.paid(order)).refunded == 0


SHIPPING = 500


async def test_a_lost_parcel_stays_open_while_a_chargeback_has_its_money(stage: Stage) -> None:
    """R12: the answer that gives less is refused, so that a won dispute gives all of it."""
    order, first, taken = await half_gone(stage)
    await stage.by_itself(order, "chargebacks", taken)
    await stage.task(K.CHARGEBACK, order)
    await stage.travel(first, "lost")
    task = await stage.task(K.PARCEL_LOST, first)
    refused = await answer(stage, task, "refund", "support")
    assert (refused.status_code, refused.json()["remaining"]["amount"]) == (409, 0)
    await won(stage, order)
    await stage.decide(K.PARCEL_LOST, first, "refund")
    await until(stage, order, refunded=taken - SHIPPING)


async def test_an_order_that_is_cancelled_while_the_bank_has_its_money_is_paid_back_once_it_is_won(
    stage: Stage,
) -> None:
    """R12: paid when it was confirmed, and charged back whole before it was cancelled."""
    order = await prepaid(stage)
    await stage.shipment(order, "booked")
    taken = await stage.captured(order)
    await stage.by_itself(order, "chargebacks", taken)
    await stage.task(K.CHARGEBACK, order)
    await stage.cancel(order)
    await stage.order(order, "cancelled")
    assert (await stage.paid(order)).refunded == 0
    await won(stage, order)
    await until(stage, order, refunded=taken)


@pytest.mark.parametrize("charged", [5900, 4000])
async def test_what_was_captured_by_hand_for_a_cancelled_order_goes_back_once_a_dispute_is_won(
    stage: Stage, charged: int
) -> None:
    """R12: while the bank has it nothing of that is promised; then all of it, and only once."""
    order, _, total = await booked(stage)
    await taken_by_hand(stage, order)
    await until(stage, order, captured=total, in_flight=0)
    await stage.by_itself(order, "chargebacks", charged)
    await stage.task(K.CHARGEBACK, order)
    await stage.cancel(order)
    await stage.order(order, "cancelled")
    assert await _promised(stage, order) == total - charged
    assert await stage.broken() == []
    await won(stage, order)
    await until(stage, order, refunded=total)
    assert await _promised(stage, order) == total


async def _promised(stage: Stage, order: OrderId) -> int:
    query = "SELECT coalesce(sum(amount), 0)::int FROM refunds WHERE order_id = :id"
    return int(await stage.shop.one(query, id=order))


async def test_an_order_is_completed_while_the_bank_has_what_its_cancelled_unit_cost(
    stage: Stage,
) -> None:
    """R12: captured by hand and charged back whole; won, the unit's money goes back."""
    order, before, total = await booked(stage)
    await taken_by_hand(stage, order)
    await until(stage, order, captured=total, in_flight=0)
    await stage.by_itself(order, "chargebacks", total)
    await stage.task(K.CHARGEBACK, order)
    hold = await stage.shop.one("SELECT id FROM holds WHERE document_id = :id", id=order)
    await stage.release(order, hold)
    shipment = await one_less(stage, order, before)
    await stage.travel(shipment, "delivered")
    await stage.order(order, "completed")
    assert await _promised(stage, order) == 0
    assert await stage.broken() == []
    await won(stage, order)
    await until(stage, order, refunded=2700)
