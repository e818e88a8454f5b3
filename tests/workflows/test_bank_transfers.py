"""Bank transfers: finance records what comes, and sends what goes back; no provider does."""

from datetime import timedelta

from domain.ids import OrderId
from domain.orders.receipts import TRANSFER_WINDOW
from domain.tasks import TaskKind
from tests.aging import DAYS, age, sweep
from tests.workflows.asking import calling
from tests.workflows.money_stories import told, until, view
from tests.workflows.prepaid_stories import cancel_units
from tests.workflows.stage import Stage
from tests.workflows.transfer_stories import by_transfer, paid_in, payment_of, receive
from tests.workflows.undelivered_stories import answer, is_here, opened_by

K = TaskKind
MUG = 2700
TOTAL = 3200


async def test_an_order_waits_for_its_transfer_and_shows_the_payment_from_the_start(
    stage: Stage,
) -> None:
    """Payments R13: seven days, and nothing is asked of a provider."""
    order = await by_transfer(stage)
    payment = await payment_of(stage, order)
    assert (payment["method"], payment["provider"]) == ("bank_transfer", "bank")
    assert (payment["amount"]["amount"], payment["entries"]) == (TOTAL, [])
    row = await stage.order(order, "pending")
    assert row["payment_due_at"] - row["placed_at"] == TRANSFER_WINDOW == timedelta(days=7)
    shown = await view(stage, order)
    assert (shown["payment_method"], shown["capture_on"]) == ("bank_transfer", "confirmation")
    assert (shown["payment_status"], await stage.entries(order)) == ("unpaid", [])


async def test_enough_confirms_the_order_and_less_does_not(stage: Stage) -> None:
    """Payments R13: two receipts, each recorded once, with reference and day."""
    order = await by_transfer(stage)
    await paid_in(stage, order, 2000, "TX-1")
    again = await receive(stage, order, 2000, "TX-1")
    assert again.status_code == 201
    assert again.json()["captured"]["amount"] == 2000
    assert (await view(stage, order))["payment_status"] == "partially_captured"
    await stage.order(order, "pending")
    await paid_in(stage, order, 1200, "TX-2")
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    payment = await payment_of(stage, order)
    done = [each for each in payment["entries"] if each["phase"] == "succeeded"]
    assert [(each["provider_reference"], each["received_on"]) for each in done] == [
        ("TX-1", "2031-03-04"),
        ("TX-2", "2031-03-04"),
    ]
    assert (await view(stage, order))["payment_status"] == "captured"
    assert (await told(stage, order)).count("payment_received") == 2


async def test_a_receipt_is_recorded_as_it_is_or_not_at_all(stage: Stage) -> None:
    """Payments R13: another amount or day under a known reference is not silently left out."""
    order = await by_transfer(stage)
    await paid_in(stage, order, 2000, "TX-1")
    assert (await receive(stage, order, 2001, "TX-1")).status_code == 409
    other_day = await receive(stage, order, 2000, "TX-1", received_on="2031-03-05")
    assert (other_day.status_code, other_day.json()["code"]) == (409, "already_exists")
    assert (await receive(stage, order, 0, "TX-2")).status_code == 422
    assert (await receive(stage, order, 100, "TX-3", currency="EUR")).status_code == 422
    of_card = await stage.shop.place((await stage.shop.item(AUS=1), 1))
    assert (await receive(stage, of_card, TOTAL, "TX-4")).status_code == 409
    async with calling(stage) as callers:
        card = await callers.post(f"/orders/{order}/payments", {"token": "tok_ok"})
    assert (card.status_code, card.json()["code"]) == (409, "illegal_move")
    assert (await stage.paid(order)).captured == 2000


