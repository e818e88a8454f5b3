"""What was made is found where its answer says."""

from uuid import uuid4

import pytest

from tests.storefront import ADDRESS, Storefront, dollars


async def test_a_location_leads_to_what_was_made(shop: Storefront) -> None:
    sku = await shop.item()
    unpaid = await shop.placed({sku: 1}, payment={"method": "card"})
    bodies = {
        "/customers": {"name": "Grace Hopper"},
        "/items": {"sku": f"SKU-{uuid4().hex}", "name": "Mug"},
        "/inventory/sites": {"code": uuid4().hex, "name": "Reno", "address": ADDRESS},
        "/inventory/adjustments": {"sku": sku, "site": "AUS", "quantity": 2, "reason": "found"},
        "/orders": shop.order({sku: 1}),
    }
    for path, body in bodies.items():
        made = await shop.callers.post(path, body)
        shown = await shop.callers.get(made.headers["location"])
        assert (shown.status_code, shown.json()["id"]) == (200, made.json()["id"]), path
    paid = await shop.callers.post(f"/orders/{unpaid['id']}/payments", {"token": "tok_ok"})
    shown = await shop.callers.get(paid.headers["location"])
    assert shown.json()["id"] == paid.json()["payments"][-1]["id"]
    assert shown.json()["amount"] == dollars(unpaid["total"]["amount"])


async def test_the_movement_of_an_adjustment_is_read_by_itself(shop: Storefront) -> None:
    sku = await shop.item(stock=5)
    asked = {"sku": sku, "site": "AUS", "quantity": -2, "reason": "damaged"}
    made = await shop.callers.post("/inventory/adjustments", asked, role="warehouse")
    shown = (await shop.callers.get(made.headers["location"], role="warehouse")).json()
    assert (shown["sku"], shown["quantity"], shown["reason"]) == (sku, 2, "damaged")
    assert shown["from_location_id"] == made.json()["location_id"]
    listed = await shop.callers.get(f"/inventory/movements?sku={sku}&limit=1")
    assert listed.json()["items"] == [shown]


@pytest.mark.parametrize(("role", "status"), [("admin", 404), ("customer", 403)])
async def test_a_movement_that_is_not_there_or_not_for_the_caller_is_refused(
    shop: Storefront, role: str, status: int
) -> None:
    who = shop.customer_id if role == "customer" else None
    path = f"/inventory/movements/{uuid4()}"
    answer = await shop.callers.get(path, role=role, customer_id=who)
    assert answer.status_code == status
