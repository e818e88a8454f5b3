"""Replacements that get lost: sent once more or paid back, once, as support says."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.ids import OrderId
from domain.orders.status import CancelReason
from domain.policy import Policy
from domain.tasks import TaskKind
from tests.aging import sweep
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.money_stories import until
from tests.workflows.refund_stories import ask, is_now, usd
from tests.workflows.replacement_stories import (
    PRICE,
    arrives,
    in_advance,
    is_sent,
    lose,
    lost,
    next_of,
    paid_back,
    replacement_of,
    replacements,
    seen,
    to_replace,
)
from tests.workflows.return_stories import back_is, do, found, inspect, receive
from tests.workflows.stage import Stage

LOST = TaskKind.REPLACEMENT_LOST
NO_STOCK = TaskKind.NO_REPLACEMENT_STOCK
WAIT = timedelta(days=Policy().replacement_wait_days, minutes=1)


async def answer(stage: Stage, about: UUID, choice: str, kind: TaskKind = LOST) -> Any:
    task = await stage.task(kind, about)
    async with calling(stage) as callers:
        body = {"choice": choice}
        return await callers.post(f"/tasks/{task['id']}/decide", body, role="support")


async def facts_of(stage: Stage, shipment: UUID) -> Any:
    """Return what support was told about a lost shipment."""
    query = "SELECT facts FROM tasks WHERE kind = :kind AND document_id = :id"
    return await stage.shop.one(query, kind=LOST, id=shipment)


async def told(stage: Stage, back: Any, what: str) -> list[Any]:
    query = "SELECT data FROM events WHERE subject_id = :id AND type = :type ORDER BY sequence"
    found = await stage.shop.rows(query, id=UUID(back["id"]), type=f"return.{what}.v1")
    return [row["data"] for row in found]


async def test_a_lost_replacement_is_paid_back_by_the_order_that_was_paid(stage: Stage) -> None:
    """Support is told what is lost and what it was worth; the answer moves that money, once."""
    order, back, shipment = await lost(stage)
    task = await stage.task(LOST, shipment)
    assert (task["role"], task["choices"]) == ("support", ["replace", "refund", "write_off"])
    facts = task["facts"]
    assert (facts["return"], facts["units"], facts["amount"]) == (back["number"], 1, usd(PRICE))
    assert [each["quantity"] for each in facts["goods"]] == [1]

    await stage.decide(LOST, shipment, "refund")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("refund", usd(PRICE))
    await stage.order(OrderId(UUID(facts["order_id"])), "completed")
    assert await stage.result(stage.tracking(shipment)) == "lost"
    assert (await stage.moved(order))["refund"] == PRICE
    assert await replacements(stage, back) == 1
    assert len(await told(stage, back, "reopened")) == 1
    assert await stage.broken() == []


async def test_a_lost_replacement_is_sent_once_more_and_may_get_lost_again(stage: Stage) -> None:
    """Each lost shipment is replaced by one order, for nothing; the last one is paid back."""
    order, back, first = await lost(stage, stock=2)
    await stage.decide(LOST, first, "replace")
    before = await seen(stage, UUID((await facts_of(stage, first))["order_id"]))
    placed = await next_of(stage, back, [before["id"]])
    shown = await seen(stage, UUID(placed["id"]))
    assert (shown["replaces_return_id"], shown["total"]) == (back["id"], usd(0))
    assert (shown["replaces_shipment_id"], before["replaces_shipment_id"]) == (str(first), None)
    assert shown["ship_to"] == before["ship_to"]
    assert await stage.shop.stock(back["item"]) == (1, 1)
    assert (await back_is(stage, back, "inspected"))["closed_at"] is None

    second = await lose(stage, placed)
    await back_is(stage, back, "closed")
    await stage.decide(LOST, second, "refund")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("refund", usd(PRICE))
    assert (await stage.moved(order))["refund"] == PRICE
    assert await replacements(stage, back) == 2
    assert await stage.broken() == []


async def test_of_a_replacement_in_two_parcels_only_the_lost_one_is_paid_back(
    stage: Stage,
) -> None:
    """The other one stays the customer's, and its money stays with us."""
    order, line, back = await to_replace(stage, 2)
    # A run that looks between the two arrivals is not woken by a sweep.
    await stage.wait_says(stage.returning(UUID(back["id"])), "the replacement")
    for site in ("AUS", "RNO"):
        await arrives(stage, UUID(line["item_id"]), at=site)
    await sweep(stage, "replaceable_returns")
    placed = await replacement_of(stage, back)
    here, there = await stage.shipments(OrderId(UUID(placed["id"])), "booked", 2)
    await stage.travel(here, "delivered")
    await stage.travel(there, "lost")
    assert (await stage.task(LOST, there))["facts"]["amount"] == usd(PRICE)
    await stage.decide(LOST, there, "refund")
    closed = await eventually(lambda: paid_back(stage, back))
    assert (closed["resolution"], closed["refunded"]) == ("replacement", usd(PRICE))
    assert (await stage.moved(order))["refund"] == PRICE
    assert await stage.broken() == []


