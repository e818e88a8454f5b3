"""Stories of delivered orders that consumers withdraw from."""

from typing import Any
from uuid import UUID, uuid4

from domain.ids import OrderId
from tests.shop import HOME, address
from tests.workflows.asking import calling
from tests.workflows.refund_stories import usd
from tests.workflows.stage import Stage


async def bought(
    stage: Stage, *, price: int = 1_000, tax_rate: str = "0.21", units: int = 1, **how: Any
) -> tuple[OrderId, Any]:
    """Sell and deliver units of something new at this price; returns the order with its line."""
    async with calling(stage) as callers:
        made = await callers.post(
            "/items",
            {
                "sku": f"TENT-{uuid4().hex[:8]}",
                "name": "Tent",
                "weight_grams": 400,
                "tax_rate": tax_rate,
                "prices": [usd(price)],
            },
        )
        assert made.status_code == 201, made.text
        item = made.json()["id"]
        shelf = {"item_id": item, "location_id": str(stage.shop.shelves["AUS"])}
        stocked = await callers.post(
            "/inventory/adjustments", {**shelf, "quantity": units, "reason": "found"}
        )
        assert stocked.is_success, stocked.text
        order = {
            "customer_id": str(stage.shop.customer_id),
            "lines": [{"item_id": item, "quantity": units}],
            "ship_to": address(HOME).model_dump(mode="json"),
            "payment": {"token": "tok_ok"},
            **how,
        }
        placed = await callers.post("/orders", order)
        assert placed.status_code == 201, placed.text
    order_id = OrderId(UUID(placed.json()["id"]))
    stage.shop.numbers[order_id] = placed.json()["number"]
    shipment = await stage.shipment(order_id, "booked")
    await stage.travel(shipment, "delivered")
    await stage.order(order_id, "completed")
    async with calling(stage) as callers:
        [line] = (await callers.get(f"/orders/{order_id}")).json()["lines"]
    return order_id, line


async def declare(
    stage: Stage, order: OrderId, *, status: int = 201, who: Any = None, **body: Any
) -> Any:
    """State that a consumer withdraws, in support's name or as ``who`` asks; returns the answer."""
    async with calling(stage) as callers:
        given = {"order_id": str(order), **body}
        answer = await callers.post("/withdrawals", given, **(who or {"role": "support"}))
    assert answer.status_code == status, answer.text
    return answer.json()


async def confirm(stage: Stage, withdrawal: Any, *, status: int = 200) -> Any:
    """Confirm what was declared; returns the answer."""
    async with calling(stage) as callers:
        path = f"/withdrawals/{withdrawal['id']}/confirm"
        answer = await callers.post(path, {}, role="support")
    assert answer.status_code == status, answer.text
    return answer.json()


async def acknowledged(stage: Stage, withdrawal: Any) -> str:
    """Return the acknowledgement as it can be fetched now."""
    async with calling(stage) as callers:
        answer = await callers.get(f"/withdrawals/{withdrawal['id']}/acknowledgement")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return answer.text


async def a_guest(stage: Stage) -> tuple[str, str]:
    """Return a customer with an e-mail address of its own, and that address."""
    email = f"guest-{uuid4().hex}@example.com"
    async with calling(stage) as callers:
        made = await callers.post("/customers", {"name": "Gwen Guest", "email": email})
    assert made.status_code == 201, made.text
    return str(made.json()["id"]), email


async def ask_for_link(stage: Stage, number: str, email: str) -> Any:
    """Ask for a link as a stranger does; returns the answer."""
    async with calling(stage) as callers:
        given = {"order_number": number, "email": email}
        answer = await callers.client.post("/guest/withdrawals/links", json=given)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def tokens_of(stage: Stage, order: OrderId, role: str = "support", **who: Any) -> list[str]:
    """Return the tokens of an order that are to be mailed, as the order's events tell a role."""
    async with calling(stage) as callers:
        answer = await callers.get(f"/orders/{order}/timeline?limit=100", role=role, **who)
    assert answer.status_code == 200, answer.text
    asked = [
        event
        for event in answer.json()["items"]
        if event["type"] == "order.withdrawal_link_requested.v1"
    ]
    return [event["data"].get("token", "") for event in asked]


async def as_guest(
    stage: Stage, method: str, part: str, token: str, *, body: Any = None, status: int = 200
) -> Any:
    """Ask by a link; returns the answer."""
    async with calling(stage) as callers:
        answer = await callers.client.request(
            method,
            f"/guest/withdrawals{part}",
            headers={"Withdrawal-Token": token},
            json=body,
        )
    assert answer.status_code == status, answer.text
    return answer
