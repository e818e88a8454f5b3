"""Items and lots as requests about stock name them."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.lots import LotRow, find_lot
from db.items import find_item_id, get_item
from domain.errors import Malformed, NotFound
from domain.lots import check_lot


async def item_named(
    db: AsyncConnection, item_id: UUID | None, sku: str | None
) -> tuple[UUID, str]:
    """Return the id and the SKU of an item that is named by one of them; raise NotFound."""
    if item_id is None:
        assert sku is not None
        item_id = await find_item_id(db, sku)
        if item_id is None:
            raise NotFound(f"there is no item {sku}")
        return item_id, sku
    return item_id, (await get_item(db, item_id)).sku


async def lot_named(
    db: AsyncConnection, item_id: UUID, code: str | None, tracking: str
) -> LotRow | None:
    """Return the lot of an item, None of one without lots; raise Malformed for one that is not."""
    check_lot(tracking, code)
    if code is None:
        return None
    lot = await find_lot(db, item_id, code)
    if lot is None:
        message = f"{code} is no lot of this item"
        raise Malformed(message, errors=[{"pointer": "/lot", "message": message}])
    return lot
