"""Units in quarantine that are inspected: for sale again, or scrapped."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.events import add_event
from db.inventory.entering import check_done_with, describe_units
from db.inventory.movements import Movement
from db.inventory.places import place_id
from db.inventory.posting import post
from db.inventory.reads import place_at, site_of_location
from db.inventory.unit_reads import get_unit
from db.inventory.units import UnitRow, UnitStep, lock_all, move_units
from domain.access import EVERYTHING, Reach
from domain.adjustments import InspectedTo, InspectUnit
from domain.errors import IllegalMove
from domain.inventory import LocationKind, MovementKind
from domain.units import Ownership, UnitEventKind, UnitStatus


async def inspect_unit(
    db: AsyncConnection,
    movement_id: UUID,
    asked: InspectUnit,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Put a unit that lies in quarantine to a shelf of its site, or write it off.

    Raises NotFound for an unknown serial, and IllegalMove for a unit that is not in quarantine, is
    a customer's, or came back with a return that is not done with it.
    """
    seen = await get_unit(db, asked.serial, item_id=asked.item_id, sku=asked.sku, reach=reach)
    [unit] = await lock_all(db, UnitRow.id == seen.id)
    site = await site_of_location(db, unit.location_id) if unit.location_id else None
    if unit.status != UnitStatus.QUARANTINED or unit.location_id is None or site is None:
        told = await describe_units(db, [unit])
        why = f"{told[0]['message']}, not in quarantine"
        raise IllegalMove(why, current_status=unit.status, allowed=[], units=told)
    await check_done_with(db, [unit.id], reach)
    if unit.ownership != Ownership.OWN and asked.to == "stock":
        why = f"{unit.serial} belongs to a customer: it is not for sale"
        raise IllegalMove(why, current_status=unit.status, allowed=[])
    scrapped = asked.to is InspectedTo.SCRAP
    target: UUID = (
        place_id(LocationKind.LOSS) if scrapped else await place_at(db, site, LocationKind.STOCK)
    )
    step = UnitStep(
        kind=UnitEventKind.MOVED,
        status=UnitStatus.SCRAPPED if scrapped else UnitStatus.IN_STOCK,
        location_id=target,
        movement_id=movement_id,
        reason=asked.reason,
        actor=actor,
    )
    await move_units(db, [unit.id], step)
    moved = Movement(
        id=movement_id,
        key=f"inspected/{movement_id}",
        kind=MovementKind.SCRAP if scrapped else MovementKind.TRANSFER,
        item_id=unit.item_id,
        quantity=1,
        from_location_id=unit.location_id,
        to_location_id=target,
        reason=asked.reason,
        actor=actor,
    )
    await post(db, [moved])
    await add_event(
        db,
        "inventory.unit_inspected",
        subject=unit.serial,
        subject_id=unit.id,
        actor=actor,
        correlation_id=f"unit/{unit.id}",
        data={"item_id": unit.item_id, "to": asked.to, "reason": asked.reason},
    )
