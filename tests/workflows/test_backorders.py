"""Orders that wait for stock: what there is leaves and is paid for, the rest stays open."""

from typing import Any

from domain.ids import OrderId
from tests.patience import eventually
from tests.shop import PRICE
from tests.workflows.asking import calling
from tests.workflows.money_stories import view
from tests.workflows.prepaid_stories import cancel_units
from tests.workflows.stage import Stage

MUG = PRICE * 108 // 100
SHIPPING = 500


async def _process(stage: Stage, order: OrderId) -> list[dict[str, Any]]:
    async with calling(stage) as callers:
        answer = await callers.get(f"/orders/{order}/process", role="support")
    waits: list[dict[str, Any]] = answer.json()["waiting_for"]
    return waits


async def test_what_is_there_leaves_and_is_paid_for_while_the_rest_waits(stage: Stage) -> None:
    mug = await stage.shop.backorderable(AUS=2)
    order = await stage.shop.place((mug, 5), waits=True)
    await stage.travel(await stage.shipment(order, "booked"), "delivered")

    async def arrived() -> bool:
        return (await view(stage, order))["fulfillment_status"] == "partially_delivered"

    await eventually(arrived)
    shown = await view(stage, order)
    assert (shown["status"], shown["backordered"]) == ("confirmed", 3)
    assert await stage.moved(order) == {
        "authorization": 5 * MUG + SHIPPING,
        "capture": 2 * MUG + SHIPPING,
    }
    assert await stage.shop.stock(mug) == (0, 0)

    await cancel_units(stage, order, 3)
    assert await stage.result(stage.run(order)) == "completed"
    assert (await stage.moved(order))["void"] == 3 * MUG
    assert await stage.shop.stock(mug) == (0, 0)


async def test_an_order_that_leaves_as_a_whole_has_no_pick_list_before_all_is_there(
    stage: Stage,
) -> None:
    mug = await stage.shop.backorderable(AUS=2)
    order = await stage.shop.place((mug, 3), waits=True, whole=True)
    await stage.order(order, "confirmed")
    assert await stage.shop.rows("SELECT id FROM shipments WHERE order_id = :id", id=order) == []
    assert await stage.shop.stock(mug) == (2, 2)
    await cancel_units(stage, order, 1)
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert (await stage.moved(order))["capture"] == 2 * MUG + SHIPPING


async def test_an_order_of_which_nothing_is_there_waits_and_says_for_what(stage: Stage) -> None:
    mug = await stage.shop.backorderable()
    order = await stage.shop.place((mug, 3), waits=True)
    await stage.order(order, "confirmed")
    [wait] = await _process(stage, order)
    assert (wait["who"], wait["what"]) == ("new stock", f"3 units of SKU-{mug}")
    await cancel_units(stage, order, 3)
    assert await stage.result(stage.run(order)) == "cancelled"
    assert await stage.shop.stock(mug) == (0, 0)
