"""Withdrawals from delivered orders, on real servers."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from domain.ids import OrderId
from tests.aging import DAYS, age
from tests.workflows.asking import calling
from tests.workflows.refund_stories import delivered, usd
from tests.workflows.return_stories import ask_back, back_is, found, inspect, receive
from tests.workflows.stage import Stage
from tests.workflows.withdrawal_stories import (
    a_guest,
    acknowledged,
    bought,
    confirm,
    declare,
)


@pytest.mark.parametrize(
    ("how", "shipping", "back"),
    [({"shipping": usd(605)}, 605, 1_815), ({"shipping_service": "express"}, 1_500, 1_710)],
)
async def test_a_withdrawal_gives_the_goods_and_the_standard_postage_back(
    stage: Stage, how: dict[str, object], shipping: int, back: int
) -> None:
    """RET-03: 12.10 and postage of 6.05 are 18.15; of express only what ground would have cost."""
    order, line = await bought(stage, **how)
    assert await stage.captured(order) == 1_210 + shipping
    asked = await ask_back(stage, order, line, 1, None, role="support", kind="withdrawal")
    assert (asked["status"], asked["decision"]["rule"]) == ("authorized", "withdrawal")
    await receive(stage, asked, 1)
    await inspect(stage, asked, found(asked))
    closed = await back_is(stage, asked, "closed")
    assert closed["refunded"] == usd(back)
    assert (await stage.moved(order))["refund"] == back


async def test_a_withdrawal_is_not_reviewed_whatever_it_is_worth(stage: Stage) -> None:
    """A return of another kind of as many is put to support."""
    order, line = await delivered(stage, 10)
    asked = await ask_back(stage, order, line, 10, None, kind="withdrawal")
    assert (asked["status"], asked["authorized_by"]) == ("authorized", "system")


async def test_the_last_day_of_the_window_is_the_fourteenth_after_delivery(stage: Stage) -> None:
    order, line = await delivered(stage, 2)
    [shipment] = await stage.shop.rows("SELECT id FROM shipments WHERE order_id = :id", id=order)
    await age(stage, "shipments", "delivered_at", 14 * DAYS, id=UUID(str(shipment["id"])))
    await ask_back(stage, order, line, 1, None, kind="withdrawal")
    await age(stage, "shipments", "delivered_at", DAYS, id=UUID(str(shipment["id"])))
    late = await ask_back(stage, order, line, 1, None, status=409, kind="withdrawal")
    assert late["code"] == "window_closed"


async def test_a_declared_withdrawal_takes_effect_when_it_is_confirmed(stage: Stage) -> None:
    """Before that nothing is promised; then it is a return, authorized whatever it is worth."""
    order, line = await delivered(stage, 10)
    declared = await declare(stage, order)
    assert (declared["confirmed_at"], declared["return_id"]) == (None, None)
    assert f"- 10 x {line['sku']}, Mug" in declared["statement"]
    assert (await line_of(stage, order))["coming_back"] == 0
    confirmed = await confirm(stage, declared)
    assert (await line_of(stage, order))["coming_back"] == 10
    async with calling(stage) as callers:
        back = (await callers.get(f"/returns/{confirmed['return_id']}")).json()
    assert (back["kind"], back["status"], back["lines"][0]["reason"]) == (
        "withdrawal",
        "authorized",
        None,
    )
    assert await stage.broken() == []


async def test_confirming_twice_is_as_good_as_once(stage: Stage) -> None:
    """Also at once: one return is opened."""
    order, _ = await delivered(stage, 2)
    declared = await declare(stage, order)
    answers = await asyncio.gather(*(confirm(stage, declared) for _ in range(5)))
    assert all(answer == answers[0] for answer in answers)
    found = await stage.shop.rows("SELECT id FROM returns WHERE order_id = :id", id=order)
    assert [str(row["id"]) for row in found] == [answers[0]["return_id"]]
    again = await declare(stage, order, status=409)
    assert (again["code"], again["remaining_units"]) == ("quantity_exceeded", 0)


async def test_the_acknowledgement_says_what_was_received_when_and_never_changes(
    stage: Stage,
) -> None:
    """A durable medium: the statement with date and time, fetched again word for word."""
    order, line = await delivered(stage, 2)
    lines = [{"order_line_id": line["id"], "quantity": 1}]
    declared = await declare(stage, order, lines=lines, name="Ada\nLovelace", email="a@b.example")
    async with calling(stage) as callers:
        path = f"/withdrawals/{declared['id']}/acknowledgement"
        early = (await callers.get(path)).json()
    assert (early["code"], early["current_status"]) == ("illegal_move", "declared")
    confirmed = await confirm(stage, declared)
    text = await acknowledged(stage, confirmed)
    for part in (
        f"Received:  {confirmed['confirmed_at']} (date and time in UTC, RFC 3339)",
        f"Order:     {confirmed['order_number']}",
        "Name:      Ada Lovelace",
        "Sent to:   a@b.example",
        f"- 1 x {line['sku']}, Mug",
        "You bear the direct cost of sending the goods back.",
    ):
        assert part in text
    async with calling(stage) as callers:
        back = (await callers.get(f"/returns/{confirmed['return_id']}")).json()
        path = f"/returns/{back['id']}/timeline"
        told = (await callers.get(path, role="customer", customer_id=back["customer_id"])).json()
    [event] = [one for one in told["items"] if "acknowledged" in one["type"]]
    assert event["data"]["withdrawal_id"] == confirmed["id"]
    assert event["data"]["received_at"].startswith(confirmed["confirmed_at"].rstrip("Z"))
    await receive(stage, back, 1)
    await inspect(stage, back, found(back))
    await back_is(stage, back, "closed")
    assert await acknowledged(stage, confirmed) == text
    assert await confirm(stage, declared) == confirmed


async def test_a_withdrawal_is_confirmed_within_the_window_or_not_at_all(stage: Stage) -> None:
    """On the last day it is in time; declared in time and confirmed late it is not."""
    order, line = await delivered(stage, 2)
    [shipment] = await stage.shop.rows("SELECT id FROM shipments WHERE order_id = :id", id=order)
    await age(stage, "shipments", "delivered_at", 14 * DAYS, id=shipment["id"])
    one = [{"order_line_id": line["id"], "quantity": 1}]
    first, second = await declare(stage, order, lines=one), await declare(stage, order, lines=one)
    await confirm(stage, first)
    await age(stage, "shipments", "delivered_at", DAYS, id=shipment["id"])
    late = await confirm(stage, second, status=409)
    assert late["code"] == "window_closed"
    assert (await declare(stage, order, status=409))["code"] == "window_closed"
    assert (await line_of(stage, order))["coming_back"] == 1


async def test_a_customer_withdraws_from_its_own_orders_only(stage: Stage) -> None:
    order, _ = await delivered(stage)
    stranger, _ = await a_guest(stage)
    own = {"role": "customer", "customer_id": str(stage.shop.customer_id)}
    other = {"role": "customer", "customer_id": stranger}
    await declare(stage, order, who=other, status=404)
    declared = await declare(stage, order, who=own)
    async with calling(stage) as callers:
        for part in ("", "/acknowledgement"):
            path = f"/withdrawals/{declared['id']}{part}"
            assert (await callers.get(path, **other)).status_code == 404
        path = f"/withdrawals/{declared['id']}/confirm"
        assert (await callers.post(path, {}, **other)).status_code == 404
        assert (await callers.post(path, {}, **own)).status_code == 200


async def line_of(stage: Stage, order: OrderId) -> Any:
    async with calling(stage) as callers:
        [line] = (await callers.get(f"/orders/{order}")).json()["lines"]
    return line
