"""Stories of orders whose money the provider moves by itself, and what people see of it."""

from typing import Any

from domain.ids import ItemId, OrderId, ShipmentId
from domain.shipments.booking import AnswerDetails
from domain.tasks import TaskKind
from tests.patience import eventually
from tests.shop import address
from tests.workflows.arising import from_the_counter
from tests.workflows.asking import calling
from tests.workflows.stage import Stage

K = TaskKind


async def left(stage: Stage, *sites: str) -> tuple[OrderId, list[ShipmentId], int]:
    """Let the first parcel of an order leave; returns the money taken for it, too."""
    stock = dict.fromkeys(sites or ("AUS",), 1)
    mug = await stage.shop.item(**stock)
    order = await stage.shop.place((mug, len(stock)))
    shipments = await stage.shipments(order, "booked", len(stock))
    await stage.travel(shipments[0], "in_transit")
    return order, shipments, await stage.captured(order)


async def lost(stage: Stage, order: OrderId, shipment: ShipmentId, choice: str = "refund") -> None:
    await stage.travel(shipment, "lost")
    await stage.decide(K.PARCEL_LOST, shipment, choice)
    await stage.result(stage.tracking(shipment))


async def until(stage: Stage, order: OrderId, **amounts: int) -> None:
    """Wait until the books hold these amounts of an order's money."""

    async def there() -> bool:
        found = (await stage.paid(order)).model_dump()
        return {name: found[name] for name in amounts} == amounts

    await eventually(there)


async def told(stage: Stage, order: OrderId) -> list[str]:
    """Return the kinds of an order's events, oldest first."""
    rows = await stage.shop.rows(
        "SELECT type FROM events WHERE subject_id = :id ORDER BY sequence", id=order
    )
    return [row["type"].split(".")[1] for row in rows]


async def view(stage: Stage, order: OrderId) -> Any:
    async with calling(stage) as callers:
        return (await callers.get(f"/orders/{order}")).json()


async def half_gone(stage: Stage, *goods: tuple[ItemId, int]) -> tuple[OrderId, ShipmentId, int]:
    """Let one of two parcels leave while the carrier refuses a label for the other one.

    Two mugs, unless other ``goods`` are told that leave from both sites. Returns the one that left,
    and the money that was taken for it.
    """
    goods = goods or ((await stage.shop.item(AUS=1, RNO=1), 2),)
    order = await stage.shop.place(*goods, postal_code="00000")
    first, _ = await stage.shipments(order, "pending", 2)
    details = await from_the_counter(stage)
    await stage.decide(K.BOOKING_REFUSED, first, "own_label", details)
    await stage.shipment(order, "booked")
    await stage.travel(first, "in_transit")
    return order, first, await stage.captured(order)


async def the_rest_gets_an_address(stage: Stage, order: OrderId) -> None:
    pending = await stage.shipment(order, "pending")
    there = AnswerDetails(address=address("89501"))
    await stage.decide(K.BOOKING_REFUSED, pending, "change_address", there)


async def held_for(stage: Stage, order: OrderId, reason: str) -> Any:
    shown = await view(stage, order)
    return shown if [hold["reason"] for hold in shown["holds"]] == [reason] else None


async def paid_with_two_cards(stage: Stage, *goods: tuple[ItemId, int]) -> tuple[OrderId, int, int]:
    """Deliver an order of which each half is paid with a card of its own.

    Returns it with its total, and the part of that which the first card has paid.
    """
    order, first, taken = await half_gone(stage, *goods)
    total = (await stage.order(order, "confirmed"))["total_amount"]
    await stage.by_itself(order, "expire")
    await eventually(lambda: held_for(stage, order, "awaiting_payment"))
    await the_rest_gets_an_address(stage, order)
    await stage.pay(order, "tok_ok")
    for shipment in (first, await stage.shipment(order, "booked")):
        await stage.travel(shipment, "delivered")
    await stage.order(order, "completed")
    return order, total, taken
