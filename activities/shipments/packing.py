"""Packing by hand: a use case in the caller's transaction; the label is bought for its parcels."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import SHIPMENTS
from db.shipments.packing import is_asked_about, lines_to_pack
from db.shipments.writes import find_to_book, lock_with_order
from domain.shipments.packing_by_hand import PackShipment, check_unlabelled, pack_by_hand


async def pack_shipment(
    db: AsyncConnection, shipment_id: UUID, asked: PackShipment, *, actor: str
) -> None:
    """Write what of a pending shipment is in which parcel; the same again is no news.

    Only while its label waits for a person: for units to be scanned, for a hold, or for the answer
    to what the carrier refused. Raises IllegalMove otherwise, and what `pack_by_hand` does.
    """
    _, shipment = await lock_with_order(db, shipment_id)
    lines = await lines_to_pack(db, shipment_id)
    parcels = pack_by_hand(asked, lines, shipment.heaviest_box_grams) or None
    if parcels == shipment.packed:
        return
    to_book = await find_to_book(db, shipment_id)
    waits = to_book.stopped or bool(to_book.to_pick) or await is_asked_about(db, shipment_id)
    check_unlabelled(shipment.number, shipment.status, waits=waits)
    await SHIPMENTS.change(db, shipment, packed=parcels)
    data = {"parcels": len(parcels or ())}
    await SHIPMENTS.add_event(db, shipment, "packed", actor, data)
