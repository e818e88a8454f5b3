"""Units that adjustments put into the books or take out of them, refused where that cannot be."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.units import UnitRow, UnitStep, add_units, lock_units, move_units
from db.sources import of_source
from domain.access import EVERYTHING, Reach
from domain.errors import AlreadyExists, IllegalMove, Malformed
from domain.inventory import LocationKind
from domain.returns.status import DONE_WITH
from domain.units import Ownership, UnitEventKind, UnitStatus, serial_key, status_at

_PLACES = text(
    """SELECT u.id, coalesce(s.code || '-', '') || l.code FROM units u
    JOIN locations l ON l.id = u.location_id LEFT JOIN sites s ON s.id = l.site_id
    WHERE u.id = ANY (CAST(:units AS uuid[]))"""
)
_COME_BACK = text(
    f"""SELECT u.serial, u.status, r.number,
        CAST(:source AS text) IS NULL OR {of_source("'return'", "r.id")} AS told
    FROM units u JOIN return_lines l ON l.id = u.return_line_id
    JOIN returns r ON r.id = l.return_id LEFT JOIN return_dispositions d ON d.id = u.disposition_id
    WHERE u.id = ANY (CAST(:units AS uuid[]))
        AND (d.id IS NULL OR d.left_at IS NULL AND d.disposition <> ALL (CAST(:done AS text[])))
    ORDER BY u.serial_key"""
)

_AT_WORK = text(
    """SELECT u.serial, u.status, w.number FROM work_orders w JOIN units u ON u.id = w.unit_id
    WHERE u.id = ANY (CAST(:units AS uuid[])) AND w.from_location_id IS NOT NULL
        AND w.status IN ('in_progress', 'completed') ORDER BY u.serial_key"""
)


async def find_entering(
    db: AsyncConnection,
    item_id: UUID,
    serials: Sequence[str],
    *,
    location_id: UUID,
    kind: LocationKind,
) -> list[UUID]:
    """Return the locked units that an adjustment puts to a location, making those not known yet.

    Raises AlreadyExists, saying where it is, for a unit that is somewhere already: one that was
    sold comes back by its return. What was scrapped may be found again.
    """
    fresh = await add_units(db, item_id, serials, status=status_at(kind), location_id=location_id)
    known = await lock_units(db, item_id, serials)
    live = [
        unit
        for unit in known.values()
        if unit.id not in fresh and unit.status != UnitStatus.SCRAPPED
    ]
    if live:
        told = await describe_units(db, live)
        raise AlreadyExists(str(told[0]["message"]), units=told)
    return [unit.id for unit in known.values()]


async def find_leaving(
    db: AsyncConnection,
    item_id: UUID,
    serials: Sequence[str],
    *,
    location_id: UUID,
    reach: Reach = EVERYTHING,
) -> list[UUID]:
    """Return the locked units that an adjustment takes from a location.

    Raises Malformed for a serial that no unit has, and IllegalMove, saying where it is, for one
    that is not there, is picked for a shipment, or came back with a return that is not done with
    it; the return is named to those whose ``reach`` it is in.
    """
    known = await lock_units(db, item_id, serials)
    await check_there(db, known, serials, location_id)
    picked = [unit for unit in known.values() if unit.shipment_line_id is not None]
    if picked:
        raise IllegalMove(
            f"{picked[0].serial} is picked for a shipment: exchange it there first",
            current_status=picked[0].status,
            allowed=[],
            units=[{"serial": one.serial, "message": "picked for a shipment"} for one in picked],
        )
    await check_done_with(db, [unit.id for unit in known.values()], reach)
    await _check_not_in_work(db, [unit.id for unit in known.values()])
    return [unit.id for unit in known.values()]


async def check_done_with(
    db: AsyncConnection, units: Sequence[UUID], reach: Reach = EVERYTHING
) -> None:
    """Raise IllegalMove for units that returns have still to inspect, to mend or to send off."""
    given = {"units": units, "done": sorted(DONE_WITH), "source": reach.source}
    waiting = (await db.execute(_COME_BACK, given)).all()
    if not waiting:
        return
    told = [
        {
            "serial": one.serial,
            "status": one.status,
            "message": f"{one.serial} came back with {one.number if one.told else 'a return'}",
        }
        for one in waiting
    ]
    raise IllegalMove(
        f"{told[0]['message']}, which says what becomes of it: inspect it there, or answer what is"
        " asked about it",
        current_status=waiting[0].status,
        allowed=[],
        units=told,
    )


async def _check_not_in_work(db: AsyncConnection, units: Sequence[UUID]) -> None:
    """Raise IllegalMove for units that were taken from stock for work that has not ended."""
    at_work = (await db.execute(_AT_WORK, {"units": list(units)})).all()
    if at_work:
        words = f"{at_work[0].serial} is worked on ({at_work[0].number}), which says where it goes"
        raise IllegalMove(words, current_status=at_work[0].status, allowed=[])


async def check_there(
    db: AsyncConnection, known: dict[str, UnitRow], serials: Sequence[str], location_id: UUID
) -> None:
    """Raise Malformed for a serial that no unit has, IllegalMove for a unit that is elsewhere."""
    unknown = [serial for serial in serials if serial_key(serial) not in known]
    if unknown:
        raise Malformed(
            f"{unknown[0]} is no unit of this item",
            units=[{"serial": one, "message": f"{one} is no unit of this item"} for one in unknown],
        )
    elsewhere = [unit for unit in known.values() if unit.location_id != location_id]
    if elsewhere:
        told = await describe_units(db, elsewhere)
        status = elsewhere[0].status
        raise IllegalMove(str(told[0]["message"]), current_status=status, allowed=[], units=told)


async def check_not_elsewhere(db: AsyncConnection, units: Sequence[UnitRow]) -> None:
    """Raise IllegalMove for units that are known to be elsewhere than among counted stock.

    Those that customers have, that a return has still to be done with, or that are worked on. Any
    other may lie anywhere in stock: where it was put last says nothing about where it is.
    """
    away = [unit for unit in units if unit.location_id is None]
    if away:
        told = await describe_units(db, away)
        status = away[0].status
        raise IllegalMove(str(told[0]["message"]), current_status=status, allowed=[], units=told)
    ids = [unit.id for unit in units]
    await check_done_with(db, ids)
    await _check_not_in_work(db, ids)


async def describe_units(
    db: AsyncConnection, units: Sequence[UnitRow]
) -> list[dict[str, str | None]]:
    """Say of each unit, in words, what and where it is; of a sold one not who has it."""
    rows = await db.execute(_PLACES, {"units": [unit.id for unit in units]})
    places = {row[0]: row[1] for row in rows}
    told: list[dict[str, str | None]] = []
    for unit in units:
        place = places.get(unit.id)
        if unit.status == UnitStatus.SOLD:
            words = "is sold: it comes back by its return"
        else:
            words = f"is {unit.status.replace('_', ' ')} at {place}"
        told.append(
            {
                "serial": unit.serial,
                "status": unit.status,
                "place": place,
                "message": f"{unit.serial} {words}",
            }
        )
    return told


async def record_adjusted(
    db: AsyncConnection,
    units: Sequence[UUID],
    *,
    location_id: UUID,
    kind: LocationKind,
    entered: bool,
    movement_id: UUID,
    reason: str,
    actor: str,
) -> None:
    """Move the units of a posted adjustment: to the location, or to the place outside."""
    step = UnitStep(
        kind=UnitEventKind.ENTERED if entered else UnitEventKind.REMOVED,
        status=status_at(kind),
        location_id=location_id,
        ownership=Ownership.OWN,
        movement_id=movement_id,
        reason=reason,
        actor=actor,
    )
    await move_units(db, units, step)