async def test_of_both_answers_at_once_the_first_counts(stage: Stage) -> None:
    """Twenty at once: either one order or one refund, never both."""
    order, back, shipment = await lost(stage, stock=2)
    task = await stage.task(LOST, shipment)
    async with calling(stage) as callers:
        answers = await asyncio.gather(
            *(
                callers.post(
                    f"/tasks/{task['id']}/decide",
                    {"choice": ("replace", "refund")[turn % 2]},
                    role="support",
                )
                for turn in range(20)
            )
        )
    assert {each.status_code for each in answers} == {200, 409}
    [decided] = await stage.shop.rows("SELECT outcome FROM tasks WHERE id = :id", id=task["id"])
    if decided["outcome"] == "refund":
        await until(stage, order, refunded=PRICE, refunding=0)
    else:
        placed = await next_of(stage, back, [task["facts"]["order_id"]])
        await is_sent(stage, placed)
    await back_is(stage, back, "closed")
    given = await replacements(stage, back) - 1, (await stage.paid(order)).refunded // PRICE
    assert sorted(given) == [0, 1]
    assert await stage.broken() == []


async def test_a_lost_replacement_without_stock_waits_and_support_is_asked(stage: Stage) -> None:
    """The same question after the same wait; the stock that comes first is sent."""
    order, back, shipment = await lost(stage)
    await stage.decide(LOST, shipment, "replace")
    waiting = await eventually(lambda: _waits(stage, back))
    assert waiting["status"] == "inspected"
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "the replacement")
    await stage.pass_time(run, WAIT)
    task = await stage.task(NO_STOCK, UUID(back["id"]))
    assert [each["quantity"] for each in task["facts"]["goods"]] == [1]
    await stage.decide(NO_STOCK, UUID(back["id"]), "wait")
    await arrives(stage, back["item"])
    await sweep(stage, "replaceable_returns")
    facts = await facts_of(stage, shipment)
    await is_sent(stage, await next_of(stage, back, [facts["order_id"]]), "delivered")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("replacement", usd(0))
    assert (await stage.paid(order)).refunded == 0
    assert await stage.broken() == []


async def _waits(stage: Stage, back: Any) -> Any:
    async with calling(stage) as callers:
        shown = (await callers.get(f"/returns/{back['id']}", role="support")).json()
    return shown if shown["replacement_due_at"] else None


async def test_who_does_not_wait_for_stock_to_send_again_gets_the_money(stage: Stage) -> None:
    order, back, shipment = await lost(stage)
    await stage.decide(LOST, shipment, "replace")
    await eventually(lambda: _waits(stage, back))
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "the replacement")
    await stage.pass_time(run, WAIT)
    await stage.decide(NO_STOCK, UUID(back["id"]), "refund")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("refund", usd(PRICE))
    assert (await stage.moved(order))["refund"] == PRICE
    assert await stage.broken() == []


async def test_a_lost_replacement_that_turns_up_is_a_question_with_an_end(stage: Stage) -> None:
    """Before the answer it is the customer's; after it support stops what is still to be sent."""
    _, back, shipment = await lost(stage, stock=2)
    await stage.decide(LOST, shipment, "replace")
    facts = await facts_of(stage, shipment)
    again = await next_of(stage, back, [facts["order_id"]])
    await stage.shipment(OrderId(UUID(again["id"])), "booked")
    await stage.scan(shipment, "DL", signed_by="Ada")
    asked = await stage.task(TaskKind.PARCEL_EXCEPTION, shipment)
    assert asked["facts"]["reason"] == "delivered_after_replace"
    await stage.cancel(OrderId(UUID(again["id"])), CancelReason.STAFF)
    await stage.decide(TaskKind.RETURN_UNSERVED, UUID(back["id"]), "served_otherwise")
    await stage.decide(TaskKind.PARCEL_EXCEPTION, shipment, "dealt_with")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("served_otherwise", usd(0))
    assert await stage.shop.stock(back["item"]) == (1, 0)
    assert await stage.broken() == []


