"""What a return would give back, shown with it until it does, on real servers."""

from typing import Any
from uuid import UUID

import pytest

from domain.tasks import TaskKind
from tests.workflows.asking import calling
from tests.workflows.exact import Sold, sold
from tests.workflows.refund_stories import ask, delivered, is_now, usd
from tests.workflows.return_stories import (
    ask_back,
    back_is,
    do,
    found,
    inspect,
    receive,
    would_give,
)
from tests.workflows.stage import Stage


async def get(stage: Stage, path: str, role: str = "support", **who: Any) -> Any:
    async with calling(stage) as callers:
        answer = await callers.get(path, role=role, **who)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_return_carries_the_estimate_that_was_shown_before_it(stage: Stage) -> None:
    """RET: in the answer to asking for it, and for its customer whenever it is read."""
    order, [line] = await sold(stage, Sold(2, 2500))
    shown = await would_give(stage, order, (line, 2, "changed_mind"))
    back = await ask_back(stage, order, line, 2)
    assert back["estimate"] == shown
    assert shown["amount"] == usd(5000)
    customer = {"role": "customer", "customer_id": back["customer_id"]}
    assert (await get(stage, f"/returns/{back['id']}", **customer))["estimate"] == shown
    assert (await get(stage, f"/returns/{back['id']}", "warehouse"))["estimate"] is None
    [listed] = (await get(stage, f"/returns?order_id={order}"))["items"]
    assert listed["estimate"] is None


async def test_the_estimate_follows_what_came_and_was_accepted_until_it_is_settled(
    stage: Stage,
) -> None:
    """Of three units two come, one of them is not accepted, and goodwill takes a part."""
    order, [line] = await sold(stage, Sold(3, 2500))
    back = await ask_back(stage, order, line, 3)
    await receive(stage, back, 2)
    await do(stage, back, "finish_receiving", "warehouse")
    received = await get(stage, f"/returns/{back['id']}")
    assert received["estimate"]["amount"] == usd(5000)
    await inspect(stage, back, found(back, 1, "return_to_customer"))
    half = await get(stage, f"/returns/{back['id']}")
    assert half["estimate"]["amount"] == usd(2500)
    await is_now(stage, await ask(stage, order_id=str(order), goodwill=usd(6000)), "succeeded")
    limited = await get(stage, f"/returns/{back['id']}")
    assert limited["estimate"]["amount"] == usd(1500)
    assert limited["estimate"]["orders"][0]["limited_by"] == "payments"
    await inspect(stage, back, found(back, 1))
    await stage.task(TaskKind.REJECTED_GOODS, UUID(back["id"]))
    settled = await get(stage, f"/returns/{back['id']}")
    assert (settled["estimate"], settled["refunds"][0]["amount"]) == (None, usd(1500))


async def test_goods_that_are_replaced_have_no_estimate(stage: Stage) -> None:
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line, resolution_wanted="replacement")
    assert back["estimate"] is None


async def test_an_estimate_says_that_a_discount_is_kept_where_goods_stay(stage: Stage) -> None:
    """Two for 40.00 instead of 50.00: one alone would not have earned the discount."""
    order, [line] = await sold(stage, Sold(2, 2500, discount=1000))
    part = await would_give(stage, order, (line, 1, "changed_mind"))
    assert (part["amount"], part["orders"][0]["discount_kept"]) == (usd(2000), True)
    whole = await would_give(stage, order, (line, 2, "changed_mind"))
    assert (whole["amount"], whole["orders"][0]["discount_kept"]) == (usd(4000), False)
    plain, [other] = await sold(stage, Sold(2, 2500))
    assert not (await would_give(stage, plain, (other, 1, "defective")))["orders"][0][
        "discount_kept"
    ]


async def test_an_estimate_says_why_it_is_less_than_what_was_paid(stage: Stage) -> None:
    """RET-05 and payments R6: for goodwill before, and for units that were refunded before."""
    order, [line] = await sold(stage, Sold(2, 2500))
    full = await would_give(stage, order, (line, 2, "changed_mind"))
    assert (full["orders"][0]["limited"], full["orders"][0]["limited_by"]) == (False, None)
    units = [{"order_line_id": line["id"], "units": 1}]
    await is_now(stage, await ask(stage, order_id=str(order), lines=units), "succeeded")
    refunded = await would_give(stage, order, (line, 2, "changed_mind"))
    assert refunded["amount"] == usd(2500)
    assert refunded["orders"][0]["limited_by"] == "units_refunded"
    await is_now(stage, await ask(stage, order_id=str(order), goodwill=usd(1000)), "succeeded")
    goodwill = await would_give(stage, order, (line, 1, "changed_mind"))
    assert goodwill["amount"] == usd(1500)
    assert goodwill["orders"][0]["limited_by"] == "payments"


async def test_approve_is_another_name_of_authorize(stage: Stage) -> None:
    """Returns 7: the same for the same people, once as good as twice."""
    order, line = await delivered(stage, 10)
    back = await ask_back(stage, order, line, 10)
    assert back["status"] == "requested"
    await do(stage, back, "approve", "warehouse", status=403)
    assert (await do(stage, back, "approve", "support"))["status"] == "authorized"
    assert (await do(stage, back, "authorize", "support"))["status"] == "authorized"


async def test_the_refunds_of_a_return_are_found_by_it_and_name_it(stage: Stage) -> None:
    order, [line] = await sold(stage, Sold(2, 2500))
    await is_now(stage, await ask(stage, order_id=str(order), goodwill=usd(100)), "succeeded")
    back = await ask_back(stage, order, line)
    await receive(stage, back, 1)
    await inspect(stage, back, found(back))
    [linked] = (await back_is(stage, back, "closed"))["refunds"]
    [refund] = (await get(stage, f"/refunds?return_id={back['id']}", "finance"))["items"]
    assert (refund["id"], refund["return_id"]) == (linked["id"], back["id"])
    everything = (await get(stage, f"/refunds?order_id={order}", "finance"))["items"]
    assert sorted(str(each["return_id"]) for each in everything) == sorted(["None", back["id"]])


async def test_a_payment_is_found_by_what_the_provider_calls_it(stage: Stage) -> None:
    order, _ = await delivered(stage)
    [payment] = (await get(stage, f"/payments?order_id={order}", "finance"))["items"]
    reference = payment["provider_reference"]
    [same] = (await get(stage, f"/payments?provider_reference={reference}", "finance"))["items"]
    assert same["id"] == payment["id"]
    assert (await get(stage, "/payments?provider_reference=unheard", "finance"))["items"] == []


@pytest.mark.parametrize("how", ["not_delivered", "all_back", None])
async def test_what_can_come_back_says_why_nothing_can(stage: Stage, how: str | None) -> None:
    if how == "not_delivered":
        order: Any = await stage.shop.place((await stage.shop.item(AUS=1), 1))
    else:
        order, line = await delivered(stage)
    if how == "all_back":
        await ask_back(stage, order, line)
    [shown] = (await get(stage, f"/orders/{order}/returnable"))["lines"]
    assert (shown["why_none"], shown["returnable"]) == (how, 0 if how else 1)
