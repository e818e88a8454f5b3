"""Orders on terms: confirmed within the customer's credit, sent before they are paid."""

import asyncio
from datetime import timedelta

from domain.orders.requests import HELD_FOR
from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.money_stories import told, view
from tests.workflows.prepaid_stories import cancel_units
from tests.workflows.stage import Stage
from tests.workflows.terms_stories import (
    MUG,
    POSTAGE,
    TOTAL,
    buyer,
    credit,
    grant,
    held,
    let_pass,
    on_terms,
)
from tests.workflows.transfer_stories import paid_in, payment_of, receive

K = TaskKind


async def test_goods_on_terms_leave_unpaid_and_are_paid_after_the_end(stage: Stage) -> None:
    """Orders R6, payments R13: no entry until paid; two receipts; the credit is free again."""
    customer = await buyer(stage, TOTAL, days=30)
    order = await on_terms(stage, customer)
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    shown = await view(stage, order)
    assert (shown["payment_status"], shown["terms_days"]) == ("on_terms", 30)
    row = await stage.order(order, "completed")
    assert shown["due_on"] == str((row["confirmed_at"] + timedelta(days=30)).date())
    assert (await payment_of(stage, order))["entries"] == []
    owing = {"exposure": TOTAL, "open": 0, "orders": {str(order): TOTAL}}
    assert await credit(stage, customer) == owing
    await paid_in(stage, order, 1200, "TX-1")
    assert (await view(stage, order))["payment_status"] == "partially_captured"
    assert (await credit(stage, customer))["open"] == 1200
    await paid_in(stage, order, TOTAL - 1200, "TX-2")
    assert (await view(stage, order))["payment_status"] == "captured"
    assert await credit(stage, customer) == {"exposure": 0, "open": TOTAL, "orders": {}}
    assert (await receive(stage, order, 100, "TX-3", currency="EUR")).status_code == 422
    await paid_in(stage, order, 300, "TX-4")
    assert "3.00 USD" in (await stage.task(K.OVERPAID, order))["question"]


async def test_terms_are_for_customers_who_have_them_and_finance_gives_them(stage: Stage) -> None:
    """Customers R3: refused by name of the field, with what is allowed."""
    customer = await buyer(stage, TOTAL)
    body = {
        "customer_id": str(stage.shop.customer_id),
        "lines": [{"item_id": str(await stage.shop.item(AUS=1)), "quantity": 1}],
        "ship_to": (await view(stage, await on_terms(stage, customer)))["ship_to"],
        "payment": {"method": "net_terms"},
    }
    async with calling(stage) as callers:
        refused = await callers.post("/orders", body, role="support")
        assert (refused.status_code, refused.json()["code"]) == (422, "malformed")
        assert refused.json()["errors"] == [
            {"pointer": "/payment/method", "message": "must be card or bank_transfer"}
        ]
        other = {**body, "customer_id": str(customer), "currency": "EUR"}
        refused = await callers.post("/orders", other, role="support")
        assert refused.json()["errors"][0]["pointer"] == "/currency"
        assert "must be USD" in refused.json()["errors"][0]["message"]
        limit = {"credit_limit": {"amount": 1, "currency": "USD"}, "terms_days": 30}
        made = await callers.post("/customers", {"name": "Odd", **limit}, role="support")
        assert made.status_code == 403
        made = await callers.post("/customers", {"name": "Even", **limit}, role="admin")
        assert made.json()["credit_limit"] == limit["credit_limit"]
        path = f"/customers/{customer}"
        own = await callers.get(path, role="customer", customer_id=customer)
        assert (own.json()["credit_limit"], own.json()["terms_days"]) == (None, None)
        hidden = await callers.get(f"{path}/credit", role="customer", customer_id=customer)
        assert hidden.status_code == 403
        euros = {"credit_limit": {"amount": TOTAL, "currency": "EUR"}}
        settled = await callers.ask("PATCH", path, role="finance", json=euros)
        assert (settled.status_code, settled.json()["code"]) == (409, "illegal_move")
    assert (await grant(stage, customer, 1, role="support")).status_code == 403


