"""Delivered orders of which every cent is given, discounts and the tax of shipping included."""

from typing import Any, NamedTuple

from sqlalchemy import text

from domain.ids import OrderId
from tests.workflows.asking import calling
from tests.workflows.stage import Stage


class Sold(NamedTuple):
    """A line as it is to be sold, in minor units; ``discount`` and ``tax`` of the whole line."""

    units: int
    price: int
    discount: int = 0
    tax: int = 0

    @property
    def total(self) -> int:
        return self.units * self.price - self.discount + self.tax


_LINE = text(
    """UPDATE order_lines SET unit_price_amount = :price, discount_amount = :discount,
        tax_amount = :tax, total_amount = :total WHERE order_id = :order AND position = :position"""
)
_ORDER = text(
    """UPDATE orders SET subtotal_amount = :subtotal, discount_amount = :discount,
        tax_amount = :tax, shipping_amount = :shipping, shipping_tax_amount = :shipping_tax,
        total_amount = :total WHERE id = :order"""
)


async def sold(
    stage: Stage, *lines: Sold, shipping: int = 0, shipping_tax: int = 0
) -> tuple[OrderId, list[Any]]:
    """Deliver an order with exactly these amounts; returns it with its lines.

    The amounts are written before it is paid, as a shop with discounts brings them.
    """
    items = [(await stage.shop.item(AUS=line.units), line.units) for line in lines]
    order = await stage.shop.place(*items, token=None)
    async with stage.books.begin() as db:
        for position, line in enumerate(lines):
            given = {**line._asdict(), "total": line.total, "order": order, "position": position}
            await db.execute(_LINE, given)
        goods = sum(line.total for line in lines)
        await db.execute(
            _ORDER,
            {
                "order": order,
                "subtotal": sum(line.units * line.price for line in lines),
                "discount": sum(line.discount for line in lines),
                "tax": sum(line.tax for line in lines),
                "shipping": shipping,
                "shipping_tax": shipping_tax,
                "total": goods + shipping + shipping_tax,
            },
        )
    await stage.pay(order, "tok_ok")
    await stage.travel(await stage.shipment(order, "booked"), "delivered")
    await stage.order(order, "completed")
    async with calling(stage) as callers:
        return order, (await callers.get(f"/orders/{order}")).json()["lines"]
