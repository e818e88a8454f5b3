"""Authorizations that end before the goods leave: no label is bought, and another card may pay."""

from tests.aging import DAYS, age
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.money_stories import (
    half_gone,
    held_for,
    lost,
    the_rest_gets_an_address,
    told,
    until,
    view,
)
from tests.workflows.stage import Stage


async def test_no_label_is_bought_for_money_that_is_no_longer_reserved(stage: Stage) -> None:
    """T08: another card pays for the order, and then it goes."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=None)
    hold = await stage.hold(order)
    await stage.pay(order, "tok_ok")
    await stage.waits(order, "succeeded")
    await stage.by_itself(order, "expire")
    await until(stage, order, authorized=0)
    await stage.release(order, hold)
    shown = await eventually(lambda: held_for(stage, order, "awaiting_payment"))
    assert shown["payment_status"] == "unpaid"
    assert "payment_reversed" in await told(stage, order)
    assert await stage.labels(order) == []
    assert await stage.broken() == []

    async with calling(stage) as callers:
        answer = await callers.post(f"/orders/{order}/payments", {"token": "tok_ok"})
        assert answer.status_code == 201, answer.text
    shipment = await stage.shipment(order, "booked")
    assert (await view(stage, order))["on_hold"] is False
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.broken() == []


async def test_the_rest_of_an_order_waits_when_its_authorization_ends_in_between(
    stage: Stage,
) -> None:
    """T08: only what is still to be taken is asked of the other card; both cards pay their part."""
    order, first, taken = await half_gone(stage)
    total = (await stage.order(order, "confirmed"))["total_amount"]
    await stage.by_itself(order, "expire")
    await eventually(lambda: held_for(stage, order, "awaiting_payment"))
    await the_rest_gets_an_address(stage, order)
    await stage.wait_says(stage.run(order), "Waiting for a person")
    await stage.pay(order, "tok_ok")
    await until(stage, order, authorized=total - taken)
    second = await stage.shipment(order, "booked")
    await stage.travel(second, "in_transit")
    await until(stage, order, captured=total, authorized=0)
    await lost(stage, order, first)
    await stage.travel(second, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    refunded = await stage.shop.rows(
        "SELECT payment_id FROM payment_entries WHERE shipment_id = :id"
        " UNION SELECT payment_id FROM refunds WHERE shipment_id = :id",
        id=first,
    )
    assert len(refunded) == 1
    assert await stage.broken() == []


async def test_a_clock_that_nobody_announces_stops_the_label_too(stage: Stage) -> None:
    """T08: `expires_at` is kept with the payment, and looked at before a label is bought."""
    mug = await stage.shop.item(AUS=1)
    await stage.carrier.fault("http_503", "book", times=100)
    order = await stage.shop.place((mug, 1))
    await stage.order(order, "confirmed")
    await age(stage, "payments", "authorization_expires_at", 8 * DAYS, order_id=order)
    # Forgotten before, a label could be sold by who had looked at the money just in time.
    await eventually(lambda: held_for(stage, order, "awaiting_payment"))
    await stage.carrier.forget_faults()
    assert await stage.labels(order) == []
    await stage.pay(order, "tok_ok")
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.broken() == []
