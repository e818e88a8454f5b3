"""What may leave a balance by hand: what is there, not promised, and no return's."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.inventory.held import refuse_to_take_returned
from db.inventory.posting import open_balances
from db.sources import of_source
from domain.access import EVERYTHING, Reach
from domain.errors import OutOfStock
from domain.quantities import plain

_LOCK = text(
    """SELECT on_hand, reserved FROM balances
    WHERE item_id = :item AND location_id = :location
        AND lot_id IS NOT DISTINCT FROM CAST(:lot AS uuid) FOR UPDATE"""
)
# In the one order that avoids deadlocks: by item, location and lot.
_LOCK_ALL = text(
    """SELECT b.item_id, b.location_id, b.lot_id, b.on_hand - b.reserved AS free FROM balances b
    JOIN (SELECT DISTINCT * FROM jsonb_to_recordset(CAST(:places AS jsonb))
        AS p(item_id uuid, location_id uuid, lot_id uuid)) p ON p.item_id = b.item_id
        AND p.location_id = b.location_id AND p.lot_id IS NOT DISTINCT FROM b.lot_id
    ORDER BY b.item_id, b.location_id, b.lot_id FOR UPDATE OF b"""
)
_LOCK_EVERY = text(
    """SELECT FROM balances WHERE item_id = :item
    ORDER BY item_id, location_id, lot_id FOR UPDATE"""
)
_HOLDERS = text(
    f"""SELECT document_type, document_id, sum(quantity) AS quantity FROM reservations
    WHERE item_id = :item AND location_id = :location AND status = 'active'
        AND lot_id IS NOT DISTINCT FROM CAST(:lot AS uuid)
        AND (CAST(:source AS text) IS NULL OR {of_source("document_type", "document_id")})
    GROUP BY 1, 2 ORDER BY 2 LIMIT 20"""
)


async def lock_balances(
    db: AsyncConnection, places: Iterable[tuple[UUID, UUID, UUID | None]]
) -> dict[tuple[UUID, UUID, UUID | None], Decimal]:
    """Lock balances by item, location and lot, at once; return what is free at each.

    For whoever goes on to change several of them one by one. One that is not there yet is opened
    first: as a row that comes later it would be locked out of order.
    """
    given = [dict(zip(("item_id", "location_id", "lot_id"), one, strict=True)) for one in places]
    await open_balances(db, given)
    rows = await db.execute(_LOCK_ALL, {"places": to_json(given)})
    return {(row.item_id, row.location_id, row.lot_id): row.free for row in rows}


async def lock_every_balance(db: AsyncConnection, item_id: UUID) -> None:
    """Lock all balances of an item at once, for whoever goes on to lock its shelves as well."""
    await db.execute(_LOCK_EVERY, {"item": item_id})


async def refuse_to_undercut(
    db: AsyncConnection,
    amount: Decimal,
    where: Mapping[str, UUID | None],
    *,
    are_units: bool = False,
    reach: Reach = EVERYTHING,
) -> None:
    """Lock the balance of an ``item``, ``location`` and ``lot``, from which so many are to leave.

    Raises OutOfStock with the holders within ``reach`` when less would remain than is reserved, and
    IllegalMove for goods that a return is not done with, unless ``are_units`` that say so alone.
    """
    balance = (await db.execute(_LOCK, where)).one_or_none()
    free = balance.on_hand - balance.reserved if balance else Decimal(0)
    if free >= amount:
        if not are_units:
            await refuse_to_take_returned(db, amount, free, where, reach)
        return
    holders = (await db.execute(_HOLDERS, {**where, "source": reach.source})).all()
    raise OutOfStock(
        f"only {plain(free)} can be taken; the rest is not there or promised",
        available=plain(free),
        holders=[
            {
                "document_type": holder.document_type,
                "document_id": str(holder.document_id),
                "quantity": plain(holder.quantity),
            }
            for holder in holders
        ],
    )
