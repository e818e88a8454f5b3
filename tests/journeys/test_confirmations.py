"""Payments that the buyer confirms at the bank (3-D Secure), over HTTP alone."""

from typing import Any

import httpx2

from tests.installation import Installation
from tests.patience import PATIENCE


async def test_a_buyer_is_sent_to_the_bank_to_confirm_and_comes_back_to_the_shop(
    installation: Installation,
) -> None:
    sku = await installation.item(stock=1)
    back = "https://shop.example/orders/web-7?step=done"
    payment = {"token": "tok_action_required", "return_url": back}
    order_id = await installation.place({sku: 1}, payment=payment)
    waiting = await installation.reaches(order_id, payment_status="action_required")
    assert waiting["status"] == "pending"
    page = await _next_action(installation, order_id)
    assert page["type"] == "redirect"
    assert page["expires_at"] == waiting["payment_due_at"]
    process = (await installation.shop.get(f"/orders/{order_id}/process")).body
    assert process["waiting_for"][-1]["who"] == "the customer"
    async with httpx2.AsyncClient(timeout=PATIENCE) as browser:
        failed = await browser.post(f"{page['url']}/fail")
        assert (failed.status_code, failed.headers["location"]) == (303, back)
        await installation.reaches(order_id, status="pending", payment_status="failed")
        assert await _next_action(installation, order_id) is None
        await installation.post(f"/orders/{order_id}/payments", payment)
        await installation.reaches(order_id, payment_status="action_required")
        again = await _next_action(installation, order_id)
        assert again["url"] != page["url"]
        confirmed = await browser.post(f"{again['url']}/confirm")
        assert (confirmed.status_code, confirmed.headers["location"]) == (303, back)
    await installation.reaches(order_id, status="confirmed", payment_status="authorized")
    assert await _next_action(installation, order_id) is None
    await installation.travel(await installation.booked(order_id))
    await installation.reaches(order_id, status="completed", payment_status="captured")
    await installation.assert_sound()


async def _next_action(installation: Installation, order_id: str) -> Any:
    """What the buyer has to do for the newest payment of an order."""
    found = await installation.shop.get("/payments", order_id=order_id)
    return found.body["items"][0]["next_action"]
