"""Orders that are paid when they are confirmed, and what is cancelled of them."""

from typing import Any

from domain.ids import OrderId
from domain.orders.status import CancelReason, CaptureOn
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.stage import Stage


async def prepaid(stage: Stage, token: str | None = "tok_ok", **stock: int) -> OrderId:
    """Place an order that is paid as a whole when it is confirmed, for all units of a new item."""
    stock = stock or {"AUS": 1}
    mug = await stage.shop.item(**stock)
    units = sum(stock.values())
    order = await stage.shop.place((mug, units), token=token, capture_on=CaptureOn.CONFIRMATION)
    await eventually(lambda: stage.exists(stage.run(order)))
    return order


async def discounted(
    stage: Stage, capture_on: CaptureOn = CaptureOn.CONFIRMATION, token: str | None = "tok_ok"
) -> OrderId:
    """Place 5 × 5.50 less 2.75 with shipping for 0.50, which is 25.25, and pay it with a card."""
    mug = await stage.shop.item(AUS=5)
    order = await stage.shop.place((mug, 5), token=None, capture_on=capture_on)
    await stage.shop.rows(
        "UPDATE order_lines SET unit_price_amount = 550, discount_amount = 275, tax_amount = 0,"
        " total_amount = 2475 WHERE order_id = :id RETURNING id",
        id=order,
    )
    await stage.shop.rows(
        "UPDATE orders SET subtotal_amount = 2750, discount_amount = 275, tax_amount = 0,"
        " shipping_amount = 50, shipping_tax_amount = 0, total_amount = 2525 WHERE id = :id"
        " RETURNING id",
        id=order,
    )
    if token is not None:
        await stage.pay(order, token)
    return order


async def cancel_units(stage: Stage, order: OrderId, *units: int) -> dict[str, Any]:
    """Cancel so many units of the order's first lines; return the order as it is answered."""
    found = await stage.shop.rows(
        "SELECT id FROM order_lines WHERE order_id = :id ORDER BY position", id=order
    )
    lines = [
        {"order_line_id": str(line["id"]), "quantity": quantity}
        for line, quantity in zip(found, units, strict=False)
    ]
    async with calling(stage) as callers:
        body = {"reason": CancelReason.CUSTOMER_REQUEST, "lines": lines}
        answer = await callers.post(f"/orders/{order}/cancel", body, role="support")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told
