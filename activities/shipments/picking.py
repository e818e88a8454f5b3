"""Picking by scan: a use case in the caller's transaction.

What is missing is taken off the shipment. Serial units that leave are named; the order's run buys
the label once all of them are scanned. So are those that are only counted in stock and have
serials from now on. Of goods with lots what is reserved leaves, unless another lot is scanned.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders.changing import wake
from activities.orders.missing import report_missing
from activities.shipments.lots import swap_lots
from db.documents import SHIPMENTS
from db.inventory.entering import check_not_elsewhere, check_there
from db.inventory.units import UnitRow, add_units, lock_to_pick, move_units
from db.orders.tables import OrderRow
from db.shipments.picking import lines_to_pick, pick_step, put_back
from db.shipments.tables import ShipmentRow
from db.shipments.writes import lock_with_order
from domain.errors import IllegalMove
from domain.shipments.picking import PickShipment, ToPick, check_pick, units_to_swap
from domain.units import UnitStatus, serial_key


async def pick_shipment(
    db: AsyncConnection, shipment_id: UUID, asked: PickShipment, *, actor: str
) -> UUID:
    """Record which units leave with a pending shipment; the same ones again are no news.

    Returns the shipment that goes on: another one where units are missing of this one. Raises what
    `check_pick` and `report_missing` do, Malformed for serials that no unit of the item has, and
    IllegalMove, saying what and where it is, for a unit that is not free at the line's location. Of
    goods that are only counted in stock any serial is new, or one that is not with a customer.
    """
    order, shipment = await lock_with_order(db, shipment_id)
    lines = await lines_to_pick(db, shipment_id)
    named = [(one.line_id, one.serials or ()) for one in asked.lines]
    named += [(one.line_id, one.serials) for one in asked.shortages]
    scanned = [
        (lines[line].item_id, serial_key(serial))
        for line, serials in named
        if line in lines
        for serial in serials
    ]
    units = await lock_to_pick(db, list(lines), scanned)
    if not _is_known(asked, lines, units):
        await _scan(db, order, shipment, asked, lines, units, scanned, actor)
    if not asked.shortages:
        return shipment_id
    return await report_missing(db, order, shipment, asked.shortages, actor=actor)


async def _scan(
    db: AsyncConnection,
    order: OrderRow,
    shipment: ShipmentRow,
    asked: PickShipment,
    lines: Mapping[UUID, ToPick],
    units: Sequence[UnitRow],
    scanned: Sequence[tuple[UUID, str]],
    actor: str,
) -> None:
    wanted = {one.line_id for one in asked.lines if one.serials is not None}
    check_pick(shipment.number, shipment.status, asked, lines)
    await swap_lots(db, shipment, asked, lines, actor)
    if not wanted:
        await SHIPMENTS.change(db, shipment)
        return
    if await _make_known(db, asked, lines, units):
        units = await lock_to_pick(db, list(lines), scanned)
    chosen = await _chosen(db, asked, lines, units)
    back = [unit for unit in units if unit.shipment_line_id in wanted and unit.id not in chosen]
    await put_back(db, shipment.id, back, actor)
    picked: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for unit in units:
        if (line := chosen.get(unit.id)) is not None and line != unit.shipment_line_id:
            picked[line].append(unit.id)
    for line, ids in picked.items():
        step = pick_step(shipment.id, line, lines[line].location_id, actor)
        await move_units(db, ids, step)
    left = sum(line.missing for line in (await lines_to_pick(db, shipment.id)).values())
    await SHIPMENTS.change(db, shipment)
    data = {"units": len(chosen), "to_pick": left}
    await SHIPMENTS.add_event(db, shipment, "picked", actor, data)
    if not left and any(line.missing for line in lines.values()):
        await wake(db, order)


def _is_known(asked: PickShipment, lines: Mapping[UUID, ToPick], units: Sequence[UnitRow]) -> bool:
    """Whether what is scanned is what has been picked, or is reserved, for the lines already."""
    for one in asked.lines:
        line = lines.get(one.line_id)
        if line is None:
            return False
        if one.serials is None:
            if units_to_swap(line, one, lines):
                return False
        elif {unit.serial_key for unit in units if unit.shipment_line_id == line.id} != {
            serial_key(serial) for serial in one.serials
        }:
            return False
    return True


async def _make_known(
    db: AsyncConnection,
    asked: PickShipment,
    lines: Mapping[UUID, ToPick],
    units: Sequence[UnitRow],
) -> bool:
    """Make the scanned units of goods that are only counted in stock; return whether any are new.

    One after another in the order of their items, in which all units are locked.
    """
    known = {(unit.item_id, unit.serial_key) for unit in units}
    new = False
    for one in sorted(asked.lines, key=lambda one: (lines[one.line_id].item_id, one.line_id)):
        line = lines[one.line_id]
        unknown = [
            serial
            for serial in one.serials or ()
            if line.only_counted and (line.item_id, serial_key(serial)) not in known
        ]
        if unknown:
            place, new = line.location_id, True
            stock = UnitStatus.IN_STOCK
            await add_units(db, line.item_id, unknown, status=stock, location_id=place)
    return new


async def _chosen(
    db: AsyncConnection,
    asked: PickShipment,
    lines: Mapping[UUID, ToPick],
    units: Sequence[UnitRow],
) -> dict[UUID, UUID]:
    """Return the line for which each scanned unit is picked; refuse those that cannot be."""
    named = {one.line_id for one in asked.lines}
    chosen: dict[UUID, UUID] = {}
    for one in asked.lines:
        line = lines[one.line_id]
        if one.serials is None:
            continue
        keys = {serial_key(serial) for serial in one.serials}
        known = {
            unit.serial_key: unit
            for unit in units
            if unit.item_id == line.item_id and unit.serial_key in keys
        }
        if line.only_counted:
            await check_not_elsewhere(db, list(known.values()))
        else:
            await check_there(db, known, one.serials, line.location_id)
        for unit in known.values():
            if unit.shipment_line_id not in (None, *named) or unit.id in chosen:
                words = f"{unit.serial} is picked for another line or shipment"
                raise IllegalMove(
                    words,
                    current_status=unit.status,
                    allowed=[],
                    units=[{"serial": unit.serial, "status": unit.status, "message": words}],
                )
            chosen[unit.id] = line.id
    return chosen
