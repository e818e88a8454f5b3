"""Parts of work orders that are taken from stock for the work, by scan."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.telling import refused, require_free
from db.documents import WORK_ORDERS
from db.inventory.demand import free_at
from db.inventory.entering import describe_units
from db.inventory.lots import find_lot
from db.inventory.movements import LinePick, Movement
from db.inventory.places import place_id
from db.inventory.posting import post, release, reserve
from db.inventory.units import UnitStep, lock_units, move_units
from db.work_orders.supply import lock_held
from db.work_orders.tables import WorkOrderRow
from db.work_orders.writes import PartRead, count_part, parts_of
from domain.documents import Kind
from domain.errors import IllegalMove, Malformed, NotFound, OutOfStock, QuantityExceeded
from domain.inventory import LocationKind, MovementKind
from domain.items import Tracking
from domain.lots import check_lot
from domain.policy import Policy
from domain.quantities import plain
from domain.units import UnitEventKind, UnitStatus, check_serials, serial_key
from domain.work_orders.requests import IssuedPart, IssueParts, MovedPart
from domain.work_orders.status import WorkOrderStatus

BENCH = place_id(LocationKind.PRODUCTION)
"""Where goods are, for the ledger, that were issued to work."""
NONE = Decimal()
Place = tuple[UUID, UUID | None]
"""A location, and of which lot the goods there are."""
Moved = TypeVar("Moved", bound=MovedPart)


async def issue_parts(
    db: AsyncConnection, found: WorkOrderRow, asked: IssueParts, policy: Policy, *, actor: str
) -> None:
    """Take parts from stock for the work (R3): those reserved first, then what is free.

    Raises IllegalMove for work that has not begun or is on hold, and for units that are not in
    stock at the site; Malformed without the units of an item that has serials, and without a
    reason for more than was planned; QuantityExceeded for more than is allowed; OutOfStock.
    """
    _require_begun(found)
    await require_free(db, found)
    parts = await named(db, found, asked.parts)
    for at, (moved, part) in enumerate(parts):
        _require_planned(moved, part, at, policy)
    # Units are locked before anything that is counted, and of all items in one order.
    for moved, part in sorted(parts, key=lambda each: each[1].item_id):
        await lock_units(db, part.item_id, moved.serials)
    for at, (moved, part) in enumerate(parts):
        await _issue(db, found, part, moved, at, actor)
        data = {"part_id": part.id, "item_id": part.item_id, "quantity": moved.quantity}
        data |= {"serials": moved.serials} if moved.serials else {}
        data |= {"lot": moved.lot} if moved.lot else {}
        data |= {"reason": moved.reason} if moved.reason else {}
        await WORK_ORDERS.add_event(db, found, "part_issued", actor, data)
    await WORK_ORDERS.change(db, found)


def _require_planned(moved: IssuedPart, part: PartRead, at: int, policy: Policy) -> None:
    """Refuse more than was planned without a reason, and more than is allowed with one."""
    wanted = part.planned - part.cancelled
    lies = part.issued - part.returned
    most = wanted * (1 + policy.over_issue_tolerance) - lies
    if moved.quantity > max(most, NONE):
        said = f"{plain(max(most, NONE))} of {part.sku} may still be issued: add a part for more"
        errors = [{"pointer": f"/parts/{at}/quantity", "message": "more than is planned"}]
        raise QuantityExceeded(said, errors=errors, remaining_units=max(int(most), 0))
    if moved.quantity > wanted - lies and not moved.reason:
        errors = [{"pointer": f"/parts/{at}/reason", "message": "needed for more than is planned"}]
        raise Malformed(f"say why more of {part.sku} is needed than was planned", errors=errors)


async def _issue(
    db: AsyncConnection, found: WorkOrderRow, part: PartRead, moved: MovedPart, at: int, actor: str
) -> None:
    """Use up what is reserved of a part, or free, and keep the rest of it reserved."""
    lot_id = await named_lot(db, part, moved, at)
    units = await _to_bench(db, found, part, moved, at, actor)
    held = await lock_held(db, found.id, [part.id])
    shelves = await free_at(db, found.site_id, [part.item_id], lock=True)
    await release(db, found.id, [each.id for each in held])
    # What is held of a lot that is set aside is not among the shelves, and is not issued.
    free = {(each.location_id, each.lot_id): each.quantity for each in shelves}
    first = [place for each in held if (place := (each.location_id, each.lot_id)) in free]
    for each in held:
        if (each.location_id, each.lot_id) in free:
            free[each.location_id, each.lot_id] += each.quantity
    order = list(dict.fromkeys([*first, *free]))
    fitting = {place: there for place, there in free.items() if place[1] == lot_id}
    wanted = units or _spread(moved.quantity, [each for each in order if each in fitting], free)
    if sum(wanted.values()) < moved.quantity or any(
        free.get(place, NONE) < number for place, number in wanted.items()
    ):
        raise OutOfStock(
            f"not enough of {part.sku}",
            shortages=[
                {
                    "sku": part.sku,
                    "requested": plain(moved.quantity),
                    "available": plain(max(sum(fitting.values(), NONE), NONE)),
                }
            ],
        )
    for place, taken in wanted.items():
        free[place] -= taken
    await reserve(db, Kind.WORK_ORDER, found.id, _picks(part, wanted))
    used = await lock_held(db, found.id, [part.id])
    movements = [
        Movement(
            key=f"issued/{each.id}",
            kind=MovementKind.ISSUE,
            item_id=part.item_id,
            quantity=each.quantity,
            from_location_id=each.location_id,
            to_location_id=BENCH,
            actor=actor,
            document_type=Kind.WORK_ORDER,
            document_id=found.id,
            line_id=part.id,
            reservation_id=each.id,
            lot_id=each.lot_id,
        )
        for each in used
    ]
    await post(db, movements)
    await count_part(db, part.id, "issued", moved.quantity)
    kept = max(part.reserved - moved.quantity, NONE)
    await reserve(db, Kind.WORK_ORDER, found.id, _picks(part, _spread(kept, order, free)))


def _spread(
    quantity: Decimal, order: Sequence[Place], free: Mapping[Place, Decimal]
) -> dict[Place, Decimal]:
    """Take a quantity from places in this order, as much as each has."""
    taken = {}
    for place in order:
        part = min(quantity, free[place])
        if part > 0:
            taken[place] = part
            quantity -= part
    return taken


def _picks(part: PartRead, wanted: dict[Place, Decimal]) -> list[LinePick]:
    return [
        LinePick(part.id, part.item_id, location_id, units, lot_id)
        for (location_id, lot_id), units in wanted.items()
    ]


async def named_lot(db: AsyncConnection, part: PartRead, moved: MovedPart, at: int) -> UUID | None:
    """Return the lot that was scanned of a part, None of an item without lots.

    Raises Malformed for one that is not known.
    """
    check_lot(part.tracking, moved.lot, f"/parts/{at}/lot")
    if moved.lot is None:
        return None
    lot = await find_lot(db, part.item_id, moved.lot)
    if lot is None:
        errors = [{"pointer": f"/parts/{at}/lot", "message": "no lot of this item"}]
        raise Malformed(f"{moved.lot} is no lot of {part.sku}", errors=errors)
    return lot.id


async def _to_bench(
    db: AsyncConnection, found: WorkOrderRow, part: PartRead, moved: MovedPart, at: int, actor: str
) -> dict[Place, Decimal]:
    """Move the scanned units to the bench; return how many were taken from each location."""
    check_serials(part.tracking, moved.quantity, moved.serials, f"/parts/{at}/serials")
    if part.tracking != Tracking.SERIAL:
        return {}
    units = await lock_units(db, part.item_id, moved.serials)
    unknown = [one for one in moved.serials if serial_key(one) not in units]
    if unknown:
        errors = [{"pointer": f"/parts/{at}/serials", "message": "no unit of this item"}]
        raise Malformed(f"{unknown[0]} is no unit of {part.sku}", errors=errors)
    away = [
        unit
        for unit in units.values()
        if unit.status != UnitStatus.IN_STOCK or unit.shipment_line_id is not None
    ]
    if away:
        told = await describe_units(db, away)
        why = "it is not free in stock"
        raise IllegalMove(
            f"{told[0]['message']}: {why}", current_status=away[0].status, allowed=[], units=told
        )
    step = UnitStep(
        kind=UnitEventKind.ISSUED,
        status=UnitStatus.ISSUED,
        location_id=BENCH,
        document_type=Kind.WORK_ORDER,
        document_id=found.id,
        line_id=part.id,
        actor=actor,
    )
    places = Counter(unit.location_id for unit in units.values() if unit.location_id)
    await move_units(db, [unit.id for unit in units.values()], step)
    return {(place, None): Decimal(number) for place, number in places.items()}


async def named(
    db: AsyncConnection, found: WorkOrderRow, asked: Sequence[Moved]
) -> list[tuple[Moved, PartRead]]:
    """Return what is moved with its parts, each part once; raise NotFound and Malformed."""
    known = {part.id: part for part in await parts_of(db, found.id)}
    if len({moved.part_id for moved in asked}) != len(asked):
        errors = [{"pointer": "/parts", "message": "name each part once"}]
        raise Malformed("a part is named twice", errors=errors)
    for moved in asked:
        if moved.part_id not in known:
            raise NotFound(f"the work order has no part {moved.part_id}")
    return [(moved, known[moved.part_id]) for moved in asked]


def _require_begun(found: WorkOrderRow) -> None:
    if found.status != WorkOrderStatus.IN_PROGRESS:
        raise refused(found, "parts are issued to work that has begun")
