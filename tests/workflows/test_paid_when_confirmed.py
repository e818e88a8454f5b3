"""Orders that are paid when they are confirmed: taken once, and given back for what is not sent."""

from typing import Any

from domain.ids import OrderId
from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.money_stories import lost, told, until, view
from tests.workflows.prepaid_stories import cancel_units, discounted, prepaid
from tests.workflows.refund_stories import ask, is_now
from tests.workflows.stage import Stage

K = TaskKind
MUG = 2700
SHIPPING = 500


async def _booked_money(stage: Stage, order: OrderId) -> tuple[int, int]:
    """Return what is counted as captured on the lines of an order, and of its shipping."""
    [row] = await stage.shop.rows(
        "SELECT sum(l.captured_amount)::int AS goods, o.captured_shipping_amount AS shipping"
        " FROM orders o JOIN order_lines l ON l.order_id = o.id WHERE o.id = :id GROUP BY o.id",
        id=order,
    )
    return row["goods"], row["shipping"]


async def _captures(stage: Stage, order: OrderId) -> list[Any]:
    rows = await stage.shop.rows(
        "SELECT e.key, e.phase FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
        " WHERE p.order_id = :id AND e.kind = 'capture' ORDER BY e.id",
        id=order,
    )
    return [(row["key"], row["phase"]) for row in rows]


async def test_all_is_taken_once_when_the_order_is_confirmed(stage: Stage) -> None:
    """Payments R1 and R9: under the order's own key, for all lines and the postage."""
    order = await prepaid(stage, AUS=1, RNO=1)
    shipments = await stage.shipments(order, "booked", 2)
    assert await stage.moved(order) == {"authorization": 5900, "capture": 5900}
    assert await _captures(stage, order) == [
        (f"capture/{order}", "requested"),
        (f"capture/{order}", "succeeded"),
    ]
    assert await _booked_money(stage, order) == (2 * MUG, SHIPPING)
    shown = await view(stage, order)
    assert (shown["capture_on"], shown["payment_status"]) == ("confirmation", "captured")

    for shipment in shipments:
        await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.moved(order) == {"authorization": 5900, "capture": 5900}
    assert (await view(stage, order))["payment_status"] == "captured"


async def test_an_order_that_says_nothing_pays_for_what_leaves(stage: Stage) -> None:
    """Orders, section 1: `shipment` is the default, for orders of before, too."""
    order = await stage.shop.place((await stage.shop.item(AUS=1), 1))
    shipment = await stage.shipment(order, "booked")
    assert (await view(stage, order))["capture_on"] == "shipment"
    assert "capture" not in await stage.moved(order)
    await stage.travel(shipment, "in_transit")
    assert await stage.captured(order) == MUG + SHIPPING


async def test_cancelled_units_go_back_at_the_terms_of_the_order(stage: Stage) -> None:
    """RET-08: 9.90 for two of five, then 15.35 with the postage; the discount stays as it was."""
    order = await discounted(stage)
    await stage.shipment(order, "booked")
    assert await stage.moved(order) == {"authorization": 2525, "capture": 2525}

    await cancel_units(stage, order, 2)
    await until(stage, order, refunded=990)
    shown = await view(stage, order)
    assert shown["payment_status"] == "partially_refunded"
    assert await _refunds(stage, order) == [(990, 0, 2, "cancellation", "units_cancelled")]

    await stage.shipment(order, "booked")
    await cancel_units(stage, order, 3)
    assert await stage.result(stage.run(order)) == "cancelled"
    await until(stage, order, refunded=2525)
    assert (await _refunds(stage, order))[1:] == [(1535, 50, 3, "cancellation", "order_cancelled")]
    assert (await stage.moved(order))["refund"] == 2525
    assert (await view(stage, order))["payment_status"] == "refunded"


