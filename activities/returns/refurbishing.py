"""Goods of returns whose work was given up: for sale again or lost, as the warehouse says."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.disposing import dispose_again
from activities.returns.inspecting import move_back, move_out
from activities.returns.moving import move_goods
from activities.returns.serials import lock_units_of
from db.documents import RETURNS
from db.inventory.places import place_id
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
from db.tasks import TaskRow, answers_first
from db.work_orders.mending import mending_of
from domain.answers import RefurbishedAnswer
from domain.documents import Document, Kind, Signal
from domain.errors import IllegalMove
from domain.ids import ReturnLineId
from domain.inventory import LocationKind
from domain.money import Money
from domain.returns.requests import Deduction, InspectedUnits
from domain.returns.status import Disposition
from domain.tasks import Decision


async def settle_refurbished(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Put goods for sale again, or write them off, as the warehouse answered.

    Another disposition takes the place of the one that sent them to repairs; what the customer gets
    for them stays. Raises IllegalMove where the site has no shelf, and for what was not offered or
    is decided.
    """
    _, found = await lock_return(db, task.document_id)
    if not await answers_first(db, decision):
        return
    mended = decision.choice == RefurbishedAnswer.RESTOCK
    refurbished = [
        each
        for each in await standing_of(db, found.id)
        if each.disposition == Disposition.REFURBISH and each.left_at is None
    ]
    known = await mending_of(db, [each.id for each in refurbished])
    # A release before this one asked about goods without a work order.
    refurbished = [
        each for each in refurbished if (work := known.get(each.id)) is None or work.has_ended
    ]
    await lock_units_of(db, refurbished)
    movements = []
    for each in refurbished:
        end = _end(each, found, decision, mended)
        place = await _place(db, found, each, mended)
        disposition_id = await write_disposition(db, end, place, decision.actor, lot_id=each.lot_id)
        if each.location_id is not None:
            movements.append(move_back(found, each, each.location_id, decision.actor))
        out = move_out(found, each, end, disposition_id, place, decision.actor, each.lot_id)
        movements.append(out)
        became = end.disposition
        await dispose_again(db, found, each, became, disposition_id, place, decision.actor)
    await mark_revised(db, [each.id for each in refurbished])
    await RETURNS.change(db, found)
    data = {"revised": [each.id for each in refurbished], "answer": decision.choice}
    await RETURNS.add_event(db, found, "disposition_revised", decision.actor, data)
    await move_goods(db, found, movements)
    await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)


def _end(each: StandingRow, found: ReturnRow, decision: Decision, mended: bool) -> InspectedUnits:
    """Return what became of units: what was accepted and deducted stays."""
    deducted = Money(amount=each.deduction_amount, currency=found.currency)
    return InspectedUnits(
        return_line_id=ReturnLineId(each.return_line_id),
        quantity=each.quantity,
        disposition=Disposition.RESTOCK if mended else Disposition.SCRAP,
        accepted=each.accepted,
        note=decision.note,
        deduction=Deduction(amount=deducted, reason=each.deduction_reason)
        if each.deduction_amount
        else None,
    )


async def _place(db: AsyncConnection, found: ReturnRow, each: StandingRow, mended: bool) -> UUID:
    if not mended:
        return place_id(LocationKind.LOSS)
    shelf = await find_place(db, found.site_id, LocationKind.STOCK, each.order_line_id, None)
    if shelf is None:
        raise IllegalMove(
            "the return's site has no active stock location",
            current_status=found.status,
            allowed=[RefurbishedAnswer.SCRAP],
        )
    return shelf
