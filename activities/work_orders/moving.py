"""The unit of a work order: taken to the bench when work begins, and put where it goes after it.

Goods of a return are moved by that; those that a customer has stay there.
"""

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.telling import refused
from db.failures import violated
from db.inventory.entering import check_done_with, describe_units
from db.inventory.movements import Movement
from db.inventory.places import place_id
from db.inventory.posting import post
from db.inventory.reads import place_at, site_of_location
from db.inventory.units import UnitRow, UnitStep, lock_all, move_units
from db.work_orders.tables import WorkOrderRow
from domain.documents import Kind
from domain.inventory import LocationKind, MovementKind
from domain.units import Ownership, UnitEventKind, UnitStatus, status_at
from domain.work_orders.status import Outcome, UnitTo

_TAKEN = (UnitStatus.IN_STOCK, UnitStatus.QUARANTINED)
_PLACES = {
    UnitTo.STOCK: LocationKind.STOCK,
    UnitTo.QUARANTINE: LocationKind.QUARANTINE,
}
BY_OUTCOME = {
    Outcome.DONE: UnitTo.STOCK,
    Outcome.NO_FAULT_FOUND: UnitTo.STOCK,
    Outcome.UNREPAIRABLE: UnitTo.QUARANTINE,
}
"""Where a unit of the house's own goes after the work."""


async def bring_in(db: AsyncConnection, found: WorkOrderRow, actor: str) -> UUID | None:
    """Take the unit of a locked work order to the bench; return from where, if it was moved.

    Raises IllegalMove for a unit that is not at the site, is promised or picked, was sold since, or
    came back with a return that is not done with it.
    """
    if found.unit_id is None or found.return_id is not None:
        return None
    [unit] = await lock_all(db, UnitRow.id == found.unit_id)
    if unit.status == UnitStatus.SOLD and unit.holder_customer_id == found.customer_id:
        return None
    here = unit.location_id is not None and (
        await site_of_location(db, unit.location_id) == found.site_id
    )
    await check_done_with(db, [unit.id])
    if here and unit.status == UnitStatus.IN_REPAIR:
        return None
    if not here or unit.status not in _TAKEN or unit.shipment_line_id:
        told = await describe_units(db, [unit])
        raise refused(found, f"{told[0]['message']}, and cannot be taken", units=told)
    if unit.location_id is None:
        raise refused(found, "its unit is nowhere")
    bench = await place_at(db, found.site_id, LocationKind.REPAIR)
    step = _step(found, UnitStatus.IN_REPAIR, bench, actor)
    await move_units(db, [unit.id], step)
    try:
        await post(db, [_move(found, "taken", unit.location_id, bench, actor)])
    except IntegrityError as error:
        if violated(error) not in ("ck_balances_reserved_on_hand", "ck_balances_on_hand"):
            raise
        raise refused(found, f"{unit.serial} is promised to an order") from error
    return unit.location_id


def is_a_customers(unit: UnitRow) -> bool:
    """Whether a customer has a unit, or it was taken out of one that a customer has."""
    return unit.holder_customer_id is not None or unit.ownership == Ownership.CUSTOMER


async def bring_back(db: AsyncConnection, found: WorkOrderRow, to: UnitTo, actor: str) -> None:
    """Put a unit that was taken from stock for a locked work order where it goes after it.

    A customer's goes to quarantine where the house's own goes into stock: it is not for sale.
    """
    [unit] = await lock_all(db, UnitRow.id == found.unit_id)
    if unit.location_id is None or unit.status != UnitStatus.IN_REPAIR:
        told = await describe_units(db, [unit])
        raise refused(found, f"{told[0]['message']}", units=told)
    if to is UnitTo.STOCK and is_a_customers(unit):
        to = UnitTo.QUARANTINE
    place: UUID
    if to is UnitTo.SCRAP:
        place, status = place_id(LocationKind.LOSS), UnitStatus.SCRAPPED
    else:
        place = await place_at(db, found.site_id, _PLACES[to])
        status = status_at(_PLACES[to])
    await move_units(db, [unit.id], _step(found, status, place, actor))
    await post(db, [_move(found, "back", unit.location_id, place, actor)])


def _step(found: WorkOrderRow, status: UnitStatus, place: UUID, actor: str) -> UnitStep:
    return UnitStep(
        kind=UnitEventKind.MOVED,
        status=status,
        location_id=place,
        document_type=Kind.WORK_ORDER,
        document_id=found.id,
        actor=actor,
    )


def _move(found: WorkOrderRow, what: str, source: UUID, target: UUID, actor: str) -> Movement:
    lost = target == place_id(LocationKind.LOSS)
    return Movement(
        key=f"work_order/{found.id}/{what}",
        kind=MovementKind.SCRAP if lost else MovementKind.TRANSFER,
        item_id=found.item_id,
        quantity=1,
        from_location_id=source,
        to_location_id=target,
        actor=actor,
        document_type=Kind.WORK_ORDER,
        document_id=found.id,
    )
