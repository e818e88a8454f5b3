"""Payments that the customer has to confirm at the bank (3-D Secure), though word may get lost."""

import asyncio
from datetime import timedelta

import pytest

from domain.errors import IllegalMove
from domain.ids import OrderId
from domain.policy import Policy
from tests.aging import DAYS, age
from tests.patience import eventually
from tests.workflows.money_stories import held_for, view
from tests.workflows.stage import WINDOW, Stage

SOONEST = Policy().payment_window
"""Before this no order ends for want of money; each waits a part longer, at most ``WINDOW``."""

ASKS = "tok_action_required"


async def _delivered(stage: Stage, order: OrderId) -> None:
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.broken() == []


async def test_an_order_goes_on_when_its_customer_confirms_the_payment(stage: Stage) -> None:
    order = await stage.shop.place((await stage.shop.item(AUS=1), 1), token=ASKS)
    page = await stage.page(order)
    assert (await view(stage, order))["payment_status"] == "action_required"
    with pytest.raises(IllegalMove):
        await stage.pay(order, "tok_ok")
    assert await stage.answer(page, "confirm") == 200
    await _delivered(stage, order)
    forgotten = "SELECT redirect_url IS NULL FROM payments WHERE order_id = :id"
    assert await stage.shop.one(forgotten, id=order)


async def test_a_confirmation_of_which_word_is_lost_is_found_by_asking(stage: Stage) -> None:
    order = await stage.shop.place((await stage.shop.item(AUS=1), 1), token=ASKS)
    page = await stage.page(order)
    await stage.payments.fault("drop_webhooks")
    assert await stage.answer(page, "confirm") == 200
    await stage.pass_time(stage.run(order), timedelta(minutes=2))
    await stage.order(order, "confirmed")
    await _delivered(stage, order)


async def test_a_confirmation_at_the_last_moment_counts_though_word_of_it_is_lost(
    stage: Stage,
) -> None:
    order = await stage.shop.place((await stage.shop.item(AUS=1), 1), token=ASKS)
    page = await stage.page(order)
    await stage.pass_time(stage.run(order), SOONEST - timedelta(minutes=2))
    assert (await stage.order(order, "pending"))["cancel_requested_at"] is None
    await stage.payments.fault("drop_webhooks")
    assert await stage.answer(page, "confirm") == 200
    await stage.pass_time(stage.run(order), WINDOW - SOONEST + timedelta(minutes=2))
    await stage.order(order, "confirmed")
    await _delivered(stage, order)


async def test_a_customer_who_fails_to_confirm_may_pay_with_another_card(stage: Stage) -> None:
    order = await stage.shop.place((await stage.shop.item(AUS=1), 1), token=ASKS)
    assert await stage.answer(await stage.page(order), "fail") == 200
    await stage.waits(order, "failed")
    shown = await view(stage, order)
    assert (shown["status"], shown["payment_status"]) == ("pending", "failed")
    await stage.pay(order, "tok_ok")
    await _delivered(stage, order)


async def test_a_failure_of_which_word_is_lost_leaves_room_for_another_card(stage: Stage) -> None:
    order = await stage.shop.place((await stage.shop.item(AUS=1), 1), token=ASKS)
    page = await stage.page(order)
    await stage.payments.fault("drop_webhooks")
    assert await stage.answer(page, "fail") == 200
    await stage.pass_time(stage.run(order), timedelta(minutes=2))
    await stage.waits(order, "failed")
    await stage.pay(order, "tok_ok")
    await _delivered(stage, order)


async def test_what_is_not_confirmed_in_time_can_be_confirmed_no_more(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=ASKS)
    page = await stage.page(order)
    await stage.pass_time(stage.run(order), WINDOW)
    assert await stage.result(stage.run(order)) == "cancelled"
    assert (await stage.order(order, "cancelled"))["cancel_reason"] == "payment_expired"
    assert await stage.shop.stock(mug) == (1, 0)
    assert await stage.answer(page, "confirm") == 409
    assert (await stage.moved(order))["authorization"] == 0
    assert await stage.broken() == []


async def _answered_while_it_is_dropped(stage: Stage, answer: str) -> OrderId:
    """Cancel an order, and let its customer answer while the reservation is being dropped."""
    order = await stage.shop.place((await stage.shop.item(AUS=1), 1), token=ASKS)
    page = await stage.page(order)
    await stage.payments.fault("slow", "void", delay_seconds=2)
    cancelling = asyncio.create_task(stage.cancel(order))

    async def is_dropping() -> bool:
        return (await stage.payments.ask("GET", "/sandbox/faults"))["data"] == []

    await eventually(is_dropping)
    assert await stage.answer(page, answer) == 200
    await cancelling
    assert await stage.result(stage.run(order)) == "cancelled"
    return order


async def test_a_confirmation_that_overtakes_the_end_of_its_order_is_given_back(
    stage: Stage,
) -> None:
    order = await _answered_while_it_is_dropped(stage, "confirm")

    async def given_back() -> bool:
        moved = await stage.moved(order)
        return moved.get("void", 0) == moved["authorization"] > 0

    await eventually(given_back)
    assert await stage.broken() == []


async def test_a_failure_that_overtakes_the_end_of_its_order_asks_nobody(stage: Stage) -> None:
    order = await _answered_while_it_is_dropped(stage, "fail")
    tasks = "SELECT count(*)::int FROM tasks WHERE document_id = :id"
    assert await stage.shop.one(tasks, id=order) == 0
    assert await stage.broken() == []


async def test_who_pays_again_has_the_confirmation_found_by_asking_too(stage: Stage) -> None:
    await stage.carrier.fault("http_503", "book", times=100)
    order = await stage.shop.place((await stage.shop.item(AUS=1), 1))
    await stage.order(order, "confirmed")
    await age(stage, "payments", "authorization_expires_at", 8 * DAYS, order_id=order)
    # Forgotten before, a label could be sold by who had looked at the money just in time.
    await eventually(lambda: held_for(stage, order, "awaiting_payment"))
    await stage.carrier.forget_faults()
    await stage.pay(order, ASKS)
    page = await stage.page(order)
    await stage.payments.fault("drop_webhooks")
    assert await stage.answer(page, "confirm") == 200
    await stage.pass_time(stage.run(order), timedelta(minutes=2))
    await _delivered(stage, order)
