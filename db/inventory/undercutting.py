"""What may leave a balance by hand: what is there, not promised, and no return's."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.held import refuse_to_take_returned
from db.sources import of_source
from domain.access import EVERYTHING, Reach
from domain.errors import OutOfStock
from domain.quantities import plain

_LOCK = text(
    """SELECT on_hand, reserved FROM balances
    WHERE item_id = :item AND location_id = :location
        AND lot_id IS NOT DISTINCT FROM CAST(:lot AS uuid) FOR UPDATE"""
)
# Balances are locked in the one order that avoids deadlocks: by item, location and lot.
_LOCK_ALL = text(
    """SELECT b.item_id, b.location_id, b.lot_id, b.on_hand - b.reserved AS free FROM balances b
    WHERE b.item_id = ANY (:items) AND b.location_id = ANY (:places)
    ORDER BY b.item_id, b.location_id, b.lot_id FOR UPDATE"""
)
_HOLDERS = text(
    f"""SELECT document_type, document_id, sum(quantity) AS quantity FROM reservations
    WHERE item_id = :item AND location_id = :location AND status = 'active'
        AND lot_id IS NOT DISTINCT FROM CAST(:lot AS uuid)
        AND (CAST(:source AS text) IS NULL OR {of_source("document_type", "document_id")})
    GROUP BY 1, 2 ORDER BY 2 LIMIT 20"""
)


async def lock_balances(
    db: AsyncConnection, items: Iterable[UUID], places: Iterable[UUID]
) -> dict[tuple[UUID, UUID, UUID | None], Decimal]:
    """Lock the balances of these items at these places; return what is free by each with its lot.

    At once, for whoever goes on to change several of them one by one.
    """
    rows = await db.execute(_LOCK_ALL, {"items": list(items), "places": list(places)})
    return {(row.item_id, row.location_id, row.lot_id): row.free for row in rows}


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
