"""Customers that buy on terms, their orders, and what is left of their credit."""

from typing import Any
from uuid import UUID

from domain.ids import CustomerId, OrderId
from domain.orders.receipts import PaymentMethod
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.refund_stories import delivered
from tests.workflows.return_stories import ask_back, found, inspect, receive
from tests.workflows.stage import Stage

MUG = 2700
POSTAGE = 500
TOTAL = MUG + POSTAGE


async def buyer(stage: Stage, limit: int, days: int = 30) -> CustomerId:
    """Add a company with a credit limit in USD."""
    return await stage.shop.buyer(limit, days)


async def on_terms(stage: Stage, customer: CustomerId, units: int = 1) -> OrderId:
    """Place an order on terms for so many units of a new item, and wait for its run."""
    order = await stage.shop.on_terms(customer, units)
    await eventually(lambda: stage.exists(stage.run(order)))
    return order


async def held(stage: Stage, order: OrderId) -> dict[str, Any]:
    """Wait until an order is on hold for want of credit, and return the hold."""

    async def holds() -> list[dict[str, Any]]:
        rows = await stage.shop.rows(
            "SELECT id, note FROM holds WHERE document_id = :id AND reason = 'credit_limit'"
            " AND released_at IS NULL",
            id=order,
        )
        return [dict(each) for each in rows]

    [hold] = await eventually(holds)
    only: dict[str, Any] = hold
    return only


async def credit(stage: Stage, customer: CustomerId) -> dict[str, Any]:
    """Return what finance is shown of a customer's credit: its sums, and who owes what."""
    async with calling(stage) as callers:
        shown = (await callers.get(f"/customers/{customer}/credit", role="finance")).json()
    return {
        "exposure": shown["exposure"]["amount"],
        "open": shown["open_credit"]["amount"],
        "orders": {each["id"]: each["owes"]["amount"] for each in shown["orders"]},
    }


async def grant(stage: Stage, customer: CustomerId, limit: int, role: str = "finance") -> Any:
    body = {"credit_limit": {"amount": limit, "currency": "USD"}}
    async with calling(stage) as callers:
        return await callers.ask("PATCH", f"/customers/{customer}", role=role, json=body)


async def let_pass(stage: Stage, order: OrderId, hold: UUID, role: str, note: str = "") -> Any:
    path = f"/orders/{order}/holds/{hold}/release"
    async with calling(stage) as callers:
        return await callers.post(path, {"note": note}, role=role)


async def delivered_on_terms(
    stage: Stage, customer: CustomerId, units: int = 1
) -> tuple[OrderId, Any]:
    """Deliver an order on terms; returns it with its line."""
    return await delivered(
        stage, units, token=None, method=PaymentMethod.NET_TERMS, customer_id=customer
    )


async def give_back(stage: Stage, order: OrderId, line: Any) -> None:
    """Have one unit come back and accept it; what it is worth is settled then."""
    back = await ask_back(stage, order, line)
    await receive(stage, back, 1)
    await inspect(stage, back, found(back))

    async def settled() -> bool:
        query = "SELECT resolution IS NOT NULL FROM returns WHERE id = :id"
        return bool(await stage.shop.one(query, id=UUID(back["id"])))

    await eventually(settled)
