"""How stories begin and end: orders that are placed, booked, finished or stopped."""

import contextlib

from temporalio.client import WorkflowFailureError

from domain.ids import OrderId, ShipmentId
from tests.patience import eventually
from tests.workflows.stage import Stage


async def placed(stage: Stage, token: str | None = "tok_ok", **stock: int) -> OrderId:
    stock = stock or {"AUS": 1}
    mug = await stage.shop.item(**stock)
    order = await stage.shop.place((mug, sum(stock.values())), token=token)
    await eventually(lambda: stage.exists(stage.run(order)))
    return order


async def booked(stage: Stage, token: str = "tok_ok") -> tuple[OrderId, ShipmentId]:
    order = await placed(stage, token)
    return order, await stage.shipment(order, "booked")


async def finished(stage: Stage, order: OrderId) -> OrderId:
    for shipment in await stage.shipments(order, "booked"):
        await stage.travel(shipment, "delivered")
    await stage.result(stage.run(order))
    return order


async def stopped(stage: Stage, order: OrderId) -> OrderId:
    await stage.run(order).cancel()
    with contextlib.suppress(WorkflowFailureError):
        await stage.result(stage.run(order))
    return order
