"""Serial units in the tests: stocked, picked, looked up."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from activities.inventory.accepting import accept_adjustment
from activities.shipments.picking import pick_shipment
from db.items import add_item
from domain.access import EVERYTHING, Reach
from domain.adjustments import AdjustmentReason, AdjustStock
from domain.ids import ItemId, OrderId, ShipmentId, new_id
from domain.items import CreateItem, Tracking
from domain.money import Money
from domain.shipments.picking import PickedUnits, PickShipment
from tests.activities.bench import Bench
from tests.shop import PRICE, Shop


def serials(count: int) -> list[str]:
    """Return serials that nothing else has."""
    return [f"SN-{uuid4().hex[:10]}" for _ in range(count)]


async def stock_saws(
    shop: Shop, *named: str, site: str = "AUS", item: ItemId | None = None
) -> ItemId:
    """Put units with these serials, if any, into stock of a new item that is tracked by serial."""
    if item is None:
        item = ItemId(new_id())
        price = Money(amount=PRICE, currency="USD")
        saw = CreateItem(sku=f"SAW-{item}", name="Saw", tracking=Tracking.SERIAL, prices=(price,))
        async with shop.books.begin() as db:
            await add_item(db, item, saw)
    if named:
        await adjust(shop, item, named, site=site)
    return item


async def adjust(
    shop: Shop, item: ItemId, named: tuple[str, ...], *, site: str = "AUS", sign: int = 1
) -> None:
    """Count units in, or (``sign`` -1) out."""
    asked = AdjustStock(
        item_id=item,
        site=site,
        quantity=Decimal(sign * len(named)),
        reason=AdjustmentReason.FOUND if sign > 0 else AdjustmentReason.LOST,
        serials=named,
    )
    async with shop.books.begin() as db:
        await accept_adjustment(db, new_id(), asked, actor="tests")


async def remove(shop: Shop, serial: str, reach: Reach = EVERYTHING) -> None:
    """Count a unit out, wherever it lies."""
    row = await unit(shop, serial)
    asked = AdjustStock(
        item_id=row["item_id"],
        location_id=row["location_id"],
        quantity=Decimal(-1),
        reason=AdjustmentReason.LOST,
        serials=(serial,),
    )
    async with shop.books.begin() as db:
        await accept_adjustment(db, new_id(), asked, actor="tests", reach=reach)


async def lines_of(shop: Shop, shipment: UUID) -> list[UUID]:
    """Return a shipment's lines."""
    query = "SELECT id FROM shipment_lines WHERE shipment_id = :id ORDER BY id"
    return [row["id"] for row in await shop.rows(query, id=shipment)]


async def pick(shop: Shop, shipment: UUID, *named: str, line: UUID | None = None) -> None:
    """Scan units for a line of a shipment, its first one if none is named."""
    line = line or (await lines_of(shop, shipment))[0]
    asked = PickShipment(lines=(PickedUnits(line_id=line, serials=named),))
    async with shop.books.begin() as db:
        await pick_shipment(db, shipment, asked, actor="picker")


async def unit(shop: Shop, serial: str) -> Mapping[str, Any]:
    """Return the row of a unit."""
    [row] = await shop.rows("SELECT * FROM units WHERE serial = :serial", serial=serial)
    return row


async def history(shop: Shop, serial: str) -> list[str]:
    """Return what happened to a unit, oldest first."""
    rows = await shop.rows(
        "SELECT e.kind FROM unit_events e JOIN units u ON u.id = e.unit_id"
        " WHERE u.serial = :serial ORDER BY e.sequence",
        serial=serial,
    )
    return [row["kind"] for row in rows]


async def sold_saws(bench: Bench, *named: str, ends: str = "DL") -> tuple[OrderId, ShipmentId]:
    """Sell units, all with one order, and let the carrier bring them as far as this code."""
    item = await stock_saws(bench.shop, *named)
    order = await bench.shop.place((item, len(named)))
    await bench.take("authorize_payment", order)
    [shipment] = await bench.shipments(order)
    await pick(bench.shop, shipment, *named)
    await bench.take("book_shipment", shipment)
    await bench.scan(shipment, "PU")
    await bench.take("hand_over_shipment", shipment)
    if ends != "PU":
        await bench.scan(shipment, ends)
        await bench.take("settle_shipment", shipment)
    return order, shipment
