"""Cancelling some units of an order as callers ask for it: what is refused, and done at once."""

import asyncio
from typing import Any

import httpx2

from tests.api.orders.conftest import Shop, problem


async def _unpaid(shop: Shop, wanted: dict[str, int], **rest: Any) -> dict[str, Any]:
    return await shop.placed(wanted, payment={"method": "card"}, **rest)


async def _cancel(shop: Shop, order: Any, *units: int, **how: Any) -> httpx2.Response:
    """Ask to cancel so many units of the order's first lines."""
    lines = [
        {"order_line_id": line["id"], "quantity": quantity}
        for line, quantity in zip(order["lines"], units, strict=False)
    ]
    body = {"reason": "customer_request", "lines": lines}
    return await shop.callers.post(f"/orders/{order['id']}/cancel", body, **how)


async def test_units_that_are_cancelled_can_be_sold_at_once(shop: Shop) -> None:
    sku = await shop.item(stock=5)
    order = await _unpaid(shop, {sku: 5})
    answer = await _cancel(shop, order, 2)
    assert answer.status_code == 200, answer.text
    [line] = answer.json()["lines"]
    assert (line["quantity"], line["cancelled"]) == (5, 2)
    assert line["total"] == order["lines"][0]["total"]
    assert (answer.json()["status"], answer.json()["cancel_pending"]) == ("pending", False)
    assert await shop.reserved(sku) == 3
    await shop.placed({sku: 2})
    assert await shop.reserved(sku) == 5
    await shop.assert_sound()


async def test_another_card_pays_for_the_units_that_are_left(shop: Shop) -> None:
    """RET-08: what is cancelled is not paid for; the rest keeps its terms."""
    sku = await shop.item(price=1000)
    order = await _unpaid(shop, {sku: 3})
    await _cancel(shop, order, 1)
    paid = await shop.callers.post(f"/orders/{order['id']}/payments", {"token": "tok_ok"})
    [payment] = paid.json()["payments"]
    assert payment["amount"]["amount"] == order["total"]["amount"] - 1000
    assert paid.json()["shipping"] == order["shipping"]


async def test_more_than_remains_is_refused_and_changes_nothing(shop: Shop) -> None:
    one, two = await shop.item(), await shop.item()
    order = await _unpaid(shop, {one: 3, two: 2})
    await _cancel(shop, order, 1)
    before = await shop.counts()
    refused = problem(await _cancel(shop, order, 3, 2), 409, "quantity_exceeded")
    lines = [line["id"] for line in order["lines"]]
    assert refused["remaining_lines"] == [
        {"order_line_id": lines[0], "units": 2},
        {"order_line_id": lines[1], "units": 2},
    ]
    assert [error["pointer"] for error in refused["errors"]] == ["/lines/0/quantity"]
    assert await shop.counts() == before
    assert await shop.reserved(one) == 2


async def test_a_repeat_under_its_key_cancels_nothing_more(shop: Shop) -> None:
    sku = await shop.item()
    order = await _unpaid(shop, {sku: 4})
    first = await _cancel(shop, order, 1, key="one-unit-too-many")
    again = await _cancel(shop, order, 1, key="one-unit-too-many")
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert await shop.reserved(sku) == 3
    problem(await _cancel(shop, order, 2, key="one-unit-too-many"), 422, "key_reused")


async def test_without_a_key_no_units_are_cancelled(shop: Shop) -> None:
    order = await _unpaid(shop, {await shop.item(): 2})
    lines = [{"order_line_id": order["lines"][0]["id"], "quantity": 1}]
    secret = await shop.callers.key("admin")
    answer = await shop.callers.client.post(
        f"/orders/{order['id']}/cancel",
        json={"lines": lines},
        headers={"Authorization": f"Bearer {secret}"},
    )
    problem(answer, 400, "key_missing")


async def test_lines_are_the_orders_own_and_named_once(shop: Shop) -> None:
    order = await _unpaid(shop, {await shop.item(): 3})
    other = await _unpaid(shop, {await shop.item(): 3})
    foreign = {**order, "lines": other["lines"]}
    problem(await _cancel(shop, foreign, 1), 404, "not_found")
    twice = {**order, "lines": order["lines"] * 2}
    problem(await _cancel(shop, twice, 1, 1), 422, "malformed")
    problem(await _cancel(shop, order, 0), 422, "malformed")


async def test_customers_cancel_units_of_their_own_orders_for_their_own_reasons(
    shop: Shop,
) -> None:
    who, other = await shop.customer(), await shop.customer()
    order = await _unpaid(shop, {await shop.item(): 2}, customer_id=who)
    as_other = {"role": "customer", "customer_id": other}
    problem(await _cancel(shop, order, 1, **as_other), 404, "not_found")
    fraud = {
        "reason": "fraud",
        "lines": [{"order_line_id": order["lines"][0]["id"], "quantity": 1}],
    }
    refused = await shop.callers.post(
        f"/orders/{order['id']}/cancel", fraud, role="customer", customer_id=who
    )
    problem(refused, 403, "forbidden")
    mine = await _cancel(shop, order, 1, role="customer", customer_id=who)
    assert mine.status_code == 200
    problem(await _cancel(shop, order, 1, role="warehouse"), 403, "forbidden")


async def test_the_last_units_are_cancelled_with_the_order(shop: Shop) -> None:
    order = await _unpaid(shop, {await shop.item(): 2})
    await _cancel(shop, order, 1)
    answer = await _cancel(shop, order, 1)
    assert answer.status_code == 200
    assert answer.json()["cancel_pending"] is True
    # Its run cancels it; until then nothing else can be asked for.
    problem(await _cancel(shop, order, 1), 409, "illegal_move")


async def test_of_two_who_cancel_the_last_unit_at_once_one_does(shop: Shop) -> None:
    one, two = await shop.item(), await shop.item()
    order = await _unpaid(shop, {one: 1, two: 1})
    answers = await asyncio.gather(*(_cancel(shop, order, 1) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    for answer in answers:
        if answer.status_code == 409:
            assert problem(answer, 409, "quantity_exceeded")["remaining_lines"][0]["units"] == 0
    assert (await shop.reserved(one), await shop.reserved(two)) == (0, 1)
    await shop.assert_sound()
