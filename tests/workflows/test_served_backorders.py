"""Orders that waited for stock are served when it comes, in the order in which they came."""

from domain.tasks import TaskKind
from tests.patience import eventually
from tests.shop import PRICE
from tests.workflows.money_stories import view
from tests.workflows.stage import Stage
from tests.workflows.waiting_stories import arrive, lacks, waiting

MUG = PRICE * 108 // 100
SHIPPING = 500


async def test_what_waited_leaves_and_is_paid_for_when_it_comes(stage: Stage) -> None:
    mug = await stage.shop.backorderable(AUS=2)
    [order] = await waiting(stage, mug, 5)
    first = await stage.shipment(order, "booked")
    await stage.travel(first, "delivered")
    assert await stage.shipment(order, "delivered") == first
    await arrive(stage, mug, 3)
    await lacks(stage, order, 0)
    second = await stage.shipment(order, "booked")
    await stage.travel(second, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.moved(order) == {
        "authorization": 5 * MUG + SHIPPING,
        "capture": 5 * MUG + SHIPPING,
    }
    assert await stage.shop.stock(mug) == (0, 0)
    [told] = await stage.shop.rows(
        "SELECT data FROM events WHERE subject_id = :id AND type = 'order.stock_reserved.v1'"
        " ORDER BY sequence DESC LIMIT 1",
        id=order,
    )
    assert [part["quantity"] for part in told["data"]["plan"]] == [3]
    assert told["data"]["backordered"] == 0


async def test_the_first_order_takes_what_there_is_and_the_next_one_the_rest(
    stage: Stage,
) -> None:
    mug = await stage.shop.backorderable()
    first, second, third = await waiting(stage, mug, 3, 3, 1)
    await arrive(stage, mug, 4)
    await lacks(stage, second, 2)
    assert [(await view(stage, one))["backordered"] for one in (first, third)] == [0, 1]
    await arrive(stage, mug, 9, "RNO")
    await lacks(stage, third, 0)
    assert (await view(stage, second))["backordered"] == 0
    assert await stage.shop.stock(mug) == (13, 7)


async def test_what_a_cancelled_order_gives_back_goes_to_who_waits(stage: Stage) -> None:
    mug = await stage.shop.backorderable(AUS=2)
    holder = await stage.shop.place((mug, 2), token=None)
    [order] = await waiting(stage, mug, 2)
    await stage.cancel(holder)
    await lacks(stage, order, 0)
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"


async def test_an_order_on_hold_is_passed_over_until_it_is_released(stage: Stage) -> None:
    mug = await stage.shop.backorderable()
    held, behind = await waiting(stage, mug, 2, 1)
    hold = await stage.hold(held)
    await arrive(stage, mug, 2)
    await lacks(stage, behind, 0)
    assert (await view(stage, held))["backordered"] == 2
    await stage.release(held, hold)
    await lacks(stage, held, 1)


async def test_an_order_that_leaves_as_a_whole_leaves_when_the_last_unit_is_there(
    stage: Stage,
) -> None:
    mug = await stage.shop.backorderable(AUS=1)
    order = await stage.shop.place((mug, 3), waits=True, whole=True)
    await stage.order(order, "confirmed")
    await arrive(stage, mug, 1)
    await lacks(stage, order, 1)
    assert await stage.shop.rows("SELECT id FROM shipments WHERE order_id = :id", id=order) == []
    await arrive(stage, mug, 1)
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    assert await stage.result(stage.run(order)) == "completed"


async def test_what_comes_joins_a_pick_list_that_has_no_label_yet(stage: Stage) -> None:
    mug = await stage.shop.backorderable(AUS=1)
    order = await stage.shop.place((mug, 3), waits=True, postal_code="00000")
    refused = await stage.shipment(order, "pending")
    await stage.task(TaskKind.BOOKING_REFUSED, refused)
    await arrive(stage, mug, 2)
    await lacks(stage, order, 0)

    async def joined() -> bool:
        [parts] = await stage.shop.rows(
            "SELECT sum(l.quantity)::int AS units, count(DISTINCT s.id) AS lists"
            " FROM shipments s JOIN shipment_lines l ON l.shipment_id = s.id"
            " WHERE s.order_id = :id AND s.status = 'pending'",
            id=order,
        )
        return parts == {"units": 3, "lists": 1}

    await eventually(joined)
    assert await stage.shipment(order, "cancelled") == refused
