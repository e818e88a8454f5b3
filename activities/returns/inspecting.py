"""Inspection: what became of each unit that came, in the caller's transaction.

A disposition moves the goods out of quarantine; one that is revised moves them back first.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.disposing import dispose, take_back
from activities.returns.lots import LotsWaiting, lot_that_turned_up
from activities.returns.moving import move_goods
from activities.returns.receiving import require
from activities.returns.serials import check_inspected, lock_units_of
from activities.work_orders.withdrawing import withdraw_mending
from db.documents import RETURNS
from db.inventory.movements import Movement
from db.inventory.places import place_id
from db.outbox import signal
from db.returns.lots import LotThere
from db.returns.tables import ReturnRow
from db.returns.writes import (
    GoodsRow,
    StandingRow,
    find_place,
    goods_of,
    lock_return,
    mark_revised,
    standing_of,
    write_disposition,
)
from domain.access import EVERYTHING, Reach
from domain.documents import Document, Kind, Signal
from domain.errors import CurrencyMismatch, IllegalMove, Malformed, NotFound, QuantityExceeded
from domain.inventory import LocationKind, MovementKind
from domain.returns.requests import InspectedUnits, InspectReturn
from domain.returns.rules import one_by_one
from domain.returns.status import Disposition, ResolutionWanted, ReturnStatus

PLACES = {
    Disposition.RESTOCK: LocationKind.STOCK,
    Disposition.REFURBISH: LocationKind.REPAIR,
    Disposition.REPAIR: LocationKind.REPAIR,
    Disposition.RETURN_TO_SUPPLIER: LocationKind.DAMAGED,
}
"""The kinds of locations of the site that goods go to; the others have none."""


async def inspect_return(
    db: AsyncConnection,
    return_id: UUID,
    asked: InspectReturn,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Write what became of units, and move them there; what it revises is moved back first.

    Once the customer gets something for the return, it stays how many units of each line were
    accepted, and what was deducted. Raises NotFound for a line or disposition that is not the
    return's, QuantityExceeded for more units than came, Malformed for a location that does not fit
    and for a deduction of goods that are replaced, CurrencyMismatch for one in another currency
    than the return's, Malformed and IllegalMove for serial units that are not named, or not where
    they have to be, and IllegalMove, also for restocked goods that are promised to orders by now.
    """
    _, found = await lock_return(db, return_id, reach)
    revised = await _revised(db, found, asked.revise)
    # What was given up as lost and turns up after all goes somewhere, also long after the end.
    if not revised or any(each.came for each in revised) or found.status != ReturnStatus.CLOSED:
        require(found, ReturnStatus.RECEIVED, ReturnStatus.INSPECTED)
    await withdraw_mending(db, [each.id for each in revised], actor=actor)
    _check_deductions(asked.lines, found)
    _check_repairs(asked.lines, found)
    before = {line.id: line for line in await goods_of(db, return_id)}
    await lock_units_of(db, before.values())
    movements = [
        move_back(found, each, each.location_id, actor) for each in revised if each.location_id
    ]
    await take_back(db, found, revised, asked.lines, actor)
    await mark_revised(db, [each.id for each in revised])
    waiting = await LotsWaiting.of(db, found, before.values(), revised)
    for each in revised:
        if not each.came:
            lot = await lot_that_turned_up(db, each, asked.lines)
            if lot is not None:
                waiting.add(each.return_line_id, lot.id, lot.code, each.quantity)
            movements.append(_late(found, each, actor, lot))
    _check_units(asked.lines, before, revised)
    check_inspected(asked.lines, before)
    for position, units in one_by_one(asked.lines):
        line = before[units.return_line_id]
        place = await _place(db, found, line, units, position)
        lot_id = waiting.take(line, units, position)
        disposition_id = await write_disposition(db, units, place, actor, lot_id=lot_id)
        await dispose(db, found, line, units, disposition_id, place, actor)
        if place is not None:
            out = move_out(found, line, units, disposition_id, place, actor, lot_id)
            movements.append(out)
    await move_goods(db, found, movements)
    after = await goods_of(db, return_id)
    if found.resolution is not None and any(
        (line.accepted, line.deducted) != (before[line.id].accepted, before[line.id].deducted)
        for line in after
    ):
        raise IllegalMove(
            "what was accepted and deducted stays: the customer gets something for it already",
            current_status=found.status,
            allowed=[],
        )
    await _move_on(db, found, after, revised, actor)


async def _move_on(
    db: AsyncConnection,
    found: ReturnRow,
    goods: Sequence[GoodsRow],
    revised: Sequence[StandingRow],
    actor: str,
) -> None:
    complete = all(line.inspected == line.received for line in goods)
    if revised and not complete and found.status != ReturnStatus.RECEIVED:
        raise IllegalMove(
            "say what becomes of every unit whose disposition is revised",
            current_status=found.status,
            allowed=[],
        )
    if revised:
        data = {"revised": [each.id for each in revised]}
        await RETURNS.add_event(db, found, "disposition_revised", actor, data)
    if complete and found.status == ReturnStatus.RECEIVED:
        accepted = sum(line.accepted for line in goods)
        await RETURNS.move(db, found, ReturnStatus.INSPECTED, actor, {"accepted": accepted})
    else:
        await RETURNS.change(db, found)
    await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)


