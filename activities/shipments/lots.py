"""Lots that are scanned when a shipment is picked: they leave instead of the reserved ones."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import SHIPMENTS
from db.inventory.lots import find_lot_id
from db.orders.accept import lock_shelves
from db.shipments.swapping import Swap, swap
from db.shipments.tables import ShipmentRow
from domain.ids import ItemId
from domain.inventory import Shelf, allocate
from domain.shipments.picking import PickShipment, ToPick, units_to_swap


async def swap_lots(
    db: AsyncConnection,
    shipment: ShipmentRow,
    asked: PickShipment,
    lines: Mapping[UUID, ToPick],
    actor: str,
) -> None:
    """Have lines of a locked shipment take units of the scanned lots, where they are others.

    Raises OutOfStock where so many are not free at the shipment's site.
    """
    wanted = [
        (lines[one.line_id], one.lot, units)
        for one in asked.lines
        if one.lot is not None and (units := units_to_swap(lines[one.line_id], one, lines))
    ]
    if not wanted:
        return
    lots = {
        (line.item_id, code): await find_lot_id(db, line.item_id, code) for line, code, _ in wanted
    }
    skus = {ItemId(line.item_id): line.sku for line, _, _ in wanted}
    shelves = [shelf for each in (await lock_shelves(db, skus)).values() for shelf in each]
    swaps, told = [], []
    for line, code, units in wanted:
        lot_id = lots[line.item_id, code]
        fitting = [
            shelf
            for shelf in shelves
            if shelf.lot_id == lot_id is not None and shelf.site_id == shipment.site_id
        ]
        plan = allocate({ItemId(line.item_id): units}, fitting, skus)
        for pick in plan:
            shelves = [_less(shelf, pick.location_id, lot_id, pick.quantity) for shelf in shelves]
            swaps.append(Swap(line.reservation_id, pick.location_id, pick.lot_id, pick.quantity))
        told.append({"line_id": line.id, "lot": code, "units": units})
    await swap(db, {line.reservation_id: line.quantity for line, _, _ in wanted}, swaps)
    await SHIPMENTS.add_event(db, shipment, "lots_swapped", actor, {"lines": told})


def _less(shelf: Shelf, location_id: UUID, lot_id: UUID | None, units: int) -> Shelf:
    taken = shelf.location_id == location_id and shelf.lot_id == lot_id
    return replace(shelf, available=shelf.available - units) if taken else shelf
