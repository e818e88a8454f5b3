"""Orders of goods with lots, brought as far as a test needs them."""

from domain.ids import ItemId, OrderId, ShipmentId
from tests.activities.bench import Bench


async def sold_milk(
    bench: Bench, item: ItemId, units: int, *, ends: str = "DL"
) -> tuple[OrderId, ShipmentId]:
    """Sell units of an item, and let the carrier bring them as far as this code."""
    order = await bench.shop.place((item, units))
    await bench.take("authorize_payment", order)
    [shipment] = await bench.shipments(order)
    await bench.take("book_shipment", shipment)
    await bench.scan(shipment, "PU")
    await bench.take("hand_over_shipment", shipment)
    if ends != "PU":
        await bench.scan(shipment, ends)
        await bench.take("settle_shipment", shipment)
    return order, shipment
