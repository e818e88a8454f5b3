"""Serial units that come back: named in a request, scanned when they arrive.

In the caller's transaction, under the locks of the return and its orders; units are locked before
balances. What belongs to no line of the return is refused with words, to be reported as unexpected.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.units import UnitRow, UnitStep, move_units, units_sold_with
from db.returns.tables import ReturnRow
from db.returns.units import awaited_of
from db.returns.writes import GoodsRow, StandingRow
from db.shipments.writes import shipment_lines_of
from domain.documents import Kind
from domain.errors import AlreadyExists, IllegalMove, Malformed
from domain.items import Tracking
from domain.returns.requests import InspectedUnits, ReceivedLine, ReturnLine
from domain.returns.rules import SoldLine
from domain.units import UnitEventKind, UnitStatus, check_serials, serial_key

MOST_ERRORS = 50
"""So many units that are refused are told with their places in a request."""


async def check_named(
    db: AsyncConnection, asked: Sequence[ReturnLine], sold: Mapping[UUID, SoldLine]
) -> None:
    """Raise Malformed unless the serials of a request are of units sold with their lines.

    A line may name its units, and then names all of them. Raises AlreadyExists for a unit that
    another open return waits for; the orders are locked, so that of two at once one is refused.
    """
    named = [line for line in asked if line.serials]
    units = await _with_customers(db, [line.order_line_id for line in named])
    awaited = await awaited_of(db, units)
    for position, line in enumerate(asked):
        if not line.serials:
            continue
        pointer = f"/lines/{position}/serials"
        tracking = sold[line.order_line_id].tracking
        check_serials(tracking, Decimal(line.quantity), line.serials, pointer)
        there = {
            unit.serial_key: unit.id for unit in units if unit.order_line_id == line.order_line_id
        }
        strange = [serial for serial in line.serials if serial_key(serial) not in there]
        if strange:
            raise Malformed(
                f"{strange[0]} was not sold with this line, or the customer has it no more",
                errors=[{"pointer": pointer, "message": "not a unit that the customer has of it"}],
            )
        taken = _awaited(line.serials, there, awaited)
        if taken:
            raise AlreadyExists(
                f"{next(iter(taken.values()))} already",
                errors=[
                    {"pointer": f"{pointer}/{line.serials.index(serial)}", "message": words}
                    for serial, words in list(taken.items())[:MOST_ERRORS]
                ],
                units=_told(taken),
            )


async def receive_units(
    db: AsyncConnection,
    found: ReturnRow,
    goods: Mapping[UUID, GoodsRow],
    asked: Sequence[ReceivedLine],
    actor: str,
) -> None:
    """Take the scanned units of a receipt into quarantine.

    Raises Malformed unless there is a serial for each unit of an item that has them, and
    IllegalMove for a unit that is not one of its line's, or that another open return waits for.
    """
    units = await sold_units_of(db, found, goods.values())
    awaited = await awaited_elsewhere(db, found, units)
    for position, line in enumerate(asked):
        known = goods[line.return_line_id]
        pointer = f"/lines/{position}/serials"
        check_serials(known.tracking, Decimal(line.quantity), line.serials, pointer)
        meant = {serial_key(serial) for serial in known.serials}
        mine = {
            unit.serial_key: unit.id
            for unit in units
            if unit.order_line_id == known.order_line_id and (not meant or unit.serial_key in meant)
        }
        taken = _awaited(line.serials, mine, awaited)
        if taken:
            raise IllegalMove(
                f"{next(iter(taken.values()))}: receive it there",
                current_status=found.status,
                allowed=[],
                units=_told(taken),
            )
        ids = choose(found, mine, line.serials, known.sku, "is no unit that is still expected")
        await move_units(db, ids, received(found, known.id, actor))


def check_inspected(asked: Iterable[InspectedUnits], goods: Mapping[UUID, GoodsRow]) -> None:
    """Raise Malformed unless each inspected unit of an item that has serials is named."""
    for position, units in enumerate(asked):
        tracking = goods[units.return_line_id].tracking
        pointer = f"/lines/{position}/serials"
        check_serials(tracking, Decimal(units.quantity), units.serials, pointer)


async def lock_units_of(db: AsyncConnection, goods: Iterable[GoodsRow | StandingRow]) -> None:
    """Lock the units that were sold with the lines of a return, before each line is looked at."""
    lines = [line.order_line_id for line in goods if line.tracking == Tracking.SERIAL]
    if lines:
        await units_sold_with(db, lines)


async def sold_units_of(
    db: AsyncConnection, found: ReturnRow, goods: Iterable[GoodsRow | StandingRow]
) -> Sequence[UnitRow]:
    """Lock and return the units of lines that customers have, as far as a return can hold them.

    That of an undelivered parcel holds what left in it, and nothing else that was sold so.
    """
    lines = [line.order_line_id for line in goods if line.tracking == Tracking.SERIAL]
    units = await _with_customers(db, lines) if lines else []
    if found.shipment_id is None:
        return units
    parcel = {part.id for part in await shipment_lines_of(db, found.shipment_id)}
    return [unit for unit in units if unit.shipment_line_id in parcel]


async def awaited_elsewhere(
    db: AsyncConnection, found: ReturnRow, units: Sequence[UnitRow]
) -> Mapping[UUID, str]:
    """Return the numbers of the other returns that wait for units, by the unit's id.

    What left in an undelivered parcel is in it, whatever others name.
    """
    if found.shipment_id is not None:
        return {}
    return await awaited_of(db, units, without=found.id)


async def _with_customers(db: AsyncConnection, lines: Sequence[UUID]) -> Sequence[UnitRow]:
    units = await units_sold_with(db, lines)
    return [unit for unit in units if unit.status == UnitStatus.SOLD]


def _awaited(
    serials: Sequence[str], known: Mapping[str, UUID], awaited: Mapping[UUID, str]
) -> dict[str, str]:
    """Return the serials of units that other returns wait for, each with that in words."""
    numbers = {key: awaited[unit] for key, unit in known.items() if unit in awaited}
    return {
        serial: f"{serial} is to come with {numbers[serial_key(serial)]}"
        for serial in serials
        if serial_key(serial) in numbers
    }


def _told(taken: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"serial": serial, "message": words} for serial, words in taken.items()]


def choose(
    found: ReturnRow, known: Mapping[str, UUID], serials: Sequence[str], sku: str, wrong: str
) -> list[UUID]:
    """Return the units with these serials; raise IllegalMove, with what is wrong of one."""
    strange = [serial for serial in serials if serial_key(serial) not in known]
    if strange:
        words = f"{strange[0]} {wrong} of {sku}: report others as unexpected"
        raise IllegalMove(
            words,
            current_status=found.status,
            allowed=[],
            units=[{"serial": one, "message": f"{one} {wrong}"} for one in strange],
        )
    return [known[serial_key(serial)] for serial in serials]


def received(found: ReturnRow, line_id: UUID, actor: str, reason: str = "") -> UnitStep:
    """Return the step of units into a return's quarantine, from their customer or ``revised``."""
    return UnitStep(
        kind=UnitEventKind.MOVED if reason == "revised" else UnitEventKind.RETURNED,
        status=UnitStatus.RETURNED,
        location_id=found.quarantine_id,
        return_line_id=line_id,
        document_type=Kind.RETURN,
        document_id=found.id,
        line_id=line_id,
        reason=reason,
        actor=actor,
    )
