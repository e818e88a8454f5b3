"""Adjustments: movements that correct what the books say is at a location, with their reason."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.entering import find_entering, find_leaving, record_adjusted
from db.inventory.held import refuse_to_take_returned
from db.inventory.movements import Movement
from db.inventory.places import place_id
from db.inventory.posting import post
from db.inventory.tables import BalanceRow
from db.sources import of_source
from domain.access import EVERYTHING, Reach
from domain.adjustments import AdjustStock
from domain.errors import AlreadyExists, Malformed, NotFound, OutOfStock
from domain.inventory import VIRTUAL, LocationKind, MovementKind
from domain.quantities import LARGEST_BALANCE, plain
from domain.units import check_serials

_LOCATION = text("SELECT kind FROM locations WHERE id = :location AND active")
_LOCK = text(
    """SELECT on_hand, reserved FROM balances
    WHERE item_id = :item AND location_id = :location
        AND lot_id IS NOT DISTINCT FROM CAST(:lot AS uuid) FOR UPDATE"""
)
_HOLDERS = text(
    f"""SELECT document_type, document_id, sum(quantity) AS quantity FROM reservations
    WHERE item_id = :item AND location_id = :location AND status = 'active'
        AND lot_id IS NOT DISTINCT FROM CAST(:lot AS uuid)
        AND (CAST(:source AS text) IS NULL OR {of_source("document_type", "document_id")})
    GROUP BY 1, 2 ORDER BY 2 LIMIT 20"""
)


async def adjust_stock(
    db: AsyncConnection,
    movement_id: UUID,
    asked: AdjustStock,
    *,
    item_id: UUID,
    location_id: UUID,
    tracking: str,
    lot_id: UUID | None = None,
    actor: str,
    reach: Reach = EVERYTHING,
) -> BalanceRow:
    """Move between the location and the place that the reason names; return the new balance.

    Of an item that is tracked by serial the units go along, of one tracked by lot ``lot_id``.
    Raises NotFound for a location that holds no stock, OutOfStock with the holders within ``reach``
    when less would remain than is reserved, Malformed when more would be there than the books can
    count or units are not named as they must be, AlreadyExists or IllegalMove for units that are
    elsewhere, and IllegalMove for goods that a return is not done with.
    """
    kind = (await db.execute(_LOCATION, {"location": location_id})).scalar_one_or_none()
    if kind is None or LocationKind(kind) in VIRTUAL:
        raise NotFound(f"there is no location {location_id} that holds stock")
    where = {"item": item_id, "location": location_id, "lot": lot_id}
    # Units are locked before the balance.
    units = await _find_units(db, asked, item_id, location_id, tracking, LocationKind(kind), reach)
    if asked.quantity < 0:
        await _refuse_to_undercut(db, asked, where, reach)
    outside = place_id(asked.counterpart)
    source, target = (outside, location_id) if asked.quantity > 0 else (location_id, outside)
    movement = Movement(
        id=movement_id,
        key=f"adjustment/{movement_id}",
        kind=MovementKind.ADJUSTMENT,
        item_id=item_id,
        quantity=asked.amount,
        from_location_id=source,
        to_location_id=target,
        actor=actor,
        reason=f"{asked.reason}: {asked.note}" if asked.note.strip() else str(asked.reason),
        lot_id=lot_id,
    )
    posted = await post(db, [movement])
    if not posted.made:
        raise AlreadyExists(f"the adjustment {movement_id} is in the books already")
    [balance] = posted.balances
    if balance.on_hand > LARGEST_BALANCE:
        raise Malformed(
            f"a location holds at most {LARGEST_BALANCE} of an item",
            errors=[{"pointer": "/quantity", "message": "more than the location can hold"}],
        )
    entered = asked.quantity > 0
    await record_adjusted(
        db,
        units,
        location_id=target,
        kind=LocationKind(kind) if entered else asked.counterpart,
        entered=entered,
        movement_id=movement_id,
        reason=movement.reason,
        actor=actor,
    )
    return balance


async def _find_units(
    db: AsyncConnection,
    asked: AdjustStock,
    item_id: UUID,
    location_id: UUID,
    tracking: str,
    kind: LocationKind,
    reach: Reach,
) -> list[UUID]:
    check_serials(tracking, asked.quantity, asked.serials)
    if not asked.serials:
        return []
    if asked.quantity > 0:
        return await find_entering(db, item_id, asked.serials, location_id=location_id, kind=kind)
    return await find_leaving(db, item_id, asked.serials, location_id=location_id, reach=reach)


async def _refuse_to_undercut(
    db: AsyncConnection, asked: AdjustStock, where: dict[str, UUID | None], reach: Reach
) -> None:
    balance = (await db.execute(_LOCK, where)).one_or_none()
    free = balance.on_hand - balance.reserved if balance else asked.amount * 0
    if free >= asked.amount:
        if not asked.serials:
            await refuse_to_take_returned(db, asked.amount, free, where, reach)
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
