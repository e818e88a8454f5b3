"""Payments and cancellations as callers ask for them: what is refused before any run is asked."""

import asyncio
from typing import Any

import pytest

from domain.orders.requests import CUSTOMERS_REASONS
from domain.orders.status import CancelReason
from tests.api.orders.conftest import Shop, problem


async def _unpaid(shop: Shop, **rest: Any) -> dict[str, Any]:
    return await shop.placed({await shop.item(): 1}, payment={"method": "card"}, **rest)


async def test_of_fifty_payments_at_once_one_waits_and_the_others_are_refused(shop: Shop) -> None:
    """D14: 201 once, 409 while one waits to be tried."""
    path = f"/orders/{(await _unpaid(shop))['id']}/payments"
    answers = await asyncio.gather(
        *(shop.callers.post(path, {"token": f"tok_{turn}"}) for turn in range(50))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49
    for answer in answers:
        if answer.status_code == 409:
            assert problem(answer, 409, "illegal_move")["current_status"] == "in_flight"
    [paid] = [answer.json() for answer in answers if answer.status_code == 201]
    assert len(paid["payments"]) == 1


async def test_a_card_that_came_with_the_order_waits_to_be_tried_too(shop: Shop) -> None:
    """D14: the first card of an order is a payment like the others."""
    order = await shop.placed({await shop.item(): 1})
    again = await shop.callers.post(f"/orders/{order['id']}/payments", {"token": "tok_ok"})
    problem(again, 409, "illegal_move")


@pytest.mark.parametrize("reason", CancelReason)
async def test_a_customer_cancels_only_for_reasons_of_customers(
    shop: Shop, reason: CancelReason
) -> None:
    """D19: 403 for a reason that only the company may give; Temporal is away for the others."""
    who = await shop.customer()
    order = await _unpaid(shop, customer_id=who)
    path, body = f"/orders/{order['id']}/cancel", {"reason": reason}
    asked = await shop.callers.post(path, body, role="customer", customer_id=who)
    if reason in CUSTOMERS_REASONS:
        problem(asked, 503, "partner_unavailable")
    else:
        assert problem(asked, 403, "forbidden")["allowed"] == ["customer_request", "duplicate"]
    by_support = await shop.callers.post(path, body, role="support")
    problem(by_support, 503, "partner_unavailable")


@pytest.mark.parametrize(
    "address",
    [
        "http://shop.example/",
        "javascript:alert(1)",
        "//shop.example/",
        "https://",
        "https://user:secret@shop.example/",
        "https://shop.example:99999/",
        "https://shop.example\\@other.example/",
        "https://shop.example/a b",
        "https://shop.example/\n",
        "https://shöp.example/",
        f"https://shop.example/{'x' * 2000}",
    ],
)
async def test_a_buyer_is_sent_back_only_to_an_address_of_a_shop(shop: Shop, address: str) -> None:
    """Such an address is https, bounded and without credentials, wherever a card is given."""
    card = {"token": "tok_ok", "return_url": address}
    lines = {await shop.item(): 1}
    placed = await shop.place(lines, payment={"method": "card", **card})
    assert problem(placed, 422, "malformed")["errors"][0]["pointer"] == "/payment/return_url"
    paid = await shop.callers.post(f"/orders/{(await _unpaid(shop))['id']}/payments", card)
    assert problem(paid, 422, "malformed")["errors"][0]["pointer"] == "/return_url"


@pytest.mark.parametrize(
    "address", ["https://shop.example", "https://shop.example:8443/@me?order=7&x=%20#done"]
)
async def test_an_address_of_a_shop_is_taken_with_every_card(shop: Shop, address: str) -> None:
    card = {"token": "tok_ok", "return_url": address}
    await shop.placed({await shop.item(): 1}, payment={"method": "card", **card})
    path = f"/orders/{(await _unpaid(shop))['id']}/payments"
    answer = await shop.callers.post(path, card)
    assert answer.status_code == 201, answer.text


async def test_nobody_comes_back_from_a_card_that_is_not_given(shop: Shop) -> None:
    payment = {"method": "card", "return_url": "https://shop.example/"}
    placed = await shop.place({await shop.item(): 1}, payment=payment)
    assert problem(placed, 422, "malformed")["errors"][0]["pointer"] == "/payment"