async def _refunds(stage: Stage, order: OrderId) -> list[tuple[Any, ...]]:
    """Return of each refund its amount, the postage and units in it, its source and reason."""
    rows = await stage.shop.rows(
        "SELECT r.amount, r.shipping_amount, coalesce(sum(l.units), 0)::int, r.source, r.reason"
        " FROM refunds r LEFT JOIN refund_lines l ON l.refund_id = r.id"
        " WHERE r.order_id = :id GROUP BY r.id ORDER BY r.id",
        id=order,
    )
    return [tuple(row.values()) for row in rows]


async def test_what_stays_of_a_discounted_order_is_returned_to_the_cent(stage: Stage) -> None:
    """RET-08 and payments R5: three of five are sent; with their refund all goods are paid back."""
    order = await discounted(stage)
    await stage.shipment(order, "booked")
    await cancel_units(stage, order, 2)
    await until(stage, order, refunded=990)
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    shown = await view(stage, order)
    assert shown["payment_status"] == "partially_refunded"
    async with calling(stage) as callers:
        line = shown["lines"][0]["id"]
        body = {"order_id": str(order), "reason": "all broken"}
        asked = {**body, "lines": [{"order_line_id": line, "units": 4}]}
        assert (await callers.post("/refunds", asked, role="support")).status_code == 409
        asked = {**body, "lines": [{"order_line_id": line, "units": 3}]}
        answer = await callers.post("/refunds", asked, role="support")
    assert answer.status_code == 201, answer.text
    assert answer.json()["amount"]["amount"] == 1485
    await until(stage, order, refunded=2475)


async def test_a_whole_cancellation_gives_everything_back_by_one_command(stage: Stage) -> None:
    """Orders R9: captures are refunded by PaymentRefund, and nothing stays reserved."""
    order = await prepaid(stage)
    await stage.shipment(order, "booked")
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"
    await until(stage, order, refunded=MUG + SHIPPING)
    assert await _refunds(stage, order) == [
        (MUG + SHIPPING, SHIPPING, 1, "cancellation", "order_cancelled")
    ]
    assert await stage.moved(order) == {
        "authorization": MUG + SHIPPING,
        "capture": MUG + SHIPPING,
        "refund": MUG + SHIPPING,
    }


async def test_a_lost_parcel_is_given_back_from_what_was_taken_at_once(stage: Stage) -> None:
    order = await prepaid(stage)
    await lost(stage, order, await stage.shipment(order, "booked"))
    await until(stage, order, refunded=MUG + SHIPPING)
    assert await stage.result(stage.run(order)) == "completed"
    assert (await view(stage, order))["payment_status"] == "refunded"


async def test_a_unit_that_went_back_before_its_parcel_got_lost_is_not_paid_for_twice(
    stage: Stage,
) -> None:
    order = await prepaid(stage, AUS=3)
    shipment = await stage.shipment(order, "booked")
    [line] = (await view(stage, order))["lines"]
    unit = [{"order_line_id": line["id"], "units": 1}]
    early = await ask(stage, order_id=str(order), lines=unit)
    await is_now(stage, early, "succeeded")
    await lost(stage, order, shipment)
    await until(stage, order, refunded=3 * MUG + SHIPPING, refunding=0)
    assert await stage.result(stage.run(order)) == "completed"
    assert (await stage.moved(order))["refund"] == 3 * MUG + SHIPPING


async def test_nothing_gets_a_label_before_the_money_is_there(stage: Stage) -> None:
    """A definite no is finance's to settle: given up, the goods are sent all the same."""
    order = await prepaid(stage, "tok_capture_declined")
    first = await stage.task(K.CAPTURE_REFUSED, order)
    assert "refused to pay 32.00 USD" in first["question"]
    assert await stage.labels(order) == []
    await stage.decide(K.CAPTURE_REFUSED, order, "retry")
    again = await stage.asked_again(K.CAPTURE_REFUSED, order, first)
    assert await _captures(stage, order) == [
        (f"capture/{order}", "requested"),
        (f"capture/{order}", "failed"),
        (f"capture/{order}/{first['id']}", "requested"),
        (f"capture/{order}/{first['id']}", "failed"),
    ]
    assert await stage.labels(order) == []
    assert again["role"] == "finance"
    await stage.decide(K.CAPTURE_REFUSED, order, "write_off")
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    moved = await stage.moved(order)
    assert (moved.get("capture", 0), moved["void"]) == (0, MUG + SHIPPING)


