"""Shortages, moves, holds and orders that meet at the same shelf: each whole, and none waits on."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from activities.inventory.holding import reserve_by_hand
from activities.inventory.moving import move_stock
from activities.inventory.serving import serve_waiting
from activities.shipments.picking import pick_shipment
from domain.errors import OutOfStock
from domain.ids import ItemId, new_id
from domain.moves import MoveStock
from domain.reservations import ReserveStock
from domain.shipments.missing import MissingUnits
from domain.shipments.picking import PickShipment
from tests.activities.bench import Bench

STOCK = ("I1a", "I1b", "I1c", "I1d", "I1e", "I1g", "I1h", "I2a", "I2b", "I2c", "I2d")


async def test_pickers_who_miss_the_same_goods_at_once_leave_books_that_add_up(
    bench: Bench,
) -> None:
    mug, pot = await bench.shop.backorderable(AUS=30), await bench.shop.backorderable(AUS=30)
    quarantine = await bench.shop.one(
        "SELECT l.id FROM locations l JOIN sites s ON s.id = l.site_id"
        " WHERE s.code = 'AUS' AND l.kind = 'quarantine'"
    )
    shipments = []
    for nth in range(6):
        lines = ((mug, 3), (pot, 3)) if nth % 2 else ((pot, 3), (mug, 3))
        order = await bench.shop.place(*lines)
        await bench.take("authorize_payment", order)
        shipments += await bench.shipments(order)

    async def miss(shipment: UUID) -> None:
        rows = await bench.shop.rows(
            "SELECT id FROM shipment_lines WHERE shipment_id = :id ORDER BY item_id DESC",
            id=shipment,
        )
        missing = tuple(MissingUnits(line_id=row["id"], quantity=1) for row in rows)
        async with bench.shop.books.begin() as db:
            await pick_shipment(db, shipment, PickShipment(shortages=missing), actor="picker")

    async def move(item: ItemId) -> None:
        asked = MoveStock(
            item_id=item,
            from_location_id=bench.shop.shelves["AUS"],
            to_location_id=quarantine,
            quantity=Decimal(1),
            reason="damp",
        )
        async with bench.shop.books.begin() as db:
            await move_stock(db, new_id(), asked, actor="tests", may_release=lambda: None)

    async def hold(item: ItemId) -> None:
        until = datetime.now(UTC) + timedelta(days=1)
        asked = ReserveStock(
            item_id=item, site="AUS", quantity=1, reference="fair", expires_at=until
        )
        async with bench.shop.books.begin() as db:
            await reserve_by_hand(db, new_id(), asked, actor="tests", source=None)

    async def serve() -> None:
        async with bench.shop.books.begin() as db:
            await serve_waiting(db, bench.shop.sites["AUS"])

    found = await asyncio.gather(
        *(miss(each) for each in shipments),
        *(way(item) for way in (move, hold) for item in (mug, pot, mug)),
        serve(),
        return_exceptions=True,
    )
    # What is moved or held comes too late where a picker has emptied the shelf.
    assert [one for one in found if one is not None and not isinstance(one, OutOfStock)] == []
    assert [each.id for each in await bench.broken() if each.id in STOCK] == []
    missed = (
        "SELECT sum(quantity)::int FROM movements WHERE item_id = :item AND reason LIKE 'lost%'"
    )
    for item in (mug, pot):
        assert await bench.shop.one(missed, item=item) == len(shipments)
