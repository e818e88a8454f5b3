"""Orders that wait longer than their money is reserved: renewed in time, or paid once more."""

from datetime import timedelta
from uuid import UUID

from domain.ids import OrderId
from domain.tasks import TaskKind
from tests.aging import age, sweep
from tests.patience import eventually
from tests.workflows.arising_money import ends_soon
from tests.workflows.asking import calling
from tests.workflows.money_stories import (
    half_gone,
    held_for,
    the_rest_gets_an_address,
    told,
    until,
    view,
)
from tests.workflows.stage import Stage
from tests.workflows.stories import finished, placed

A_WEEK = timedelta(days=6, hours=12)


async def waiting(stage: Stage, token: str = "tok_ok") -> tuple[OrderId, UUID, int]:
    """Let support stop a paid order before its label is bought."""
    await stage.carrier.fault("http_503", "book")
    order = await placed(stage, token)
    total = int((await stage.order(order, "confirmed"))["total_amount"])
    hold = await stage.hold(order)
    await stage.wait_says(stage.run(order), "Waiting for a person")
    return order, hold, total


async def test_an_order_on_hold_for_a_week_keeps_its_money_and_then_goes(stage: Stage) -> None:
    """Payments R4: the sweep has the run renew; the customer hears nothing, and pays once."""
    order, hold, total = await waiting(stage)
    await stage.pass_time(stage.run(order), A_WEEK)
    await age(stage, "payments", "authorization_expires_at", A_WEEK, order_id=order)
    await sweep(stage, "renewals")
    await until(stage, order, authorized=total, voided=total)
    assert (await view(stage, order))["payment_status"] == "authorized"
    async with calling(stage) as callers:
        found = (await callers.get(f"/payments?order_id={order}")).json()["items"]
    assert [each["authorized"]["amount"] for each in found] == [total, 0]
    assert [each["renews"] for each in found] == [found[1]["id"], None]
    await sweep(stage, "renewals")

    await stage.release(order, hold)
    await finished(stage, order)
    assert await stage.moved(order) == {
        "authorization": 2 * total,
        "void": total,
        "capture": total,
    }
    assert await stage.broken() == []


async def test_a_run_that_is_busy_at_the_carrier_renews_before_it_gets_a_label(
    stage: Stage,
) -> None:
    """The carrier is away for days: no sweep can have the run do anything else."""
    await stage.carrier.fault("http_503", "book", times=1000)
    order = await placed(stage)
    total = (await stage.order(order, "confirmed"))["total_amount"]
    await age(stage, "payments", "authorization_expires_at", A_WEEK, order_id=order)
    await until(stage, order, authorized=total, voided=total)
    assert await stage.labels(order) == []
    await stage.carrier.forget_faults()
    await finished(stage, order)
    assert await stage.broken() == []


async def test_the_rest_of_an_order_is_renewed_while_a_parcel_of_it_travels(stage: Stage) -> None:
    """Payments R4: what was taken stays with the first authorization, and is refunded from it."""
    order, first, taken = await half_gone(stage)
    total = (await stage.order(order, "confirmed"))["total_amount"]
    await age(stage, "payments", "authorization_expires_at", A_WEEK, order_id=order)
    await sweep(stage, "renewals")
    await until(stage, order, authorized=total - taken, voided=total - taken, captured=taken)
    await the_rest_gets_an_address(stage, order)
    second = await stage.shipment(order, "booked")
    for shipment in (first, second):
        await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    await until(stage, order, authorized=0, captured=total)
    assert await stage.broken() == []


async def test_a_declined_renewal_stops_the_order_until_the_customer_has_paid_again(
    stage: Stage,
) -> None:
    """Payments R4: while the money is there still; the other card pays, the first one is free."""
    order, hold, total = await waiting(stage, "tok_renewal_declined")
    await age(stage, "payments", "authorization_expires_at", A_WEEK, order_id=order)
    await sweep(stage, "renewals")
    task = await stage.task(TaskKind.RENEWAL_FAILED, order)
    assert "The bank declined the card" in task["question"]
    await stage.release(order, hold)
    await eventually(lambda: held_for(stage, order, "awaiting_payment"))
    await stage.wait_says(stage.run(order), "Waiting for a person")
    assert await stage.labels(order) == []

    async with calling(stage) as callers:
        answer = await callers.post(f"/orders/{order}/payments", {"token": "tok_ok"})
        assert answer.status_code == 201, answer.text
    await until(stage, order, authorized=total, voided=total)
    await finished(stage, order)
    assert "hold_released" in await told(stage, order)
    query = "SELECT status FROM tasks WHERE id = :id"
    assert await stage.shop.one(query, id=task["id"]) == "cancelled"
    assert (await stage.moved(order))["capture"] == total
    assert await stage.broken() == []


async def test_no_label_is_bought_while_the_provider_does_not_answer(stage: Stage) -> None:
    """A renewal of unknown outcome is asked for again, under its key, until it is known."""
    order, hold, total = await waiting(stage)
    await stage.payments.fault("timeout_after_success", "renew", delay_seconds=0.01)
    await stage.payments.fault("http_503", "find", times=1000)
    await age(stage, "payments", "authorization_expires_at", A_WEEK, order_id=order)
    await sweep(stage, "renewals")
    await eventually(lambda: asked_of_provider(stage, order))
    await stage.release(order, hold)
    assert await stage.labels(order) == []
    await stage.payments.forget_faults()
    await until(stage, order, authorized=total, voided=total)
    await finished(stage, order)
    assert await stage.moved(order) == {
        "authorization": 2 * total,
        "void": total,
        "capture": total,
    }
    assert await stage.broken() == []


async def asked_of_provider(stage: Stage, order: OrderId) -> bool:
    """Whether the provider was asked for a renewal and its answer is not in the books."""
    paid = await stage.paid(order)
    return paid.in_flight > 0


async def test_support_that_releases_the_hold_sends_the_goods_in_time(stage: Stage) -> None:
    """Half a day is left: enough to pack, and the answer of finance is needed no more."""
    asked = await ends_soon(stage)
    assert asked.order is not None
    shown = await eventually(lambda: held_for(stage, OrderId(asked.about), "awaiting_payment"))
    [hold] = shown["holds"]
    await stage.release(asked.order, UUID(hold["id"]))
    await finished(stage, asked.order)
    assert len(await stage.moved(asked.order)) == 2
    assert await stage.broken() == []