async def test_what_exceeds_the_credit_is_held_until_a_receipt_frees_it(stage: Stage) -> None:
    """Customers R3: the numbers in the hold and in the process; oldest first, by what fits."""
    customer = await buyer(stage, 2 * TOTAL)
    first = await on_terms(stage, customer)
    await stage.shipment(first, "booked")
    large = await on_terms(stage, customer, units=2)
    note = (await held(stage, large))["note"]
    for number in ("59.00 USD", "32.00 USD", "64.00 USD"):
        assert number in note
    async with calling(stage) as callers:
        process = await callers.get(f"/orders/{large}/process", role="finance")
        assert note in process.json()["waiting_for"][0]["what"]
        own = await callers.get(f"/orders/{large}/process", role="customer", customer_id=customer)
        assert note not in own.text
    # What fits is not kept waiting by what does not; when both would fit, the older one goes.
    small = await on_terms(stage, customer)
    await stage.shipment(small, "booked")
    later = await on_terms(stage, customer)
    assert "32.00 USD" in (await held(stage, later))["note"]
    await paid_in(stage, first, TOTAL, "TX-1")
    await stage.shipment(later, "booked")
    await held(stage, large)
    await paid_in(stage, small, TOTAL, "TX-2")
    await paid_in(stage, later, TOTAL, "TX-3")
    await stage.shipment(large, "booked")
    assert (await told(stage, large)).count("hold_placed") == 1


async def test_credit_that_is_free_belongs_to_the_oldest_order_that_it_suffices_for(
    stage: Stage,
) -> None:
    """Customers R3: a newer order does not overtake one that waits for the same credit."""
    customer = await buyer(stage, 0)
    first = await on_terms(stage, customer)
    await held(stage, first)
    second = await on_terms(stage, customer)
    await held(stage, second)
    await grant(stage, customer, TOTAL)
    await stage.shipment(first, "booked")
    assert (await credit(stage, customer))["orders"] == {str(first): TOTAL}
    await stage.order(second, "pending")
    await stage.cancel(first)
    await stage.shipment(second, "booked")


async def test_two_orders_at_once_do_not_both_get_the_last_credit(stage: Stage) -> None:
    """Customers 6: exactly as many are confirmed as the limit covers."""
    customer = await buyer(stage, 2 * TOTAL)
    orders = await asyncio.gather(*(on_terms(stage, customer) for _ in range(5)))

    async def decided() -> bool:
        undecided = await stage.shop.one(
            "SELECT count(*) FROM orders o WHERE customer_id = :id AND status = 'pending'"
            " AND NOT EXISTS (SELECT FROM holds h WHERE h.document_id = o.id)",
            id=customer,
        )
        return not undecided

    await eventually(decided)
    shown = await credit(stage, customer)
    assert (shown["exposure"], len(shown["orders"])) == (2 * TOTAL, 2)
    assert {str(each) for each in orders} > shown["orders"].keys()


async def test_finance_lets_an_order_pass_with_a_reason_and_nobody_else_does(
    stage: Stage,
) -> None:
    """Customers R3: then the order is confirmed above the limit, and the next one is held."""
    customer = await buyer(stage, 100)
    order = await on_terms(stage, customer)
    hold = (await held(stage, order))["id"]
    assert (await let_pass(stage, order, hold, "support", "a good customer")).status_code == 403
    silent = await let_pass(stage, order, hold, "finance")
    assert (silent.status_code, silent.json()["errors"][0]["pointer"]) == (422, "/note")
    assert (await let_pass(stage, order, hold, "finance", "agreed by phone")).status_code == 200
    await stage.shipment(order, "booked")
    assert await credit(stage, customer) == {
        "exposure": TOTAL,
        "open": 0,
        "orders": {str(order): TOTAL},
    }
    await held(stage, await on_terms(stage, customer))


async def test_an_order_that_nobody_lets_pass_ends_after_thirty_days(stage: Stage) -> None:
    customer = await buyer(stage, 100)
    order = await on_terms(stage, customer)
    await held(stage, order)
    await stage.pass_time(stage.run(order), HELD_FOR + timedelta(minutes=1))
    assert await stage.result(stage.run(order)) == "cancelled"
    assert (await stage.order(order, "cancelled"))["cancel_reason"] == "payment_expired"


async def test_cancelled_units_are_owed_no_more_and_what_is_over_goes_back(stage: Stage) -> None:
    """Orders R9: unpaid nothing moves; of a paid part only what is more than still owed."""
    customer = await buyer(stage, 3 * MUG + POSTAGE)
    order = await on_terms(stage, customer, units=3)
    await stage.shipment(order, "booked")
    waiting = await on_terms(stage, customer)
    await held(stage, waiting)
    await paid_in(stage, order, MUG, "TX-1")
    await cancel_units(stage, order, 1)
    await stage.shipment(waiting, "booked")
    assert (await credit(stage, customer))["orders"][str(order)] == MUG + POSTAGE
    assert not await stage.shop.one("SELECT count(*) FROM refunds WHERE order_id = :id", id=order)
    await stage.shipment(order, "booked")
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"
    refund = await stage.refund(order, "approved")
    assert (await stage.task(K.PAY_OUT, refund))["facts"]["amount"]["amount"] == MUG
    assert str(order) not in (await credit(stage, customer))["orders"]
