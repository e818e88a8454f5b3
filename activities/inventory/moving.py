"""Moving goods inside a site by hand: a use case in the caller's transaction, with its event."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.inventory.naming import item_named, lot_named
from db.events import add_event
from db.inventory.entering import find_leaving
from db.inventory.movements import Movement
from db.inventory.posting import post
from db.inventory.reads import get_place
from db.inventory.reservations import end_expired, lock_expired
from db.inventory.undercutting import lock_balances, refuse_to_undercut
from db.inventory.units import UnitStep, move_units
from db.items import tracking_of
from domain.access import EVERYTHING, Reach
from domain.inventory import LocationKind, MovementKind
from domain.moves import SET_ASIDE, MoveStock, check_places, check_release, releases
from domain.quantities import plain
from domain.units import UnitEventKind, check_serials, status_at


async def move_stock(
    db: AsyncConnection,
    movement_id: UUID,
    asked: MoveStock,
    *,
    actor: str,
    may_release: Callable[[], None],
    reach: Reach = EVERYTHING,
) -> None:
    """Move goods between two places of a site, never below what is promised of them.

    ``may_release`` raises Forbidden for who may not take goods out of quarantine. Raises NotFound
    and Malformed for what is not as it is named, OutOfStock with the holders within ``reach`` when
    less would remain than is promised, and IllegalMove for units that are elsewhere and for goods
    that a return is not done with.
    """
    item_id, sku = await item_named(db, asked.item_id, asked.sku)
    source = await get_place(db, asked.from_location_id)
    target = await get_place(db, asked.to_location_id, active=True)
    kinds = LocationKind(source.kind), LocationKind(target.kind)
    check_places((source.site_id, kinds[0]), (target.site_id, kinds[1]))
    if releases(*kinds):
        may_release()
    # It stays so until the movement is written.
    tracking = await tracking_of(db, item_id)
    check_serials(tracking, asked.quantity, asked.serials)
    check_release(tracking, *kinds)
    lot = await lot_named(db, item_id, asked.lot, tracking)
    lot_id = None if lot is None else lot.id
    units = []
    if asked.serials:
        units = await find_leaving(db, item_id, asked.serials, location_id=source.id, reach=reach)
    expired = await lock_expired(db, [item_id])
    where = {"item": item_id, "location": source.id, "lot": lot_id}
    places = {(item_id, each.id, lot_id) for each in (source, target)}
    await lock_balances(db, places | {(item_id, each.location_id, each.lot_id) for each in expired})
    await end_expired(db, expired)
    await refuse_to_undercut(db, asked.quantity, where, are_units=bool(units), reach=reach)
    moved = Movement(
        id=movement_id,
        key=f"moved/{movement_id}",
        kind=MovementKind.TRANSFER,
        item_id=item_id,
        quantity=asked.quantity,
        from_location_id=source.id,
        to_location_id=target.id,
        reason=asked.reason,
        lot_id=lot_id,
        actor=actor,
    )
    await post(db, [moved])
    step = UnitStep(
        kind=UnitEventKind.MOVED,
        status=status_at(kinds[1]),
        location_id=target.id,
        movement_id=movement_id,
        reason=asked.reason,
        actor=actor,
    )
    await move_units(db, units, step)
    await add_event(
        db,
        f"inventory.{_word(*kinds)}",
        subject=sku,
        subject_id=movement_id,
        actor=actor,
        correlation_id=f"move/{movement_id}",
        data={
            "item_id": item_id,
            "location_id": source.id,
            "to_location_id": target.id,
            "quantity": plain(asked.quantity),
            "reason": asked.reason,
            **({"serials": asked.serials} if asked.serials else {}),
            **({"lot_id": lot_id} if lot_id else {}),
        },
    )


def _word(source: LocationKind, target: LocationKind) -> str:
    if releases(source, target):
        return "released"
    return "quarantined" if target in SET_ASIDE and source not in SET_ASIDE else "moved"
