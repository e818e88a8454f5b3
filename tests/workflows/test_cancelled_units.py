"""Units that are not wanted any more: before they leave they are not sent, and not paid for."""

from typing import Any

from domain.ids import OrderId
from domain.orders.status import CaptureOn
from tests.patience import eventually
from tests.shop import PRICE
from tests.workflows.money_stories import view
from tests.workflows.prepaid_stories import cancel_units, discounted
from tests.workflows.stage import Stage

MUG = PRICE * 108 // 100
SHIPPING = 500


async def _done(stage: Stage, order: OrderId, *cancelled: int) -> None:
    """Wait until so many units of each line are cancelled, and nothing more is to be."""

    async def there() -> bool:
        now = await view(stage, order)
        return not now["cancel_pending"] and cancelled == tuple(
            line["cancelled"] for line in now["lines"]
        )

    await eventually(there)


async def _events(stage: Stage, order: OrderId, what: str) -> list[dict[str, Any]]:
    rows = await stage.shop.rows(
        "SELECT data FROM events WHERE subject_id = :id AND type = :type ORDER BY id",
        id=order,
        type=f"order.{what}.v1",
    )
    return [row["data"] for row in rows]


async def test_what_is_left_of_a_discounted_order_is_paid_for_at_its_terms(stage: Stage) -> None:
    """RET-08: two of five are cancelled; 25.25 less 9.90 is taken, and the rest set free."""
    order = await discounted(stage, CaptureOn.SHIPMENT)
    await stage.shipment(order, "booked")
    await cancel_units(stage, order, 2)
    await _done(stage, order, 2)
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.moved(order) == {"authorization": 2525, "capture": 1535, "void": 990}
    assert (await view(stage, order))["payment_status"] == "captured"


async def test_an_order_is_cancelled_with_its_last_units_and_nothing_is_taken(
    stage: Stage,
) -> None:
    """RET-08: two of five are cancelled, then the other three."""
    order = await discounted(stage, CaptureOn.SHIPMENT)
    await stage.shipment(order, "booked")
    await cancel_units(stage, order, 2)
    await _done(stage, order, 2)
    await stage.shipment(order, "booked")
    assert (await cancel_units(stage, order, 3))["cancel_pending"] is True
    assert await stage.result(stage.run(order)) == "cancelled"
    row = await stage.order(order, "cancelled")
    assert row["cancel_reason"] == "customer_request"
    assert await stage.moved(order) == {"authorization": 2525, "void": 2525}
    assert True not in await stage.labels(order)


async def test_a_label_is_replaced_by_one_for_fewer_units(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=3)
    order = await stage.shop.place((mug, 3))
    before = await stage.shipment(order, "booked")
    assert (await cancel_units(stage, order, 1))["cancel_pending"] is True
    await _done(stage, order, 1)
    assert await stage.shipment(order, "voided") == before
    assert await stage.shop.stock(mug) == (3, 2)
    [told] = await _events(stage, order, "lines_cancelled")
    assert [line["units"] for line in told["lines"]] == [1]
    assert told["reason"] == "customer_request"

    again = await stage.shipment(order, "booked")
    await stage.travel(again, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    moved = await stage.moved(order)
    assert (moved["capture"], moved["void"]) == (2 * MUG + SHIPPING, MUG)
    assert await stage.shop.stock(mug) == (1, 0)
    assert sorted(await stage.labels(order)) == [False, True]


async def test_a_parcel_without_the_cancelled_units_keeps_its_label(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=2, RNO=1)
    order = await stage.shop.place((mug, 3))
    first, second = await stage.shipments(order, "booked", 2)
    await cancel_units(stage, order, 1)
    await _done(stage, order, 1)
    [kept] = await stage.shipments(order, "booked")
    assert kept == first
    assert await stage.shipment(order, "voided") == second
    assert sorted(await stage.labels(order)) == [False, True]


async def test_units_that_were_scanned_meanwhile_are_sent_and_paid_for(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=2)
    order = await stage.shop.place((mug, 2))
    shipment = await stage.shipment(order, "booked")
    await stage.carrier.fault("drop_webhooks", times=1)
    await stage.travel(shipment, "picked_up")
    await cancel_units(stage, order, 1)
    await _done(stage, order, 0)
    [late] = await _events(stage, order, "lines_not_cancelled")
    assert [line["units"] for line in late["lines"]] == [1]
    assert await _events(stage, order, "lines_cancelled") == []
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert (await stage.moved(order))["capture"] == 2 * MUG + SHIPPING


async def test_when_the_rest_is_cancelled_the_order_ends_with_what_has_left(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=2, RNO=1)
    order = await stage.shop.place((mug, 3))
    gone, _ = await stage.shipments(order, "booked", 2)
    await stage.travel(gone, "delivered")
    await stage.result(stage.tracking(gone))
    await cancel_units(stage, order, 1)
    assert await stage.result(stage.run(order)) == "completed"
    moved = await stage.moved(order)
    assert (moved["capture"], moved["void"]) == (2 * MUG + SHIPPING, MUG)
    assert await stage.shop.stock(mug) == (1, 0)


async def test_a_pick_list_on_hold_gets_shorter_and_then_its_label(stage: Stage) -> None:
    mug, cup = await stage.shop.item(AUS=2), await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 2), (cup, 1), token=None)
    hold = await stage.hold(order)
    await stage.pay(order, "tok_ok")
    await stage.waits(order, "succeeded")
    await cancel_units(stage, order, 1)
    await _done(stage, order, 1, 0)
    await stage.release(order, hold)
    shipment = await stage.shipment(order, "booked")
    units = await stage.shop.one(
        "SELECT sum(quantity)::int FROM shipment_lines WHERE shipment_id = :id", id=shipment
    )
    assert units == 2


async def test_a_confirmed_order_on_hold_gives_units_back(stage: Stage) -> None:
    await stage.carrier.fault("http_503", "book", times=100)
    mug = await stage.shop.item(AUS=3)
    order = await stage.shop.place((mug, 3))
    await stage.order(order, "confirmed")
    hold = await stage.hold(order)
    await stage.carrier.forget_faults()
    await cancel_units(stage, order, 2)
    await _done(stage, order, 2)
    assert await stage.shop.stock(mug) == (3, 1)
    assert True not in await stage.labels(order)
    await stage.release(order, hold)
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert (await stage.moved(order))["capture"] == MUG + SHIPPING


async def test_cancellations_of_units_one_after_the_other_are_all_done(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=4)
    order = await stage.shop.place((mug, 4))
    await stage.shipment(order, "booked")
    await stage.carrier.fault("slow", "void", delay_seconds=1)
    await cancel_units(stage, order, 1)
    await cancel_units(stage, order, 2)
    await _done(stage, order, 3)
    assert await stage.shop.stock(mug) == (4, 1)
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"


async def test_the_whole_order_may_be_cancelled_while_units_of_it_are(stage: Stage) -> None:
    mug = await stage.shop.item(AUS=2)
    order = await stage.shop.place((mug, 2))
    await stage.shipment(order, "booked")
    await stage.carrier.fault("slow", "void", delay_seconds=1)
    await cancel_units(stage, order, 1)
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"
    assert await stage.shop.stock(mug) == (2, 0)
    assert True not in await stage.labels(order)
