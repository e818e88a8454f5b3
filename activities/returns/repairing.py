"""Goods of returns that are mended here: by a work order for each, and what follows from its end.

Goods of the house's own are for sale again once they are refurbished. What is a customer's own goes
back to it repaired, under a label of ours; what cannot be repaired is support's question.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.disposing import dispose_again
from activities.returns.inspecting import move_back, move_out
from activities.returns.leaving import send_back
from activities.returns.moving import move_goods
from activities.returns.replacing import want_instead
from activities.returns.serials import lock_units_of
from activities.work_orders.accepting import Goods, open_work_order
from db.claims.writes import settled_by
from db.documents import ORDERS, RETURNS
from db.inventory.movements import Movement
from db.inventory.places import place_id
from db.inventory.units import units_disposed_by
from db.outbox import signal
from db.returns.tables import ReturnRow
from db.returns.writes import (
    StandingRow,
    find_place,
    lock_return,
    mark_revised,
    standing_of,
    write_disposition,
)
from db.tasks import TaskRow, answers_first, open_task
from db.work_orders.mending import Mending, all_without_fault, is_in_work, mending_of
from domain.answers import RepairAnswer
from domain.claims.judging import instead_of_repair
from domain.documents import Document, Kind, Signal
from domain.ids import ReturnLineId, derived_id
from domain.inventory import LocationKind
from domain.orders.status import OrderKind
from domain.returns.requests import InspectedUnits
from domain.returns.status import Disposition, Resolution, ResolutionWanted
from domain.shipments.booking import AnswerDetails
from domain.tasks import Decision, TaskKind
from domain.warranties.terms import Settlement
from domain.work_orders.status import Outcome, WorkOrderKind, WorkOrderStatus

MENDED_HERE = {
    Disposition.REFURBISH: WorkOrderKind.REFURBISH,
    Disposition.REPAIR: WorkOrderKind.REPAIR,
}
REPAIRED_WITHIN = timedelta(days=10)
"""By so many days after its inspection a repair is due."""


async def mend(db: AsyncConnection, found: ReturnRow) -> None:
    """Open a work order for goods of a locked return that are to be mended, and follow its end."""
    goods = [
        each
        for each in await standing_of(db, found.id)
        if each.disposition in MENDED_HERE and each.left_at is None
    ]
    if not goods:
        return
    known = await mending_of(db, [each.id for each in goods])
    await lock_units_of(db, goods)
    for each in goods:
        work = known.get(each.id)
        if work is None:
            await _open(db, found, each)
        elif each.disposition == Disposition.REFURBISH and _is_mended(work):
            await _end(db, found, [each], Disposition.RESTOCK, accepted=each.accepted, note="")
        elif each.disposition == Disposition.REPAIR and _is_mended(work):
            await _send_repaired(db, found, each, work)
        elif each.disposition == Disposition.REPAIR and work.has_ended:
            await _ask_instead(db, found, each, work)


def _is_mended(work: Mending) -> bool:
    return work.status == WorkOrderStatus.CLOSED and work.outcome != Outcome.UNREPAIRABLE


async def _open(db: AsyncConnection, found: ReturnRow, each: StandingRow) -> None:
    units = await units_disposed_by(db, [each.id])
    # A unit is in one work order: while another one that was planned before has not ended, this one
    # is about the goods as such.
    alone = len(units) == 1 and not await is_in_work(db, units[0].id)
    theirs = each.disposition == Disposition.REPAIR
    goods = Goods(
        return_id=found.id,
        disposition_id=each.id,
        customer_id=found.customer_id if theirs else None,
        site_id=found.site_id,
        item_id=each.item_id,
        unit_id=units[0].id if alone else None,
        quantity=each.quantity,
    )
    due = datetime.now(UTC).date() + REPAIRED_WITHIN if theirs else None
    await open_work_order(
        db,
        derived_id(each.id, "work_order"),
        MENDED_HERE[Disposition(each.disposition)],
        goods,
        f"Goods of {found.number}",
        problem=each.note,
        due_on=due,
    )


async def _send_repaired(
    db: AsyncConnection, found: ReturnRow, each: StandingRow, work: Mending
) -> None:
    """Have repaired goods go back to the customer; those without a fault, too."""
    note = work.remedy
    await _end(db, found, [each], Disposition.RETURN_TO_CUSTOMER, accepted=False, note=note)
    if await all_without_fault(db, found.id):
        found = await RETURNS.lock(db, found.id)
        await RETURNS.change(db, found, resolution=Resolution.REJECTED)
        data = {"resolution": Resolution.REJECTED}
        await RETURNS.add_event(db, found, "resolved", "system", data)
    await send_back(db, await RETURNS.lock(db, found.id), "system", AnswerDetails())


async def _ask_instead(
    db: AsyncConnection, found: ReturnRow, each: StandingRow, work: Mending
) -> None:
    facts = {
        "return": found.number,
        "order_id": found.order_id,
        "work_order": work.number,
        "outcome": work.outcome or work.status,
        "remedy": work.remedy,
        "cause": work.cause,
    }
    said = work.cause or work.remedy or work.cancel_reason
    units = "1 unit" if each.quantity == 1 else f"{each.quantity} units"
    told = f"{units} of {found.number} not repaired ({work.number})"
    told += f": {said}." if said else "."
    order = await ORDERS.lock(db, found.order_id)
    settle_by = await settled_by(db, found.claim_id) if found.claim_id else list(Settlement)
    offered = instead_of_repair(settle_by, unpaid=order.kind == OrderKind.REPLACEMENT)
    facts["preferred"] = offered[0]
    without = set(RepairAnswer) - set(offered)
    kind = TaskKind.REPAIR_FAILED
    await open_task(db, kind, Kind.RETURN, found.id, facts, told=told, without=without)


async def begin_repair(db: AsyncConnection, found: ReturnRow) -> None:
    """Set in motion what a locked inspected return promised: goods that are mended go back so."""
    standing = await standing_of(db, found.id)
    repaired = any(each.disposition == Disposition.REPAIR for each in standing)
    resolution = Resolution.REPAIR if repaired else Resolution.REJECTED
    await RETURNS.change(db, found, resolution=resolution, resolved=found.resolved + 1)
    await RETURNS.add_event(db, found, "resolved", "system", {"resolution": resolution})


async def settle_failed_repair(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Replace or refund goods that were not repaired, or send them back, as support answered.

    The customer gets nothing for goods that come back; the others stay here as lost.
    """
    _, found = await lock_return(db, task.document_id)
    if not await answers_first(db, decision):
        return
    known = await standing_of(db, found.id)
    repairs = [each for each in known if each.disposition == Disposition.REPAIR]
    works = await mending_of(db, [each.id for each in repairs])
    # What was repaired meanwhile goes back to its customer, whatever becomes of the rest.
    goods = [
        each
        for each in repairs
        if (work := works.get(each.id)) and work.has_ended and not _is_mended(work)
    ]
    await lock_units_of(db, goods)
    choice = RepairAnswer(decision.choice)
    note = decision.note
    if choice is RepairAnswer.SEND_BACK:
        await _end(db, found, goods, Disposition.RETURN_TO_CUSTOMER, accepted=False, note=note)
        found = await RETURNS.lock(db, found.id)
        await RETURNS.change(db, found, resolution=Resolution.SERVED_OTHERWISE)
        await send_back(db, await RETURNS.lock(db, found.id), decision.actor, AnswerDetails())
        return
    await _end(db, found, goods, Disposition.SCRAP, accepted=True, note=note)
    wanted = (
        ResolutionWanted.REFUND if choice is RepairAnswer.REFUND else ResolutionWanted.REPLACEMENT
    )
    await want_instead(db, await RETURNS.lock(db, found.id), wanted, decision.actor)
    await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)


