"""Components of a unit: taken out, put in, and remembered with from when to when (genealogy)."""

from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.issuing import BENCH
from activities.work_orders.moving import is_a_customers
from activities.work_orders.telling import refused, require_free
from db.documents import WORK_ORDERS
from db.inventory.entering import describe_units
from db.inventory.movements import Movement
from db.inventory.places import place_id
from db.inventory.posting import post
from db.inventory.reads import place_at
from db.inventory.unit_reads import get_unit
from db.inventory.units import UnitRow, UnitStep, lock_all, move_units
from db.items import tracking_of
from db.work_orders.genealogy import add_installation, end_installation, installed_at
from db.work_orders.supply import lock_issued
from db.work_orders.tables import WorkOrderRow
from db.work_orders.writes import item_named
from domain.documents import Kind
from domain.errors import IllegalMove, Malformed
from domain.ids import new_id
from domain.inventory import LocationKind, MovementKind
from domain.items import Tracking
from domain.units import Ownership, UnitEventKind, UnitStatus, serial_key
from domain.work_orders.requests import InstallComponent, RemoveComponent, SwapComponents
from domain.work_orders.status import Removed, WorkOrderStatus

_STATUS = {
    Removed.QUARANTINE: UnitStatus.QUARANTINED,
    Removed.RESTOCK: UnitStatus.IN_STOCK,
    Removed.SCRAP: UnitStatus.SCRAPPED,
}


async def swap(
    db: AsyncConnection, found: WorkOrderRow, asked: SwapComponents, *, actor: str
) -> None:
    """Take a component out of the unit of a locked work order, put another in, or both (R4).

    Raises IllegalMove for work that is not under way or has no unit, for a component that is not in
    the unit or was not issued to the work order, for a customer's one that is to be for sale, and
    for a position that is taken; NotFound for an unknown serial or item.
    """
    if found.status != WorkOrderStatus.IN_PROGRESS:
        raise refused(found, "components are swapped while it is worked on")
    if found.unit_id is None:
        raise refused(found, "it is about goods without serials: nothing is known to be in them")
    await require_free(db, found)
    removed = asked.remove
    component = None
    if removed is not None and removed.serial is not None:
        which = await get_unit(db, removed.serial, item_id=removed.item_id, sku=removed.sku)
        component = which.id
    # All units that move are locked at once, in the one order.
    put_in = await _issued(db, found, asked.install)
    units = [found.unit_id, *filter(None, (component, put_in))]
    locked = {unit.id: unit for unit in await lock_all(db, UnitRow.id.in_(units))}
    if removed is not None and component is not None:
        await _take_out(db, found, locked[found.unit_id], locked[component], removed, actor)
    elif removed is not None:
        await _take_loose(db, found, removed, actor)
    if asked.install is not None and put_in is not None:
        await _put_in(db, found, locked[put_in], asked.install, actor)
    await WORK_ORDERS.change(db, found)


async def _issued(
    db: AsyncConnection, found: WorkOrderRow, install: InstallComponent | None
) -> UUID | None:
    """Return the component that is to be put in; raise IllegalMove unless it was issued for it."""
    if install is None:
        return None
    key = serial_key(install.serial)
    lying = [each for each in await lock_issued(db, found.id) if serial_key(each.serial) == key]
    if lying:
        return lying[0].id
    unit = await get_unit(db, install.serial)
    [row] = await lock_all(db, UnitRow.id == unit.id)
    told = await describe_units(db, [row])
    why = f"{told[0]['message']}: a component is issued to the work order first"
    raise IllegalMove(why, current_status=row.status, allowed=[], units=told)