async def _revised(db: AsyncConnection, found: ReturnRow, ids: Iterable[UUID]) -> list[StandingRow]:
    standing = {each.id: each for each in await standing_of(db, found.id)}
    revised = []
    for disposition_id in dict.fromkeys(ids):
        each = standing.get(disposition_id)
        if each is None:
            raise NotFound(f"the return has no disposition {disposition_id} that counts")
        if each.left_at is not None:
            raise IllegalMove(
                "its goods have left the house", current_status=found.status, allowed=[]
            )
        revised.append(each)
    return revised


def _check_units(
    asked: Iterable[InspectedUnits],
    goods: dict[UUID, GoodsRow],
    revised: Iterable[StandingRow],
) -> None:
    left = Counter({line.id: line.received - line.inspected for line in goods.values()})
    for each in revised:
        left[each.return_line_id] += each.quantity
    for position, units in enumerate(asked):
        line = goods.get(units.return_line_id)
        if line is None:
            raise NotFound(f"the return has no line {units.return_line_id}")
        if units.quantity > left[line.id]:
            pointer = f"/lines/{position}/quantity"
            raise QuantityExceeded(
                f"{left[line.id]} units of {line.sku} wait to be inspected",
                errors=[{"pointer": pointer, "message": "more than wait"}],
                remaining_units=left[line.id],
            )
        left[line.id] -= units.quantity


def _check_deductions(asked: Iterable[InspectedUnits], found: ReturnRow) -> None:
    for position, units in enumerate(asked):
        given, pointer = units.deduction, f"/lines/{position}/deduction"
        if given is None:
            continue
        if found.resolution_wanted == ResolutionWanted.REPLACEMENT:
            raise Malformed(
                "the goods are replaced: there is no money of which something could be kept",
                errors=[{"pointer": pointer, "message": "not of goods that are replaced"}],
            )
        if given.amount.currency != found.currency:
            raise CurrencyMismatch(
                f"the deduction is in {given.amount.currency}, the return in {found.currency}",
                errors=[
                    {
                        "pointer": f"{pointer}/amount/currency",
                        "message": f"must be {found.currency}",
                    }
                ],
            )


def _check_repairs(asked: Iterable[InspectedUnits], found: ReturnRow) -> None:
    """Raise Malformed for a repair that was not promised, and for promised ones that are accepted.

    Whether they can be repaired, the work order says.
    """
    promised = found.resolution_wanted == ResolutionWanted.REPAIR
    for position, units in enumerate(asked):
        if units.disposition is Disposition.REPAIR and not promised:
            errors = [{"pointer": f"/lines/{position}/disposition", "message": "not promised"}]
            raise Malformed("only a return for a claim to be repaired has repairs", errors=errors)
        if units.accepted and promised:
            errors = [{"pointer": f"/lines/{position}/accepted", "message": "must be false"}]
            said = "the goods are to be repaired and stay the customer's: repair, or"
            raise Malformed(f"{said} return_to_customer where nothing is wrong", errors=errors)


async def _place(
    db: AsyncConnection, found: ReturnRow, line: GoodsRow, units: InspectedUnits, position: int
) -> UUID | None:
    """Return where goods go; None when they stay in quarantine."""
    if units.disposition is Disposition.SCRAP:
        return place_id(LocationKind.LOSS)
    kind = PLACES.get(units.disposition)
    if kind is None:
        return None
    place = await find_place(db, found.site_id, kind, line.order_line_id, units.location_id)
    if place is None:
        pointer = f"/lines/{position}/location_id"
        allowed = f"an active {kind} location of the return's site"
        raise Malformed(
            f"{units.disposition} needs {allowed}",
            errors=[{"pointer": pointer, "message": f"must be {allowed}"}],
        )
    return place


def move_out(
    found: ReturnRow,
    line: GoodsRow | StandingRow,
    units: InspectedUnits,
    disposition_id: UUID,
    place: UUID,
    actor: str,
    lot_id: UUID | None,
) -> Movement:
    """Return the movement of units out of quarantine to where they end up."""
    return Movement(
        key=f"disposition/{disposition_id}",
        kind=_kind(units.disposition),
        item_id=line.item_id,
        quantity=units.quantity,
        from_location_id=found.quarantine_id,
        to_location_id=place,
        actor=actor,
        reason=units.note,
        document_type=Kind.RETURN,
        document_id=found.id,
        line_id=line.order_line_id,
        lot_id=lot_id,
    )


def move_back(found: ReturnRow, each: StandingRow, place: UUID, actor: str) -> Movement:
    """Return the movement of units whose disposition is revised back into quarantine."""
    return Movement(
        key=f"revised/{each.id}",
        kind=_kind(each.disposition),
        item_id=each.item_id,
        quantity=each.quantity,
        from_location_id=place,
        to_location_id=found.quarantine_id,
        actor=actor,
        reason="revised",
        document_type=Kind.RETURN,
        document_id=found.id,
        line_id=each.order_line_id,
        lot_id=each.lot_id,
    )


def _late(found: ReturnRow, each: StandingRow, actor: str, lot: LotThere | None) -> Movement:
    """Take goods into quarantine that were given up as lost on their way."""
    return Movement(
        key=f"revised/{each.id}",
        kind=MovementKind.RETURN,
        item_id=each.item_id,
        quantity=each.quantity,
        from_location_id=place_id(LocationKind.CUSTOMER),
        to_location_id=found.quarantine_id,
        actor=actor,
        reason="turned up",
        document_type=Kind.RETURN,
        document_id=found.id,
        line_id=each.order_line_id,
        lot_id=None if lot is None else lot.id,
    )


def _kind(disposition: str) -> MovementKind:
    scrapped = disposition == Disposition.SCRAP
    return MovementKind.SCRAP if scrapped else MovementKind.TRANSFER
