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
from db.returns.writes import GoodsRow
from domain.documents import Kind
from domain.errors import IllegalMove, Malformed
from domain.items import Tracking
from domain.returns.requests import ReceivedLine, ReturnLine
from domain.returns.rules import SoldLine
from domain.units import UnitEventKind, UnitStatus, check_serials, serial_key


async def check_named(
    db: AsyncConnection, asked: Sequence[ReturnLine], sold: Mapping[UUID, SoldLine]
) -> None:
    """Raise Malformed unless the serials of a request are of units sold with their lines.

    A line may name its units, and then names all of them.
    """
    named = [line for line in asked if line.serials]
    units = await units_sold_with(db, [line.order_line_id for line in named])
    for position, line in enumerate(asked):
        if not line.serials:
            continue
        pointer = f"/lines/{position}/serials"
        tracking = sold[line.order_line_id].tracking
        check_serials(tracking, Decimal(line.quantity), line.serials, pointer)
        there = {
            unit.serial_key
            for unit in units
            if unit.order_line_id == line.order_line_id and unit.status == UnitStatus.SOLD
        }
        strange = [serial for serial in line.serials if serial_key(serial) not in there]
        if strange:
            raise Malformed(
                f"{strange[0]} was not sold with this line, or the customer has it no more",
                errors=[{"pointer": pointer, "message": "not a unit that the customer has of it"}],
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
    IllegalMove for a unit that is not one of its line's.
    """
    units = await sold_units_of(db, goods.values())
    for position, line in enumerate(asked):
        known = goods[line.return_line_id]
        pointer = f"/lines/{position}/serials"
        check_serials(known.tracking, Decimal(line.quantity), line.serials, pointer)
        meant = {serial_key(serial) for serial in known.serials}
        mine = {
            unit.serial_key: unit.id
            for unit in units
            if unit.order_line_id == known.order_line_id
            and unit.status == UnitStatus.SOLD
            and (not meant or unit.serial_key in meant)
        }
        ids = choose(found, mine, line.serials, known.sku, "is no unit that is still expected")
        await move_units(db, ids, received(found, known.id, actor))


async def sold_units_of(db: AsyncConnection, goods: Iterable[GoodsRow]) -> Sequence[UnitRow]:
    """Lock and return the units that were sold with the lines of items that have serials."""
    lines = [line.order_line_id for line in goods if line.tracking == Tracking.SERIAL]
    return await units_sold_with(db, lines) if lines else []


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
