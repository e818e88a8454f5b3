"""Orders that may wait for stock: what is reserved, what is backordered, and how that is shown."""

from tests.api.orders.conftest import problem
from tests.storefront import Storefront

WAITS = {"shortage_policy": "backorder"}


async def test_an_order_that_may_wait_is_served_as_far_as_stock_goes(shop: Storefront) -> None:
    mug, cap = await shop.item(stock=3, backorderable=True), await shop.item(stock=9)
    made = await shop.place({mug: 5, cap: 2}, **WAITS)
    assert made.status_code == 201, made.text
    order = made.json()
    assert [line["backordered"] for line in order["lines"]] == [2, 0]
    assert (order["backordered"], order["shortage_policy"]) == (2, "backorder")
    shown = await shop.callers.get(made.headers["location"])
    assert shown.content == made.content
    assert (await shop.reserved(mug), await shop.reserved(cap)) == (3, 2)
    told = await shop.rows(
        "SELECT type, data FROM events WHERE subject_id = :id ORDER BY sequence", id=order["id"]
    )
    assert [event["type"] for event in told] == [
        "order.placed.v1",
        "order.stock_reserved.v1",
        "order.backordered.v1",
    ]
    line = {"line_id": order["lines"][0]["id"], "sku": mug, "units": 2}
    assert told[-1]["data"] == {"lines": [line]}
    await shop.assert_sound()


async def test_an_order_may_wait_for_all_of_it(shop: Storefront) -> None:
    mug = await shop.item(stock=0, backorderable=True)
    order = await shop.placed({mug: 5}, **WAITS)
    assert order["backordered"] == 5
    [event] = await shop.rows(
        "SELECT type FROM events WHERE subject_id = :id AND sequence > 1", id=order["id"]
    )
    assert event["type"] == "order.backordered.v1"
    await shop.assert_sound()


async def test_two_lines_of_one_item_are_one_demand_and_the_first_is_served_first(
    shop: Storefront,
) -> None:
    mug = await shop.item(stock=6, backorderable=True)
    lines = [{"sku": mug, "quantity": 5}, {"sku": mug, "quantity": 5}]
    order = await shop.placed({}, lines=lines, **WAITS)
    assert [line["backordered"] for line in order["lines"]] == [0, 4]
    assert await shop.reserved(mug) == 6
    await shop.assert_sound()


async def test_who_does_not_say_so_does_not_wait(shop: Storefront) -> None:
    mug = await shop.item(stock=3, backorderable=True)
    before = await shop.counts()
    refused = problem(await shop.place({mug: 5}), 409, "out_of_stock")
    assert refused["shortages"] == [{"sku": mug, "requested": 5, "available": 3}]
    assert await shop.counts() == before


async def test_an_item_that_is_not_backorderable_refuses_the_whole_order(shop: Storefront) -> None:
    mug, cap = await shop.item(stock=3, backorderable=True), await shop.item(stock=1)
    before = await shop.counts()
    refused = problem(await shop.place({mug: 5, cap: 2}, **WAITS), 409, "out_of_stock")
    assert refused["shortages"] == [{"sku": cap, "requested": 2, "available": 1}]
    assert await shop.counts() == before


async def test_orders_are_found_by_whether_they_wait_for_stock(shop: Storefront) -> None:
    customer = await shop.customer()
    mug = await shop.item(stock=3, backorderable=True)
    served = await shop.placed({mug: 3}, customer_id=customer, **WAITS)
    waits = await shop.placed({mug: 1}, customer_id=customer, **WAITS)
    for backordered, order in (("true", waits), ("false", served)):
        found = await shop.callers.get(f"/orders?customer_id={customer}&backordered={backordered}")
        assert [one["id"] for one in found.json()["items"]] == [order["id"]]
        assert found.json()["items"][0]["backordered"] == order["backordered"]


async def test_an_item_may_be_made_backorderable_later(shop: Storefront) -> None:
    mug = await shop.item(stock=0)
    [item] = (await shop.callers.get(f"/items?sku={mug}")).json()["items"]
    assert item["backorderable"] is False
    problem(await shop.place({mug: 1}, **WAITS), 409, "out_of_stock")
    changed = await shop.callers.ask("PATCH", f"/items/{item['id']}", json={"backorderable": True})
    assert changed.json()["backorderable"] is True
    assert (await shop.placed({mug: 1}, **WAITS))["backordered"] == 1


async def test_backordered_units_are_cancelled_first_and_give_no_stock_back(
    shop: Storefront,
) -> None:
    mug = await shop.item(stock=3, backorderable=True)
    order = await shop.placed({mug: 5}, **WAITS)

    async def cancel(units: int) -> dict[str, int]:
        line = {"order_line_id": order["lines"][0]["id"], "quantity": units}
        answer = await shop.callers.post(f"/orders/{order['id']}/cancel", {"lines": [line]})
        assert answer.status_code == 200, answer.text
        [found] = answer.json()["lines"]
        return {name: found[name] for name in ("cancelled", "backordered")}

    assert await cancel(1) == {"cancelled": 1, "backordered": 1}
    assert await shop.reserved(mug) == 3
    assert await cancel(2) == {"cancelled": 3, "backordered": 0}
    assert await shop.reserved(mug) == 2
    await shop.assert_sound()
    assert (await shop.callers.get("/orders?backordered=true&sku=" + mug)).json()["items"] == []