async def test_what_turns_up_before_anything_was_given_for_it_needs_nothing(stage: Stage) -> None:
    """Unanswered, the question goes away; waiting for stock, nothing is sent once more."""
    _, back, first = await lost(stage)
    await stage.scan(first, "DL", signed_by="Ada")
    assert await stage.result(stage.tracking(first)) == "delivered"
    [task] = await stage.shop.rows("SELECT status FROM tasks WHERE document_id = :id", id=first)
    assert task["status"] == "cancelled"

    _, back, second = await lost(stage)
    await stage.decide(LOST, second, "replace")
    await eventually(lambda: _waits(stage, back))
    await stage.scan(second, "DL", signed_by="Ada")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["replacement_due_at"]) == ("replacement", None)
    assert len(await told(stage, back, "replacement_found")) == 1
    await arrives(stage, back["item"])
    await sweep(stage, "replaceable_returns")
    assert await replacements(stage, back) == 1
    assert await stage.broken() == []


async def test_money_that_has_gone_back_before_is_not_given_again(stage: Stage) -> None:
    """The refusal says so, and the question stays until another answer is given."""
    order, back, shipment = await lost(stage)
    units = {"order_line_id": back["lines"][0]["order_line_id"], "units": 1}
    refund = await ask(stage, order_id=str(order), lines=[units])
    await is_now(stage, refund, "succeeded")
    refused = await answer(stage, shipment, "refund")
    assert (refused.status_code, refused.json()["code"]) == (409, "amount_exceeded")
    assert "has gone back before" in refused.json()["detail"]
    assert (await answer(stage, shipment, "write_off")).status_code == 200
    assert await stage.result(stage.tracking(shipment)) == "lost"
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], await told(stage, back, "reopened")) == ("replacement", [])
    assert (await stage.moved(order))["refund"] == PRICE
    assert await stage.broken() == []


async def test_the_money_for_a_lost_replacement_waits_while_a_chargeback_stands(
    stage: Stage,
) -> None:
    """Finance is asked; what the bank has given the customer is not given again."""
    order, back, shipment = await lost(stage)
    await stage.by_itself(order, "chargebacks", PRICE)
    await until(stage, order, charged_back=PRICE)
    await stage.decide(LOST, shipment, "refund")
    await stage.decide(TaskKind.REFUND_STOPPED, UUID(back["id"]), "bank_paid")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("served_otherwise", usd(0))
    assert (await stage.paid(order)).refunded == 0
    assert await stage.broken() == []


async def test_of_goods_replaced_in_advance_only_what_comes_is_paid_back(stage: Stage) -> None:
    """With nothing left that replaces them they are goods that come back for their money."""
    order, _, back = await in_advance(stage)
    shipment = await lose(stage, await replacement_of(stage, back))
    await stage.decide(LOST, shipment, "refund")
    shown = await back_is(stage, back, "authorized")
    assert (shown["resolution_wanted"], shown["refunded"]) == ("refund", usd(0))
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, 1, "scrap"))
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("refund", usd(PRICE))
    assert (await stage.moved(order))["refund"] == PRICE
    assert await stage.broken() == []


async def test_a_return_whose_lost_replacement_is_sent_again_can_be_given_up(stage: Stage) -> None:
    """In advance: what got lost there does not hold the customer, who keeps the goods."""
    _, line, back = await in_advance(stage, stock=2)
    first = await replacement_of(stage, back)
    await stage.decide(LOST, await lose(stage, first), "replace")
    again = OrderId(UUID((await next_of(stage, back, [first["id"]]))["id"]))
    await stage.shipment(again, "booked")
    await do(stage, back, "cancel", "support", {"reason": "keeps it"})
    await stage.order(again, "cancelled")
    assert await stage.shop.stock(line["item_id"]) == (1, 0)
    await back_is(stage, back, "cancelled")
    assert await stage.broken() == []
