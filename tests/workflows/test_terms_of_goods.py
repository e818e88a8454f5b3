"""Goods on terms that come back, get lost, or are not paid in time: what is still owed for them."""

from domain.tasks import TaskKind
from tests.aging import DAYS, age, sweep
from tests.workflows.asking import calling
from tests.workflows.money_stories import told, until, view
from tests.workflows.return_stories import comes_back
from tests.workflows.stage import Stage
from tests.workflows.terms_stories import (
    MUG,
    POSTAGE,
    TOTAL,
    buyer,
    credit,
    delivered_on_terms,
    give_back,
    held,
    on_terms,
)
from tests.workflows.transfer_stories import paid_in

K = TaskKind


async def test_goods_that_come_back_unpaid_are_owed_no_more_and_paid_ones_are_refunded(
    stage: Stage,
) -> None:
    """Customers R3, payments R6: money that never came is not given back."""
    customer = await buyer(stage, 2 * MUG + POSTAGE)
    order, line = await delivered_on_terms(stage, customer, units=2)
    await comes_back(stage, order, line, 1, "changed_mind")
    shown = await view(stage, order)
    assert (shown["credited"]["amount"], shown["payment_status"]) == (MUG, "on_terms")
    assert (await credit(stage, customer))["open"] == MUG
    assert not await stage.shop.one("SELECT count(*) FROM refunds WHERE order_id = :id", id=order)
    await paid_in(stage, order, MUG + POSTAGE, "TX-1")
    assert (await view(stage, order))["payment_status"] == "captured"
    await give_back(stage, order, line)
    refund = await stage.refund(order, "approved")
    await stage.decide(K.PAY_OUT, refund, "paid")
    await until(stage, order, captured=MUG + POSTAGE, refunded=MUG)
    assert await credit(stage, customer) == {
        "exposure": 0,
        "open": 2 * MUG + POSTAGE,
        "orders": {},
    }


async def test_of_a_part_that_was_paid_goes_back_what_is_more_than_is_still_owed(
    stage: Stage,
) -> None:
    """Payments R6: 54.00 + 5.00 owed, 40.00 paid, 27.00 come back: 8.00 go back, not 27.00."""
    customer = await buyer(stage, 2 * MUG + POSTAGE)
    order, line = await delivered_on_terms(stage, customer, units=2)
    await paid_in(stage, order, 4000, "TX-1")
    await give_back(stage, order, line)
    refund = await stage.refund(order, "approved")
    amount = (await stage.task(K.PAY_OUT, refund))["facts"]["amount"]["amount"]
    assert amount == 4000 - MUG - POSTAGE


async def test_a_lost_parcel_on_terms_is_owed_no_more(stage: Stage) -> None:
    """Orders R12: with its postage, once, though nothing was paid."""
    customer = await buyer(stage, TOTAL)
    order = await on_terms(stage, customer)
    shipment = await stage.shipment(order, "booked")
    waiting = await on_terms(stage, customer)
    await held(stage, waiting)
    await stage.travel(shipment, "lost")
    async with calling(stage) as callers:
        task = await stage.task(K.PARCEL_LOST, shipment)
        shown = (await callers.get(f"/tasks/{task['id']}", role="admin")).json()
    [moved] = [each["amount"] for each in shown["options"] if each["choice"] == "refund"]
    assert moved["amount"] == TOTAL
    await stage.decide(K.PARCEL_LOST, shipment, "refund")
    assert await stage.result(stage.run(order)) == "completed"
    assert (await view(stage, order))["credited"]["amount"] == TOTAL
    await stage.shipment(waiting, "booked")


async def test_a_customer_is_overdue_once_its_day_is_over(stage: Stage) -> None:
    customer = await buyer(stage, 2 * TOTAL, days=10)
    order, paid = await on_terms(stage, customer), await on_terms(stage, customer)
    for each in (order, paid):
        await stage.shipment(each, "booked")
    await paid_in(stage, paid, TOTAL, "TX-1")
    await sweep(stage)
    assert "payment_overdue" not in await told(stage, order)
    for each in (order, paid):
        await age(stage, "orders", "confirmed_at", 11 * DAYS, id=each)
    await sweep(stage)
    await sweep(stage)
    assert (await told(stage, order)).count("payment_overdue") == 1
    assert "payment_overdue" not in await told(stage, paid)
    async with calling(stage) as callers:
        shown = (await callers.get(f"/customers/{customer}/credit", role="finance")).json()
    assert [each["overdue"] for each in shown["orders"]] == [True]
