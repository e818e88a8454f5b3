"""Adjustments: movements that correct what the books say is at a location, with their reason."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.counting import find_balancing
from db.inventory.entering import find_entering, find_leaving, record_adjusted
from db.inventory.movements import Movement, Place
from db.inventory.places import place_id
from db.inventory.posting import lock_places, post
from db.inventory.reads import get_stocked
from db.inventory.tables import BalanceRow
from db.inventory.undercutting import refuse_to_undercut
from domain.access import EVERYTHING, Reach
from domain.adjustments import AdjustStock, past
from domain.errors import AlreadyExists, Malformed
from domain.inventory import LocationKind, MovementKind
from domain.quantities import LARGEST_BALANCE
from domain.units import check_serials


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
    count, units are not named as they must be or it is still to come, AlreadyExists or IllegalMove
    for units that are elsewhere, and IllegalMove for goods that a return is not done with.
    """
    place = await get_stocked(db, location_id)
    kind, occurred_at = LocationKind(place.kind), past(asked.occurred_at, place.now)
    where = {"item": item_id, "location": location_id, "lot": lot_id}
    # Units are locked before the balance.
    units = await _find_units(db, asked, item_id, location_id, tracking, kind, reach)
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
        occurred_at=occurred_at,
    )
    balancing = None
    if occurred_at is not None:
        await lock_places(db, [Place(item_id, location_id, lot_id)])
        balancing = await find_balancing(db, movement, location_id)
    if asked.quantity < 0 and balancing is None:
        await refuse_to_undercut(
            db, asked.amount, where, are_units=bool(asked.serials), reach=reach
        )
    posted = await post(db, [movement, *([balancing] if balancing else [])])
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
        kind=kind if entered else asked.counterpart,
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
