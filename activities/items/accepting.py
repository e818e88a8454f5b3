"""Creating items: a use case in the caller's transaction, with its event."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.events import add_event
from db.items import ItemRead, add_item, get_item
from db.warranties.terms import set_item_term
from domain.items import CreateItem, check_scanned


async def create_item(
    db: AsyncConnection, item_id: UUID, item: CreateItem, *, actor: str
) -> ItemRead:
    """Add an item with its prices and return its row.

    Raises AlreadyExists for its SKU, NotFound for the code of its warranty term, and Malformed
    where its units cannot be scanned when they leave.
    """
    wanted = item.serial_at_shipping
    check_scanned(item.tracking, item.warranty_term, serial_at_shipping=wanted)
    row = await add_item(db, item_id, item)
    if item.warranty_term is not None:
        await set_item_term(db, item_id, item.warranty_term)
        row = await get_item(db, item_id)
    await add_event(
        db,
        "item.created",
        subject=row.sku,
        subject_id=item_id,
        actor=actor,
        correlation_id=f"item/{item_id}",
        data={"item_id": str(item_id), "sku": row.sku},
    )
    return row
