"""Stories of money that finance takes, or lets go, by hand."""

from typing import Any
from uuid import UUID

import httpx2

from domain.ids import OrderId, ShipmentId
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.stage import Stage


async def booked(
    stage: Stage, units: int = 2, token: str = "tok_ok"
) -> tuple[OrderId, ShipmentId, int]:
    """Bring an order as far as its label; returns it with what it costs in all."""
    mug = await stage.shop.item(AUS=units)
    order = await stage.shop.place((mug, units), token=token)
    shipment = await stage.shipment(order, "booked")
    return order, shipment, (await stage.paid(order)).authorized


async def one_less(stage: Stage, order: OrderId, before: ShipmentId) -> ShipmentId:
    """Cancel one unit of a booked order; returns the shipment that takes the place of that."""
    await stage.shop.cancel_units(order, 1)

    async def anew() -> Any:
        query = "SELECT id FROM shipments WHERE order_id = :id AND status = 'booked'"
        found = [row["id"] for row in await stage.shop.rows(query, id=order)]
        return found[0] if found and found != [before] else None

    shipment = ShipmentId(await eventually(anew))
    assert await stage.shipment(order, "booked") == shipment
    return shipment


async def payment_of(stage: Stage, order: OrderId) -> UUID:
    """Return the newest payment of an order."""
    query = "SELECT id FROM payments WHERE order_id = :id ORDER BY created_at DESC LIMIT 1"
    return UUID(str(await stage.shop.one(query, id=order)))


async def ask(
    stage: Stage, order: OrderId, verb: str, amount: int | None = None, **rest: Any
) -> httpx2.Response:
    """Ask for a capture or a void by hand of an order's newest payment."""
    payment = rest.pop("payment", None) or await payment_of(stage, order)
    role, key = rest.pop("role", "finance"), rest.pop("key", None)
    currency = rest.pop("currency", "USD")
    body = {"reason": "as agreed by telephone", **rest}
    if amount is not None:
        body["amount"] = {"amount": amount, "currency": currency}
    async with calling(stage) as callers:
        return await callers.post(f"/payments/{payment}/{verb}", body, role=role, key=key)


async def taken(stage: Stage, order: OrderId, amount: int | None = None, **rest: Any) -> Any:
    """Have money captured by hand; returns the payment as the answer shows it."""
    answer = await ask(stage, order, "capture", amount, **rest)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def let_go(stage: Stage, order: OrderId, amount: int | None = None, **rest: Any) -> Any:
    """Have money voided by hand; returns the payment as the answer shows it."""
    answer = await ask(stage, order, "void", amount, **rest)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def settled(stage: Stage, order: OrderId) -> Any:
    """Wait until the provider has answered all that was asked of an order; its newest payment."""
    payment = await payment_of(stage, order)

    async def there() -> Any:
        async with calling(stage) as callers:
            seen = (await callers.get(f"/payments/{payment}", role="finance")).json()
        return seen if seen["in_flight"]["amount"] == 0 else None

    return await eventually(there)


def left_of(refused: httpx2.Response) -> int:
    """Return what remains, as a refusal says."""
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "amount_exceeded"), refused.text
    return int(problem["remaining"]["amount"])
