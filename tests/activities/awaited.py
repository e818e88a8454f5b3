"""Orders that wait for stock, and stock that comes for them."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from db.inventory.receiving import Arrival, receive_stock
from domain.ids import ItemId, OrderId, SiteId
from tests.activities.bench import Bench
from tests.shop import Shop


async def waiting(bench: Bench, item: ItemId, units: int, **how: Any) -> OrderId:
    """Place an order that may wait, and confirm it."""
    order = await bench.shop.place((item, units), waits=True, **how)
    await bench.take("authorize_payment", order)
    return order


async def receive(shop: Shop, item: ItemId, units: int, site: str = "AUS") -> None:
    """Receive so many units from a supplier."""
    arrival = Arrival(f"receipt/{uuid4()}", item, shop.shelves[site], Decimal(units))
    async with shop.books.begin() as db:
        await receive_stock(db, [arrival], actor="tests")


async def arrived(bench: Bench) -> SiteId:
    """Have stock come for an order that waits; return the site that is to serve it."""
    mug = await bench.shop.backorderable(AUS=1)
    await waiting(bench, mug, 3)
    await receive(bench.shop, mug, 1)
    return bench.shop.sites["AUS"]


async def lacking(shop: Shop, order_id: UUID) -> int:
    """Return how many units of an order wait for stock."""
    query = """SELECT coalesce(sum(l.quantity - l.cancelled - l.shipped - coalesce((
            SELECT sum(r.quantity) FROM reservations r
            WHERE r.line_id = l.id AND r.status = 'active'), 0)), 0)::int
        FROM order_lines l WHERE l.order_id = :id"""
    return int(await shop.one(query, id=order_id))