async def test_a_lost_answer_is_asked_for_and_the_money_is_taken_once(stage: Stage) -> None:
    """Payments R9: the provider took the money, and nobody heard of it."""
    await stage.payments.fault("timeout_after_success", "capture", delay_seconds=0.01)
    order = await prepaid(stage)
    await stage.shipment(order, "booked")
    assert await stage.moved(order) == {
        "authorization": MUG + SHIPPING,
        "capture": MUG + SHIPPING,
    }
    assert len(await _captures(stage, order)) == 2


async def test_money_that_the_provider_takes_back_is_asked_for_once_more(stage: Stage) -> None:
    order = await prepaid(stage)
    await stage.shipment(order, "booked")
    await stage.fails_late(order, "capture")
    await stage.task(K.CAPTURE_REFUSED, order)
    assert await _booked_money(stage, order) == (0, 0)
    await stage.decide(K.CAPTURE_REFUSED, order, "retry")
    await until(stage, order, captured=MUG + SHIPPING)
    assert await _booked_money(stage, order) == (MUG, SHIPPING)


async def test_less_than_was_asked_for_is_booked_as_finance_says(stage: Stage) -> None:
    """Payments R14: nothing gets a label until finance has said which amount stands."""
    await stage.payments.fault("wrong_amount", "capture", amount=3000)
    order = await prepaid(stage)
    await stage.task(K.PAYMENT_MISMATCH, order)
    assert await stage.labels(order) == []
    await stage.decide(K.PAYMENT_MISMATCH, order, "theirs")
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert sum(await _booked_money(stage, order)) == 3000


async def test_units_cancelled_before_the_payment_are_not_paid_for(stage: Stage) -> None:
    order = await prepaid(stage, None, AUS=3)
    await cancel_units(stage, order, 1)
    await stage.pay(order, "tok_ok")
    await stage.shipment(order, "booked")
    await until(stage, order, captured=2 * MUG + SHIPPING)
    assert await _refunds(stage, order) == []
    await stage.cancel(order)
    await until(stage, order, refunded=2 * MUG + SHIPPING)


async def test_units_cancelled_while_finance_is_asked_are_not_asked_for_again(
    stage: Stage,
) -> None:
    order = await prepaid(stage, "tok_capture_declined", AUS=2)
    await stage.task(K.CAPTURE_REFUSED, order)
    await cancel_units(stage, order, 1)

    async def shorter() -> bool:
        return (await view(stage, order))["lines"][0]["cancelled"] == 1

    await eventually(shorter)
    await stage.decide(K.CAPTURE_REFUSED, order, "retry")
    asked = await eventually(lambda: _amounts(stage, order, 2))
    assert asked == [2 * MUG + SHIPPING, MUG + SHIPPING]
    assert await _refunds(stage, order) == []


async def _amounts(stage: Stage, order: OrderId, many: int) -> list[int] | None:
    """Return what was asked for, once the provider was asked so often."""
    rows = await stage.shop.rows(
        "SELECT e.amount FROM payment_entries e JOIN payments p ON p.id = e.payment_id"
        " WHERE p.order_id = :id AND e.kind = 'capture' AND e.phase = 'failed' ORDER BY e.id",
        id=order,
    )
    return [row["amount"] for row in rows] if len(rows) == many else None


async def test_finance_may_cancel_what_cannot_be_paid_for(stage: Stage) -> None:
    order = await prepaid(stage, "tok_capture_declined")
    await stage.decide(K.CAPTURE_REFUSED, order, "cancel")
    assert await stage.result(stage.run(order)) == "cancelled"
    assert (await stage.order(order, "cancelled"))["cancel_reason"] == "payment_failed"
    assert "payment_captured" not in await told(stage, order)
    moved = await stage.moved(order)
    assert (moved.get("capture", 0), moved["void"]) == (0, MUG + SHIPPING)
