"""Lists of refunds: those of a shipment that got lost."""

from typing import Any
from uuid import uuid4

from tests.workflows.asking import calling
from tests.workflows.money_stories import left, lost
from tests.workflows.stage import Stage


async def listed(stage: Stage, query: str, **who: Any) -> list[Any]:
    async with calling(stage) as callers:
        answer = await callers.get(f"/refunds?{query}", **(who or {"role": "finance"}))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_the_refund_of_a_lost_shipment_is_found_by_that_shipment(stage: Stage) -> None:
    """Of two parcels of one order each has its own."""
    order, [first, second], _ = await left(stage, "AUS", "RNO")
    await lost(stage, order, first)
    await stage.refund(order)
    [found] = await listed(stage, f"shipment_id={first}")
    assert (found["shipment_id"], found["source"]) == (str(first), "shipment")
    assert await listed(stage, f"shipment_id={second}") == []
    assert await listed(stage, f"shipment_id={uuid4()}") == []
    mine = {"role": "customer", "customer_id": stage.shop.customer_id}
    assert [each["id"] for each in await listed(stage, f"shipment_id={first}", **mine)] == [
        found["id"]
    ]
    async with calling(stage) as callers:
        made = (await callers.post("/customers", {"name": "Grace Hopper"})).json()
    other = {"role": "customer", "customer_id": made["id"]}
    assert await listed(stage, f"shipment_id={first}", **other) == []
    await stage.travel(second, "delivered")
    await stage.order(order, "completed")