async def _end(
    db: AsyncConnection,
    found: ReturnRow,
    goods: Sequence[StandingRow],
    end: Disposition,
    *,
    accepted: bool,
    note: str,
) -> None:
    """Let another disposition take the place of the one that sent goods to be mended."""
    movements = []
    for each in goods:
        units = InspectedUnits(
            return_line_id=ReturnLineId(each.return_line_id),
            quantity=each.quantity,
            disposition=end,
            accepted=accepted,
            note=note[:1000],
        )
        place = await _place(db, found, each, end)
        disposition_id = await write_disposition(db, units, place, "system", lot_id=each.lot_id)
        if each.location_id is not None:
            movements.append(move_back(found, each, each.location_id, "system"))
        if place is not None:
            movements.append(_out(found, each, units, disposition_id, place))
        at = place or found.quarantine_id
        await dispose_again(db, found, each, end, disposition_id, at, "system")
    await mark_revised(db, [each.id for each in goods])
    await RETURNS.change(db, found)
    data = {"revised": [each.id for each in goods], "answer": end}
    await RETURNS.add_event(db, found, "disposition_revised", "system", data)
    await move_goods(db, found, movements)


def _out(
    found: ReturnRow, each: StandingRow, units: InspectedUnits, disposition_id: UUID, place: UUID
) -> Movement:
    return move_out(found, each, units, disposition_id, place, "system", each.lot_id)


async def _place(
    db: AsyncConnection, found: ReturnRow, each: StandingRow, end: Disposition
) -> UUID | None:
    if end is Disposition.SCRAP:
        return place_id(LocationKind.LOSS)
    if end is Disposition.RESTOCK:
        return await find_place(db, found.site_id, LocationKind.STOCK, each.order_line_id, None)
    return None
