"""Withdrawals that staff is told of, and whose cost of sending back is ours, on real servers."""

from typing import Any
from uuid import UUID

import pytest

from domain.policy import ReturnCost
from tests.workflows.asking import calling, set_to
from tests.workflows.label_stories import bookings, label_is, told
from tests.workflows.refund_stories import delivered
from tests.workflows.return_stories import ask_back, back_is
from tests.workflows.stage import Stage
from tests.workflows.withdrawal_stories import acknowledged, confirm, declare


@pytest.mark.parametrize("role", ["customer", "integration"])
async def test_a_consumer_withdraws_in_two_steps_or_not_at_all(stage: Stage, role: str) -> None:
    """EU 2023/2673: nothing takes effect that was not declared, shown and confirmed."""
    order, line = await delivered(stage)
    asked = {"order_line_id": line["id"], "quantity": 1}
    body = {"order_id": str(order), "kind": "withdrawal", "lines": [asked]}
    who: dict[str, Any] = {"role": role}
    if role == "customer":
        who["customer_id"] = str(stage.shop.customer_id)
    async with calling(stage) as callers:
        refused = await callers.post("/returns", body, **who)
    told = refused.json()
    assert (refused.status_code, told["code"], told["field"]) == (403, "forbidden", "kind")
    assert "POST /withdrawals" in told["detail"]
    assert await stage.shop.rows("SELECT 1 FROM returns WHERE order_id = :id", id=order) == []


async def test_a_letter_that_support_records_is_acknowledged_like_any_withdrawal(
    stage: Stage,
) -> None:
    order, line = await delivered(stage, 2)
    back = await ask_back(stage, order, line, 1, None, kind="withdrawal")
    assert (back["status"], back["decision"]["rule"]) == ("authorized", "withdrawal")
    [event] = await told(stage, back, "withdrawal_acknowledged")
    text = await acknowledged(stage, {"id": event["withdrawal_id"]})
    assert f"Return:    {back['number']}" in text
    assert f"- 1 x {line['sku']}, Mug" in text
    assert await stage.broken() == []


async def test_who_takes_goods_back_after_the_window_acknowledges_no_withdrawal(
    stage: Stage,
) -> None:
    """It is not one by right any more, and support decides."""
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line, 1, None, kind="withdrawal", late_reason="was ill")
    assert await told(stage, back, "withdrawal_acknowledged") == []


async def test_of_two_orders_each_is_withdrawn_from_by_itself(stage: Stage) -> None:
    """What is acknowledged names the goods of one contract."""
    order, _ = await delivered(stage)
    other, its_line = await delivered(stage)
    refused = await ask_back(stage, order, its_line, 1, None, status=404, kind="withdrawal")
    assert refused["code"] == "not_found"
    assert await stage.shop.rows("SELECT 1 FROM withdrawals WHERE order_id = :id", id=other) == []


@pytest.mark.parametrize("by_letter", [False, True])
async def test_where_we_bear_the_cost_the_goods_come_under_a_label_of_ours(
    stage: Stage, by_letter: bool
) -> None:
    """2011/83/EU, 14 (1): the trader who agreed to bear it does, whatever else it says."""
    order, line = await delivered(stage)
    with set_to(stage, withdrawal_return_cost=ReturnCost.MERCHANT):
        if by_letter:
            back = await ask_back(stage, order, line, 1, None, kind="withdrawal")
            [event] = await told(stage, back, "withdrawal_acknowledged")
            withdrawal = {"id": event["withdrawal_id"]}
        else:
            withdrawal = await confirm(stage, await declare(stage, order))
            back = {"id": withdrawal["return_id"]}
    seen = await label_is(stage, back, "booked")
    assert (seen["ship_back"], seen["label_fee"]["amount"]) == ("label", 0)
    assert len(await bookings(stage, seen)) == 1
    assert "use the label that we send" in await acknowledged(stage, withdrawal)


async def test_where_the_customer_bears_the_cost_no_label_is_bought(stage: Stage) -> None:
    order, _ = await delivered(stage)
    confirmed = await confirm(stage, await declare(stage, order))
    back = await back_is(stage, {"id": confirmed["return_id"]}, "authorized")
    assert (back["ship_back"], back["label"]) == ("own", None)
    labels = "SELECT 1 FROM return_labels WHERE return_id = :id"
    assert await stage.shop.rows(labels, id=UUID(back["id"])) == []


async def test_goods_that_stay_with_the_consumer_need_no_label_and_no_parcel(stage: Stage) -> None:
    order, line = await delivered(stage)
    with set_to(stage, withdrawal_return_cost=ReturnCost.MERCHANT):
        back = await ask_back(stage, order, line, 1, None, kind="withdrawal", ship_back="none")
    [event] = await told(stage, back, "withdrawal_acknowledged")
    assert "You may keep the goods" in await acknowledged(stage, {"id": event["withdrawal_id"]})
    assert (await back_is(stage, back, "closed"))["label"] is None
