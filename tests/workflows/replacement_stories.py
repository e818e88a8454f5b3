"""Stories of goods that come back to be replaced."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from db.idempotency import Answer
from db.inventory.receiving import Arrival, open_stock
from db.items import add_item
from domain.ids import ItemId, OrderId, ShipmentId, new_id
from domain.items import CreateItem
from domain.money import Money
from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.return_stories import ask_back, back_is, found, inspect, receive
from tests.workflows.stage import Stage

NOTHING = Money(amount=0, currency="USD")
PRICE = 4999


async def item_at(stage: Stage, price: int, sku: str = "") -> ItemId:
    """Add an item at this price (minor units) without tax, and without stock."""
    item_id = ItemId(new_id())
    item = CreateItem(
        sku=sku or f"SKU-{item_id}",
        name="Kettle",
        weight_grams=900,
        tax_rate=Decimal(0),
        prices=(Money(amount=price, currency="USD"),),
    )
    async with stage.books.begin() as db:
        await add_item(db, item_id, item)
    return item_id


async def arrives(stage: Stage, item: UUID, units: int = 1, at: str = "AUS") -> None:
    """Let units of an item arrive on the shelf of a site."""
    shelf = stage.shop.shelves[at]
    arrival = Arrival(f"arrives/{new_id()}", ItemId(item), shelf, Decimal(units))
    async with stage.books.begin() as db:
        await open_stock(db, [arrival], actor="tests")


async def bought(stage: Stage, *lines: tuple[ItemId, int]) -> tuple[OrderId, list[Any]]:
    """Deliver an order without shipping charges; returns it with its lines."""
    submission = stage.shop.submission(lines)
    order = submission.order.model_copy(update={"shipping": NOTHING})
    [answer] = await stage.shop.ask([replace(submission, order=order, may_set_prices=True)])
    assert isinstance(answer, Answer), answer
    order_id = OrderId(answer.resource_id)
    await stage.travel(await stage.shipment(order_id, "booked"), "delivered")
    await stage.order(order_id, "completed")
    return order_id, (await seen(stage, order_id))["lines"]


async def seen(stage: Stage, order: UUID, role: str = "support") -> Any:
    """Return an order as it is shown."""
    async with calling(stage) as callers:
        return (await callers.get(f"/orders/{order}", role=role)).json()


async def come_back(stage: Stage, units: int = 1, *, stock: int = 0) -> tuple[OrderId, Any, Any]:
    """Take units back for which the customer wants other ones, not yet inspected.

    Returns the order with its line, and the return; ``stock`` is there to replace them.
    """
    kettle = await item_at(stage, PRICE)
    await arrives(stage, kettle, units + stock)
    order, [line] = await bought(stage, (kettle, units))
    back = await ask_back(stage, order, line, units, "wrong_size", resolution_wanted="replacement")
    await receive(stage, back, units)
    return order, line, back


async def to_replace(stage: Stage, units: int = 1, *, stock: int = 0) -> tuple[OrderId, Any, Any]:
    """The same, accepted and scrapped."""
    order, line, back = await come_back(stage, units, stock=stock)
    await inspect(stage, back, found(back, units, "scrap"))
    return order, line, back


async def in_advance(
    stage: Stage, units: int = 1, *, stock: int | None = None, **how: Any
) -> tuple[OrderId, Any, Any]:
    """Agree on goods that come back and are replaced before that, where there is ``stock``.

    Returns the order with its line, and the return.
    """
    kettle = await item_at(stage, PRICE)
    await arrives(stage, kettle, units + (units if stock is None else stock))
    order, [line] = await bought(stage, (kettle, units))
    wanted = {"resolution_wanted": "replacement", "replacement_timing": "in_advance"}
    return order, line, await ask_back(stage, order, line, units, "wrong_size", **wanted, **how)


async def replacement_of(stage: Stage, back: Any) -> Any:
    """Return the order that replaces the goods of a return, as soon as it is there."""

    async def placed() -> Any:
        async with calling(stage) as callers:
            shown = (await callers.get(f"/returns/{back['id']}", role="support")).json()
        return shown["replacement_order"]

    order = await eventually(placed)
    stage.shop.numbers[UUID(order["id"])] = order["number"]
    return order


async def replacements(stage: Stage, back: Any) -> int:
    """Return how many orders replace the goods of a return."""
    query = "SELECT count(*)::int FROM orders WHERE replaces_return_id = :id"
    return int(await stage.shop.one(query, id=UUID(back["id"])))


async def is_sent(stage: Stage, order: Any, to: str = "in_transit") -> None:
    """Let the carrier take a replacement along."""
    shipment = await stage.shipment(OrderId(UUID(order["id"])), "booked")
    await stage.travel(shipment, to)


async def left(stage: Stage, order: Any) -> None:
    """Wait until all of a replacement has left."""
    query = "SELECT bool_and(shipped = quantity) FROM order_lines WHERE order_id = :id"
    await eventually(lambda: stage.shop.one(query, id=UUID(order["id"])))


async def lose(stage: Stage, placed: Any) -> ShipmentId:
    """Let the carrier lose a replacement; returns its shipment."""
    shipment = await stage.shipment(OrderId(UUID(placed["id"])), "booked")
    await stage.travel(shipment, "lost")
    await stage.task(TaskKind.REPLACEMENT_LOST, shipment)
    return shipment


async def lost(stage: Stage, *, stock: int = 1, units: int = 1) -> tuple[OrderId, Any, ShipmentId]:
    """Lose what was sent in the place of returned goods; of the closed return."""
    order, line, back = await to_replace(stage, units, stock=stock)
    shipment = await lose(stage, await replacement_of(stage, back))
    await back_is(stage, back, "closed")
    return order, {**back, "item": UUID(line["item_id"])}, shipment


async def next_of(stage: Stage, back: Any, before: Iterable[str]) -> Any:
    """Return the newest replacement, as soon as it is another one."""

    async def another() -> Any:
        placed = await replacement_of(stage, back)
        return placed if placed["id"] not in before else None

    return await eventually(another)


async def paid_back(stage: Stage, back: Any) -> Any:
    """Return a closed return once it has a refund; for `eventually`."""
    shown = await back_is(stage, back, "closed")
    return shown if shown["refunds"] else None