async def _take_out(
    db: AsyncConnection,
    found: WorkOrderRow,
    parent: UnitRow,
    unit: UnitRow,
    asked: RemoveComponent,
    actor: str,
) -> None:
    if unit.parent_unit_id != parent.id:
        raise refused(found, f"{unit.serial} is not in its unit")
    # What was a customer's stays that, unless the claim on it has it replaced.
    theirs = found.return_id is None and is_a_customers(parent)
    if theirs and asked.to is Removed.RESTOCK:
        raise refused(found, f"{unit.serial} belongs to a customer: it is not for sale")
    position = await end_installation(db, unit.id, found.id)
    place = await _place(db, found, asked.to)
    step = UnitStep(
        kind=UnitEventKind.TAKEN_OUT,
        status=_STATUS[asked.to],
        location_id=place,
        ownership=Ownership.CUSTOMER if theirs else Ownership.OWN,
        document_type=Kind.WORK_ORDER,
        document_id=found.id,
        reason=position,
        actor=actor,
    )
    await move_units(db, [unit.id], step)
    await _post(db, found, unit.item_id, 1, asked.to, place, actor)
    data = {"removed": unit.serial, "position": position, "to": asked.to}
    await WORK_ORDERS.add_event(db, found, "unit_swapped", actor, data)


async def _take_loose(
    db: AsyncConnection, found: WorkOrderRow, asked: RemoveComponent, actor: str
) -> None:
    """Take out goods without serials, of which nobody has written that they are in there."""
    item = await item_named(db, asked.item_id, asked.sku)
    tracking = await tracking_of(db, item)
    if tracking == Tracking.SERIAL:
        errors = [{"pointer": "/remove/serial", "message": "name the unit"}]
        raise Malformed("the item's units have serials", errors=errors)
    if tracking == Tracking.LOT:
        errors = [{"pointer": "/remove", "message": "not of an item that is tracked by lot"}]
        raise Malformed("goods of lots are counted in where they are found", errors=errors)
    place = await _place(db, found, asked.to)
    await _post(db, found, item, asked.quantity, asked.to, place, actor)
    data = {"removed_item_id": item, "quantity": asked.quantity, "to": asked.to}
    await WORK_ORDERS.add_event(db, found, "unit_swapped", actor, data)


async def _put_in(
    db: AsyncConnection, found: WorkOrderRow, unit: UnitRow, asked: InstallComponent, actor: str
) -> None:
    if found.unit_id is None or unit.id == found.unit_id:
        raise refused(found, "a unit is not put into itself")
    there = await installed_at(db, found.unit_id, asked.position)
    if there is not None:
        raise refused(found, f"{there} is at {asked.position}: take it out first")
    step = UnitStep(
        kind=UnitEventKind.INSTALLED,
        status=UnitStatus.INSTALLED,
        parent_unit_id=found.unit_id,
        document_type=Kind.WORK_ORDER,
        document_id=found.id,
        reason=asked.position,
        actor=actor,
    )
    await move_units(db, [unit.id], step)
    await add_installation(db, new_id(), found.unit_id, unit.id, asked.position, found.id)
    data = {"installed": unit.serial, "position": asked.position}
    await WORK_ORDERS.add_event(db, found, "unit_swapped", actor, data)


async def _place(db: AsyncConnection, found: WorkOrderRow, to: Removed) -> UUID:
    if to is Removed.SCRAP:
        return place_id(LocationKind.LOSS)
    kind = LocationKind.STOCK if to is Removed.RESTOCK else LocationKind.QUARANTINE
    return await place_at(db, found.site_id, kind)


async def _post(
    db: AsyncConnection,
    found: WorkOrderRow,
    item_id: UUID,
    quantity: Decimal | int,
    to: Removed,
    place: UUID,
    actor: str,
) -> None:
    """Post that goods come from the bench; what is scrapped goes through quarantine."""
    first = place
    if to is Removed.SCRAP:
        first = await place_at(db, found.site_id, LocationKind.QUARANTINE)
    swap_id = new_id()
    back = Movement(
        key=f"removed/{swap_id}",
        kind=MovementKind.RETURN,
        item_id=item_id,
        quantity=quantity,
        from_location_id=BENCH,
        to_location_id=first,
        actor=actor,
        document_type=Kind.WORK_ORDER,
        document_id=found.id,
    )
    await post(db, [back])
    if to is Removed.SCRAP:
        scrapped = Movement(
            key=f"scrapped/{swap_id}",
            kind=MovementKind.SCRAP,
            item_id=item_id,
            quantity=quantity,
            from_location_id=first,
            to_location_id=place,
            actor=actor,
            document_type=Kind.WORK_ORDER,
            document_id=found.id,
        )
        await post(db, [scrapped])
