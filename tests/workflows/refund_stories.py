"""Stories of delivered orders whose money is asked to go back."""

from typing import Any

from domain.ids import OrderId
from domain.policy import Policy
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.stage import Stage

LIMIT = Policy().refund_limit["USD"]


async def delivered(stage: Stage, units: int = 1, **how: Any) -> tuple[OrderId, Any]:
    """Deliver an order of one line; returns it with the line."""
    mug = await stage.shop.item(AUS=units)
    order = await stage.shop.place((mug, units), **how)
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "delivered")
    await stage.order(order, "completed")
    async with calling(stage) as callers:
        [line] = (await callers.get(f"/orders/{order}")).json()["lines"]
    return order, line


async def ask(stage: Stage, role: str = "support", *, status: int = 201, **body: Any) -> Any:
    async with calling(stage) as callers:
        answer = await callers.post("/refunds", {"reason": "asked", **body}, role=role)
    assert answer.status_code == status, answer.text
    return answer.json()


async def is_now(stage: Stage, refund: Any, status: str) -> Any:
    """Wait until a refund is in this state, and return it."""

    async def there() -> Any:
        async with calling(stage) as callers:
            found = (await callers.get(f"/refunds/{refund['id']}", role="finance")).json()
        return found if found["status"] == status else None

    return await eventually(there)


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


async def dear(stage: Stage) -> tuple[OrderId, int]:
    """Deliver an order above the limit; returns it with the money that was taken."""
    order, _ = await delivered(stage, 40)
    taken = await stage.captured(order)
    assert taken > LIMIT + 100
    return order, taken
