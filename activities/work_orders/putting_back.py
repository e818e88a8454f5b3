"""Parts of work orders that were issued and go back into stock unused."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.issuing import BENCH, named, named_lot
from activities.work_orders.telling import go_on, refused
from db.documents import WORK_ORDERS
from db.inventory.movements import Movement
from db.inventory.posting import post
from db.inventory.reads import place_at
from db.inventory.units import UnitStep, move_units
from db.work_orders.supply import IssuedUnit, issued_of, lock_issued
from db.work_orders.tables import WorkOrderRow
from db.work_orders.writes import PartRead, count_part
from domain.documents import Kind
from domain.errors import Malformed, QuantityExceeded
from domain.ids import new_id
from domain.inventory import LocationKind, MovementKind
from domain.quantities import plain
from domain.units import UnitEventKind, UnitStatus, check_serials, serial_key
from domain.work_orders.requests import MovedPart, PutBackParts
from domain.work_orders.status import WorkOrderStatus


async def return_parts(
    db: AsyncConnection, found: WorkOrderRow, asked: PutBackParts, *, actor: str
) -> None:
    """Put unused parts back into stock of the site (R3).

    Raises IllegalMove for work that has not begun or is done, and for units that do not lie at the
    bench for it; QuantityExceeded for more than was issued.
    """
    if found.status not in (WorkOrderStatus.IN_PROGRESS, WorkOrderStatus.COMPLETED):
        raise refused(found, "nothing was issued to it that could go back")
    for at, (moved, part) in enumerate(await named(db, found, asked.parts)):
        await put_back(db, found, part, moved, at, actor)
    await WORK_ORDERS.change(db, found)
    await go_on(db, found)


async def put_back(
    db: AsyncConnection, found: WorkOrderRow, part: PartRead, moved: MovedPart, at: int, actor: str
) -> None:
    """Put a quantity of a part of a locked work order back into stock."""
    left = part.issued - part.returned
    if moved.quantity > left:
        errors = [{"pointer": f"/parts/{at}/quantity", "message": "more than was issued"}]
        raise QuantityExceeded(
            f"{plain(left)} of {part.sku} are issued", errors=errors, remaining_units=int(left)
        )
    check_serials(part.tracking, moved.quantity, moved.serials, f"/parts/{at}/serials")
    lot_id = await named_lot(db, part, moved, at)
    if lot_id is not None:
        await _require_issued(db, found, part, moved, lot_id, at)
    shelf = await place_at(db, found.site_id, LocationKind.STOCK)
    if moved.serials:
        units = at_bench(await lock_issued(db, found.id), part, moved.serials, at)
        step = UnitStep(
            kind=UnitEventKind.MOVED,
            status=UnitStatus.IN_STOCK,
            location_id=shelf,
            document_type=Kind.WORK_ORDER,
            document_id=found.id,
            line_id=part.id,
            reason="unused",
            actor=actor,
        )
        await move_units(db, units, step)
    back = Movement(
        key=f"unused/{new_id()}",
        kind=MovementKind.RETURN,
        item_id=part.item_id,
        quantity=moved.quantity,
        from_location_id=BENCH,
        to_location_id=shelf,
        actor=actor,
        document_type=Kind.WORK_ORDER,
        document_id=found.id,
        line_id=part.id,
        lot_id=lot_id,
    )
    await post(db, [back])
    await count_part(db, part.id, "returned", moved.quantity)
    data = {"part_id": part.id, "item_id": part.item_id, "quantity": moved.quantity}
    data |= {"lot": moved.lot} if moved.lot else {}
    await WORK_ORDERS.add_event(db, found, "part_returned", actor, data)


async def _require_issued(
    db: AsyncConnection, found: WorkOrderRow, part: PartRead, moved: MovedPart, lot: UUID, at: int
) -> None:
    """Raise QuantityExceeded for more of a lot than was issued for a part, and is not back."""
    left = await issued_of(db, found.id, part.id, lot)
    if moved.quantity > left:
        errors = [{"pointer": f"/parts/{at}/quantity", "message": "more than was issued of it"}]
        said = f"{plain(left)} of {part.sku}, lot {moved.lot}, are issued"
        raise QuantityExceeded(said, errors=errors, remaining_units=int(left))


def at_bench(
    issued: Sequence[IssuedUnit], part: PartRead, serials: Sequence[str], at: int
) -> list[UUID]:
    """Return the units with these serials that were issued for a part and lie at the bench.

    Raises Malformed for others.
    """
    lying = {serial_key(each.serial): each.id for each in issued if each.part_id == part.id}
    absent = [serial for serial in serials if serial_key(serial) not in lying]
    if absent:
        errors = [{"pointer": f"/parts/{at}/serials", "message": "not issued for this part"}]
        raise Malformed(f"{absent[0]} does not lie at the bench for {part.sku}", errors=errors)
    return [lying[serial_key(serial)] for serial in serials]
