"""Orders that wait for stock, and stock that comes."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import uuid4

from db.inventory.receiving import Arrival, receive_stock
from domain.ids import ItemId, OrderId
from tests.patience import eventually
from tests.workflows.money_stories import view
from tests.workflows.stage import Stage


async def arrive(stage: Stage, item: ItemId, units: int, site: str = "AUS") -> None:
    """Receive so many units from a supplier."""
    arrival = Arrival(f"receipt/{uuid4()}", item, stage.shop.shelves[site], Decimal(units))
    async with stage.books.begin() as db:
        await receive_stock(db, [arrival], actor="tests")


async def waiting(stage: Stage, item: ItemId, *units: int) -> Sequence[OrderId]:
    """Place orders for so many units each, and wait until they are confirmed."""
    orders = [await stage.shop.place((item, each), waits=True) for each in units]
    for order in orders:
        await stage.order(order, "confirmed")
    return orders


async def lacks(stage: Stage, order: OrderId, units: int) -> None:
    """Wait until an order lacks just so many units."""

    async def there() -> bool:
        return bool((await view(stage, order))["backordered"] == units)

    await eventually(there)
