"""Serial units of returns by their dispositions: where each one ends up, and leaves from.

In the caller's transaction, under the locks of the return and its orders, before balances.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.serials import (
    awaited_elsewhere,
    choose,
    received,
    sold_units_of,
)
from db.inventory.places import place_id
from db.inventory.units import (
    UnitRow,
    UnitStep,
    move_units,
    units_disposed_by,
    units_sold_with,
)
from db.returns.tables import ReturnRow
from db.returns.writes import GoodsRow, StandingRow
from domain.documents import Kind
from domain.errors import IllegalMove
from domain.inventory import LocationKind
from domain.items import Tracking
from domain.returns.requests import InspectedUnits
from domain.returns.status import STAY_THEIRS, Disposition
from domain.units import Ownership, UnitEventKind, UnitStatus, serial_key

STATUS = {
    Disposition.RESTOCK: UnitStatus.IN_STOCK,
    Disposition.REFURBISH: UnitStatus.IN_REPAIR,
    Disposition.REPAIR: UnitStatus.IN_REPAIR,
    Disposition.SCRAP: UnitStatus.SCRAPPED,
    Disposition.RETURN_TO_SUPPLIER: UnitStatus.QUARANTINED,
    Disposition.RETURN_TO_CUSTOMER: UnitStatus.RETURNED,
}
"""What a unit becomes by its disposition."""


async def take_back(
    db: AsyncConnection,
    found: ReturnRow,
    revised: Sequence[StandingRow],
    asked: Sequence[InspectedUnits],
    actor: str,
) -> None:
    """Take units whose dispositions are revised back into quarantine.

    Of those given up as lost, what has turned up is what ``asked`` names. Raises IllegalMove when
    a unit is no more where its disposition put it.
    """
    tracked = [each for each in revised if each.tracking == Tracking.SERIAL]
    placed = await units_disposed_by(db, [each.id for each in tracked])
    for each in tracked:
        if not each.came:
            await _turn_up(db, found, each, placed, asked, actor)
            continue
        ids = [
            unit.id
            for unit in placed
            if unit.disposition_id == each.id
            and unit.location_id == (each.location_id or found.quarantine_id)
        ]
        if len(ids) != each.quantity:
            raise IllegalMove(
                "a unit is no more where its disposition put it: see its history",
                current_status=found.status,
                allowed=[],
            )
        await move_units(db, ids, received(found, each.return_line_id, actor, "revised"))


async def dispose(
    db: AsyncConnection,
    found: ReturnRow,
    line: GoodsRow,
    units: InspectedUnits,
    disposition_id: UUID,
    place: UUID | None,
    actor: str,
) -> None:
    """Move the inspected units of a line to where they end up.

    Raises IllegalMove for one that does not wait to be inspected.
    """
    if not units.serials:
        return
    waiting = {
        unit.serial_key: unit.id
        for unit in await units_sold_with(db, [line.order_line_id])
        if unit.status == UnitStatus.RETURNED
        and unit.return_line_id == line.id
        and unit.disposition_id is None
    }
    ids = choose(found, waiting, units.serials, line.sku, "does not wait to be inspected")
    step = _disposed(found, line.id, units.disposition, disposition_id, place, actor)
    await move_units(db, ids, step)


async def dispose_again(
    db: AsyncConnection,
    found: ReturnRow,
    each: StandingRow,
    end: Disposition,
    disposition_id: UUID,
    place: UUID,
    actor: str,
) -> None:
    """Move the units of a disposition to where the one that takes its place puts them."""
    ids = _all_of(each, await units_disposed_by(db, [each.id]))
    step = _disposed(found, each.return_line_id, end, disposition_id, place, actor)
    await move_units(db, ids, step)


async def lose_absent(
    db: AsyncConnection,
    found: ReturnRow,
    line: GoodsRow,
    quantity: int,
    disposition_id: UUID,
    actor: str,
) -> None:
    """Book the units of a line that got lost on their way, where it is known which ones they are.

    Others stay with their customer in the books.
    """
    meant = {serial_key(serial) for serial in line.serials}
    units = await sold_units_of(db, found, [line])
    awaited = await awaited_elsewhere(db, found, units)
    absent = [
        unit.id
        for unit in units
        if unit.id not in awaited and (not meant or unit.serial_key in meant)
    ]
    if len(absent) == quantity:
        scrap = Disposition.SCRAP
        loss = place_id(LocationKind.LOSS)
        step = _disposed(found, line.id, scrap, disposition_id, loss, actor)
        await move_units(db, absent, replace(step, kind=UnitEventKind.LOST))


async def leave(
    db: AsyncConnection,
    found: ReturnRow,
    goods: Sequence[StandingRow],
    *,
    scrapped: bool,
    outside: LocationKind,
    actor: str,
) -> None:
    """Book that units were sent off, to their customer or the supplier, or are lost."""
    to_customer = outside is LocationKind.CUSTOMER and not scrapped
    place = None if to_customer else place_id(LocationKind.LOSS if scrapped else outside)
    units = await units_disposed_by(db, [each.id for each in goods])
    for each in goods:
        step = UnitStep(
            kind=UnitEventKind.SENT_BACK if to_customer else UnitEventKind.MOVED,
            status=UnitStatus.SOLD if to_customer else UnitStatus.SCRAPPED,
            location_id=place,
            holder_customer_id=found.customer_id if to_customer else None,
            ownership=Ownership.OWN,
            return_line_id=each.return_line_id,
            disposition_id=each.id,
            document_type=Kind.RETURN,
            document_id=found.id,
            line_id=each.return_line_id,
            reason=each.disposition,
            actor=actor,
        )
        await move_units(db, _all_of(each, units), step)


def _all_of(each: StandingRow, units: Sequence[UnitRow]) -> list[UUID]:
    """Return the units of a disposition; its goods move with all of them, or not at all.

    Raises RuntimeError otherwise: nothing takes a unit from a return that is not done with it.
    """
    ids = [unit.id for unit in units if unit.disposition_id == each.id]
    if each.tracking == Tracking.SERIAL and len(ids) != each.quantity:
        raise RuntimeError(
            f"{each.quantity} units have the disposition {each.id}, of which {len(ids)} are there"
        )
    return ids


async def _turn_up(
    db: AsyncConnection,
    found: ReturnRow,
    each: StandingRow,
    placed: Sequence[UnitRow],
    asked: Sequence[InspectedUnits],
    actor: str,
) -> None:
    named = {
        serial_key(serial)
        for units in asked
        if units.return_line_id == each.return_line_id
        for serial in units.serials
    }
    lost = [unit.id for unit in placed if unit.disposition_id == each.id]
    with_customer = [
        unit.id for unit in await sold_units_of(db, found, [each]) if unit.serial_key in named
    ]
    ids = lost or with_customer[: each.quantity]
    if len(ids) != each.quantity:
        raise IllegalMove(
            f"name each unit that has turned up, {each.quantity} in all: one that was counted in"
            " since is where its history says",
            current_status=found.status,
            allowed=[],
        )
    await move_units(db, ids, received(found, each.return_line_id, actor, "turned up"))


def _disposed(
    found: ReturnRow,
    line_id: UUID,
    disposition: Disposition,
    disposition_id: UUID,
    place: UUID | None,
    actor: str,
) -> UnitStep:
    return UnitStep(
        kind=UnitEventKind.MOVED,
        status=STATUS[disposition],
        ownership=Ownership.CUSTOMER if disposition in STAY_THEIRS else Ownership.OWN,
        location_id=place or found.quarantine_id,
        return_line_id=line_id,
        disposition_id=disposition_id,
        document_type=Kind.RETURN,
        document_id=found.id,
        line_id=line_id,
        reason=disposition,
        actor=actor,
    )
