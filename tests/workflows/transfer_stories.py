"""Orders that are paid by bank transfer, and what comes of the money."""

from typing import Any

import httpx2

from domain.ids import OrderId
from domain.orders.receipts import PaymentMethod
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.stage import Stage


async def by_transfer(stage: Stage, **stock: int) -> OrderId:
    """Place an order for all units of a new item that waits for a bank transfer."""
    stock = stock or {"AUS": 1}
    mug = await stage.shop.item(**stock)
    method = PaymentMethod.BANK_TRANSFER
    order = await stage.shop.place((mug, sum(stock.values())), token=None, method=method)
    await eventually(lambda: stage.exists(stage.run(order)))
    return order


async def payment_of(stage: Stage, order: OrderId) -> dict[str, Any]:
    """Return the only payment of an order, as finance is shown it."""
    async with calling(stage) as callers:
        [payment] = (await callers.get(f"/payments?order_id={order}")).json()["items"]
    found: dict[str, Any] = payment
    return found


async def receive(
    stage: Stage, order: OrderId, amount: int, reference: str, **how: Any
) -> httpx2.Response:
    """Record that so much came."""
    body = {
        "amount": {"amount": amount, "currency": how.pop("currency", "USD")},
        "reference": reference,
        "received_on": how.pop("received_on", "2031-03-04"),
    }
    payment = (await payment_of(stage, order))["id"]
    async with calling(stage) as callers:
        return await callers.post(f"/payments/{payment}/receipts", body, role="finance")


async def paid_in(stage: Stage, order: OrderId, amount: int, reference: str) -> None:
    answer = await receive(stage, order, amount, reference)
    assert answer.status_code == 201, answer.text