async def test_more_than_is_owed_is_asked_about_and_sent_back_by_hand(stage: Stage) -> None:
    """Payments R13: a refund that no provider can make is finance's to send."""
    order = await by_transfer(stage)
    await paid_in(stage, order, TOTAL + 500, "TX-1")
    task = await stage.task(K.OVERPAID, order)
    assert "5.00 USD" in task["question"]
    await stage.shipment(order, "booked")
    await stage.decide(K.OVERPAID, order, "give_back")
    refund = await stage.refund(order, "approved")
    await stage.decide(K.PAY_OUT, refund, "paid")
    await until(stage, order, captured=TOTAL + 500, refunded=500)
    assert await stage.refund(order) == refund
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"


async def test_more_may_be_kept(stage: Stage) -> None:
    order = await by_transfer(stage)
    await paid_in(stage, order, TOTAL + 500, "TX-1")
    await stage.decide(K.OVERPAID, order, "keep")
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert (await view(stage, order))["payment_status"] == "overcaptured"


async def test_what_is_too_much_is_asked_anew_when_units_were_cancelled_meanwhile(
    stage: Stage,
) -> None:
    """Payments R13: nobody keeps, or gives back, another amount than was shown."""
    order = await by_transfer(stage, AUS=2)
    hold = await stage.hold(order)
    await paid_in(stage, order, 2 * MUG + 500 + 1000, "TX-1")
    first = await stage.task(K.OVERPAID, order)
    assert "10.00 USD" in first["question"]
    await cancel_units(stage, order, 1)
    await stage.release(order, hold)
    again = await stage.asked_again(K.OVERPAID, order, first)
    assert again["facts"]["amount"]["amount"] == MUG + 1000
    await stage.decide(K.OVERPAID, order, "give_back")
    assert await _to_send(stage, order) == MUG + 1000


async def test_no_more_is_given_back_than_finance_was_shown(stage: Stage) -> None:
    """The rest, of units that were cancelled meanwhile, is asked about when it is confirmed."""
    order = await by_transfer(stage, AUS=2)
    hold = await stage.hold(order)
    await paid_in(stage, order, 2 * MUG + 500 + 1000, "TX-1")
    await stage.task(K.OVERPAID, order)
    await cancel_units(stage, order, 1)
    await stage.decide(K.OVERPAID, order, "give_back")
    assert await _to_send(stage, order) == 1000
    await stage.release(order, hold)
    assert (await stage.task(K.OVERPAID, order))["facts"]["amount"]["amount"] == MUG


async def test_a_question_about_the_same_amount_stays_open(stage: Stage) -> None:
    order = await by_transfer(stage)
    hold = await stage.hold(order)
    await paid_in(stage, order, TOTAL + 500, "TX-1")
    first = await stage.task(K.OVERPAID, order)
    await stage.release(order, hold)
    await stage.shipment(order, "booked")
    assert (await stage.task(K.OVERPAID, order))["id"] == first["id"]


async def test_what_came_for_an_order_that_was_not_paid_in_time_goes_back(stage: Stage) -> None:
    """Orders R10: and so does what comes later still."""
    order = await by_transfer(stage)
    await paid_in(stage, order, 1000, "TX-1")
    await stage.pass_time(stage.run(order), TRANSFER_WINDOW + timedelta(minutes=1))
    assert await stage.result(stage.run(order)) == "cancelled"
    assert (await stage.order(order, "cancelled"))["cancel_reason"] == "payment_expired"
    first = await stage.refund(order, "approved")
    await stage.decide(K.PAY_OUT, first, "paid")
    await until(stage, order, refunded=1000)
    await paid_in(stage, order, 2200, "TX-2")
    assert await _to_send(stage, order) == 2200
    assert (await stage.order(order, "cancelled"))["confirmed_at"] is None


async def _to_send(stage: Stage, order: OrderId) -> int:
    """Return what finance is asked to send for the newest refund of an order."""
    task = await stage.task(K.PAY_OUT, await _newest(stage, order))
    amount: int = task["facts"]["amount"]["amount"]
    return amount


