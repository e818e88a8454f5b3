"""Lots that are made and changed: use cases in the caller's transaction, with their events."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.events import add_event
from db.inventory.lots import (
    GivenLot,
    LotRead,
    LotRow,
    add_lot,
    change_lot,
    find_lot,
    get_lot,
)
from db.items import find_item_id, get_item, tracking_of
from domain.adjustments import AdjustStock
from domain.errors import AlreadyExists, Malformed, NotFound
from domain.ids import new_id
from domain.lots import CreateLot, LotChange, check_lot


async def create_lot(db: AsyncConnection, lot_id: UUID, asked: CreateLot, *, actor: str) -> LotRead:
    """Make a lot before its first goods come, and return it.

    Raises NotFound for an unknown item, Malformed for one that is not tracked by lot, and
    AlreadyExists with the id of the item's lot of this code.
    """
    item_id = asked.item_id or await find_item_id(db, asked.sku or "")
    if item_id is None:
        raise NotFound(f"there is no item {asked.sku}")
    check_lot(await tracking_of(db, item_id), asked.code, "/code")
    given = GivenLot(asked.code, asked.supplier_lot, asked.received_on, asked.expires_on)
    if not await _add(db, lot_id, item_id, given, actor):
        known = await find_lot(db, item_id, asked.code)
        assert known is not None
        raise AlreadyExists(f"the item has a lot {known.code}", id=str(known.id))
    return await get_lot(db, lot_id)


async def find_given(
    db: AsyncConnection, item_id: UUID, asked: AdjustStock, tracking: str, *, actor: str
) -> LotRow | None:
    """Return the lot that an adjustment names; with what comes one that is not known is made.

    None of an item without lots. Raises Malformed when one is named of such an item or none of
    another, when what goes is of no lot that is known, and for another last day than it has.
    """
    check_lot(tracking, asked.lot)
    if asked.lot is None:
        return None
    if asked.quantity > 0:
        given = GivenLot(asked.lot, asked.supplier_lot, None, asked.expires_on)
        await _add(db, new_id(), item_id, given, actor)
    lot = await find_lot(db, item_id, asked.lot)
    if lot is None:
        raise _wrong("/lot", f"{asked.lot} is no lot of this item")
    for field in ("supplier_lot", "expires_on"):
        given_value, known = getattr(asked, field), getattr(lot, field)
        if given_value and given_value != known:
            words = f"{lot.code} has {field} {known or None}: change it by PATCH"
            raise _wrong(f"/{field}", words)
    return lot


async def apply_change(db: AsyncConnection, lot: LotRow, change: LotChange, *, actor: str) -> bool:
    """Change a locked lot and return whether that was news; what is no news changes nothing."""
    given: dict[str, Any] = change.model_dump()
    values = {name: value for name, value in given.items() if getattr(lot, name) != value}
    if not values:
        return False
    await change_lot(db, lot.id, values)
    await tell(db, lot, "changed", actor, {"fields": sorted(values)})
    return True


async def _add(
    db: AsyncConnection, lot_id: UUID, item_id: UUID, given: GivenLot, actor: str
) -> bool:
    added = await add_lot(db, lot_id, item_id, given)
    if added:
        lot = await get_lot(db, lot_id)
        expires_on = lot.expires_on and str(lot.expires_on)
        await tell(db, lot, "created", actor, {"code": lot.code, "expires_on": expires_on})
    return added


async def tell(
    db: AsyncConnection, lot: LotRow, what: str, actor: str, data: dict[str, Any]
) -> None:
    """Add the event of what has happened to a locked lot."""
    sku = (await get_item(db, lot.item_id)).sku
    await add_event(
        db,
        f"lot.{what}",
        subject=f"{sku} {lot.code}",
        subject_id=lot.id,
        actor=actor,
        correlation_id=f"lot/{lot.id}",
        data={"lot_id": str(lot.id), "item_id": str(lot.item_id), **data},
    )


def _wrong(pointer: str, message: str) -> Malformed:
    return Malformed(message, errors=[{"pointer": pointer, "message": message}])