async def _newest(stage: Stage, order: OrderId) -> OrderId:
    newest: OrderId = await stage.shop.one(
        "SELECT id FROM refunds WHERE order_id = :id ORDER BY id DESC LIMIT 1", id=order
    )
    return newest


async def test_a_cancelled_order_gives_its_transfer_back_with_the_postage(stage: Stage) -> None:
    """RET-08 by bank transfer: units first, then the rest."""
    order = await by_transfer(stage, AUS=2)
    await paid_in(stage, order, 2 * MUG + 500, "TX-1")
    await stage.shipment(order, "booked")
    await cancel_units(stage, order, 1)
    await stage.decide(K.PAY_OUT, await stage.refund(order, "approved"), "paid")
    await until(stage, order, refunded=MUG)
    await stage.shipment(order, "booked")
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"
    assert await _to_send(stage, order) == MUG + 500
    await stage.decide(K.PAY_OUT, await _newest(stage, order), "paid")
    await until(stage, order, refunded=2 * MUG + 500)
    assert (await view(stage, order))["payment_status"] == "refunded"


async def test_what_was_given_in_another_way_is_not_sent_again_when_the_order_is_cancelled(
    stage: Stage,
) -> None:
    """RET-08, payments R13: one unit's money was handed over in cash; only the other's is sent."""
    order = await by_transfer(stage, AUS=2)
    await paid_in(stage, order, 2 * MUG + 500, "TX-1")
    await stage.shipment(order, "booked")
    await cancel_units(stage, order, 1)
    in_cash = await stage.refund(order, "approved")
    await stage.decide(K.PAY_OUT, in_cash, "given_otherwise")
    await stage.refund(order, "cancelled")
    await stage.shipment(order, "booked")
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"
    assert await _promised(stage, order) == [(MUG, "cancelled"), (MUG + 500, "approved")]


async def test_what_comes_after_a_cancelled_orders_money_was_given_in_another_way_goes_back_alone(
    stage: Stage,
) -> None:
    """Payments R13: 5.00 more come, and 5.00 are sent."""
    order = await by_transfer(stage)
    await paid_in(stage, order, TOTAL, "TX-1")
    await stage.shipment(order, "booked")
    await stage.cancel(order)
    await stage.decide(K.PAY_OUT, await stage.refund(order, "approved"), "given_otherwise")
    await stage.refund(order, "cancelled")
    await paid_in(stage, order, 500, "TX-2")
    assert await _promised(stage, order) == [(TOTAL, "cancelled"), (500, "approved")]


async def _promised(stage: Stage, order: OrderId) -> list[tuple[int, str]]:
    """Return the refunds of an order, the first one first: how much, and what became of it."""
    query = "SELECT amount, status FROM refunds WHERE order_id = :id ORDER BY id"
    return [(row["amount"], row["status"]) for row in await stage.shop.rows(query, id=order)]


async def test_a_customer_is_to_be_reminded_of_a_transfer_after_five_days(stage: Stage) -> None:
    order = await by_transfer(stage)
    await sweep(stage)
    assert "transfer_reminder" not in await told(stage, order)
    await age(stage, "orders", "payment_due_at", 5 * DAYS + DAYS / 24, id=order)
    await sweep(stage)
    await sweep(stage)
    assert (await told(stage, order)).count("transfer_reminder") == 1


async def test_a_transfer_for_a_parcel_that_comes_back_is_sent_back_by_hand(stage: Stage) -> None:
    """Payments R5: what was paid for all units at once pays for those that come back, too."""
    order = await by_transfer(stage, AUS=2)
    await paid_in(stage, order, 2 * MUG + 500, "TX-1")
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "returned")
    back = await opened_by(stage, shipment, order)
    await answer(stage, back, "refund_with_postage")
    await is_here(stage, back)
    await stage.decide(K.PAY_OUT, await stage.refund(order, "approved"), "paid")
    await until(stage, order, refunded=2 * MUG + 500)
    assert await stage.result(stage.run(order)) == "completed"
