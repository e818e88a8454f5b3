"""Inspected goods that are to be sent off, to customer or supplier: asked about, and booked."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.disposing import leave as units_leave
from activities.returns.moving import missing_in_words
from activities.shipments.following import CARRIER
from db.documents import RETURNS
from db.inventory.movements import Movement
from db.inventory.places import place_id
from db.inventory.posting import post
from db.outbox import signal
from db.returns.labels import (
    drop_label,
    find_live_label,
    numbers_of,
    plan_label,
    retire_label,
    sent_off_at,
)
from db.returns.tables import ReturnRow
from db.returns.writes import StandingRow, count_theirs_again, lock_return, mark_left, standing_of
from db.tasks import TaskRow, answers_first, cancel_tasks, open_task
from db.work_orders.mending import mending_of
from domain.answers import LeavingAnswer, SendBackAnswer
from domain.documents import Document, Kind, Signal
from domain.inventory import LocationKind, MovementKind
from domain.orders.placing import Service
from domain.returns.status import Disposition, LabelDirection
from domain.shipments.booking import AnswerDetails
from domain.tasks import Decision, TaskKind

OUTBOUND = LabelDirection.OUTBOUND
_QUESTIONS = {
    Disposition.RETURN_TO_CUSTOMER: TaskKind.REJECTED_GOODS,
    Disposition.RETURN_TO_SUPPLIER: TaskKind.RETURN_TO_SUPPLIER,
    Disposition.REFURBISH: TaskKind.REFURBISHMENT,
}
_OUTSIDE = {
    TaskKind.REJECTED_GOODS: (Disposition.RETURN_TO_CUSTOMER, LocationKind.CUSTOMER),
    TaskKind.RETURN_TO_SUPPLIER: (Disposition.RETURN_TO_SUPPLIER, LocationKind.SUPPLIER),
}
"""By the question about goods that are to be sent off: which they are, and where they go."""


def waits(each: StandingRow) -> bool:
    """Whether goods wait in the house until the customer has them back, or wants them no more."""
    return each.disposition == Disposition.RETURN_TO_CUSTOMER and each.left_at is None


async def ask_where_goods_go(db: AsyncConnection, found: ReturnRow) -> None:
    """Ask about goods to be sent off, or that were not mended; silent while that is asked.

    Goods that go to the customer under our label leave when the carrier has scanned it; nothing is
    asked about them before, and one that nothing is to be sent with is given back.
    """
    await _book_departure(db, found)
    standing = await standing_of(db, found.id)
    for disposition, question in _QUESTIONS.items():
        goods = [
            each for each in standing if each.disposition == disposition and each.left_at is None
        ]
        if question is TaskKind.REFURBISHMENT:
            # The rest is mended, or will be: only what work has given up is a person's question.
            given_up = await mending_of(db, [each.id for each in goods])
            goods = [each for each in goods if (work := given_up.get(each.id)) and work.has_ended]
        if question is TaskKind.REJECTED_GOODS:
            if not any(each.disposition == disposition for each in standing):
                await drop_label(db, found.id, OUTBOUND)
            elif goods and await _waits_for_scan(db, found):
                continue
        if goods:
            await _ask_about(db, found, question, goods)
        else:
            await cancel_tasks(db, found.id, question)


async def _waits_for_scan(db: AsyncConnection, found: ReturnRow) -> bool:
    """Whether there is a label to the customer that the carrier has yet to scan."""
    if await find_live_label(db, found.id, OUTBOUND) is None:
        return False
    return await sent_off_at(db, found.id) is None


async def ask_how_goods_go(
    db: AsyncConnection, found: ReturnRow, refusal: Mapping[str, str]
) -> None:
    """Ask how goods get to the customer for which the carrier has refused a label, in its words.

    Of those that have left before, and go once more, a deadline asks (db/returns/coming.py).
    """
    goods = [each for each in await standing_of(db, found.id) if waits(each)]
    if goods:
        await _ask_about(db, found, TaskKind.REJECTED_GOODS, goods, refusal)


async def _ask_about(
    db: AsyncConnection,
    found: ReturnRow,
    question: TaskKind,
    goods: Sequence[StandingRow],
    refusal: Mapping[str, str] | None = None,
) -> None:
    facts = {
        "return": found.number,
        "order_id": found.order_id,
        "goods": [
            {
                "return_line_id": each.return_line_id,
                "quantity": each.quantity,
                "note": each.note,
            }
            for each in goods
        ],
        **(refusal or {}),
    }
    told = f"{sum(each.quantity for each in goods)} units of {found.number}."
    told += f" They have no label: {refusal['message']}." if refusal else ""
    await open_task(db, question, Kind.RETURN, found.id, facts, told=told)


async def _book_departure(db: AsyncConnection, found: ReturnRow) -> None:
    """Book that goods have left for the customer, once the carrier has scanned their label.

    What was inspected after that is still in the house.
    """
    sent_off = await sent_off_at(db, found.id)
    if sent_off is None:
        return
    standing = await standing_of(db, found.id)
    goods = [each for each in standing if waits(each) and each.created_at <= sent_off]
    if not goods:
        return
    label = await find_live_label(db, found.id, OUTBOUND)
    numbers = await numbers_of(db, label.id) if label else []
    told = {"answer": LeavingAnswer.SEND, "tracking_numbers": numbers}
    await leave(db, found, goods, actor=CARRIER, told=told)


async def leave(
    db: AsyncConnection,
    found: ReturnRow,
    goods: Sequence[StandingRow],
    *,
    actor: str,
    told: Mapping[str, Any],
    outside: LocationKind = LocationKind.CUSTOMER,
    note: str = "",
) -> None:
    """Book that goods of a locked return have left the house, or are lost (``outside``)."""
    await mark_left(db, [each.id for each in goods])
    await RETURNS.change(db, found)
    data = {"units": sum(each.quantity for each in goods), **told}
    await RETURNS.add_event(db, found, "goods_left", actor, data)
    lost = outside is LocationKind.LOSS
    await units_leave(db, found, goods, scrapped=lost, outside=outside, actor=actor)
    if found.claim_id is not None and outside is LocationKind.CUSTOMER:
        # What was only sent in for a claim is the customer's as before, and may fail once more.
        await count_theirs_again(db, [each.id for each in goods])
    await post(db, [_leave(found, each, outside, actor, note) for each in goods])
    await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)


async def settle_leaving(
    db: AsyncConnection, task: TaskRow, decision: Decision, details: AnswerDetails
) -> None:
    """Book that goods were sent off, or are lost, or have them sent, as who was asked says.

    Raises IllegalMove for goods that are not in the books where they were put.
    """
    _, found = await lock_return(db, task.document_id)
    if not await answers_first(db, decision):
        return
    if decision.choice == LeavingAnswer.SEND:
        await send_back(db, found, decision.actor, details)
        return
    disposition, outside = _OUTSIDE[TaskKind(task.kind)]
    goods = [
        each
        for each in await standing_of(db, found.id)
        if each.disposition == disposition and each.left_at is None
    ]
    if decision.choice == LeavingAnswer.SCRAPPED:
        outside = LocationKind.LOSS
    told = {"answer": decision.choice}
    actor, note = decision.actor, decision.note
    with missing_in_words(found):
        await leave(db, found, goods, actor=actor, told=told, outside=outside, note=note)


async def send_back(
    db: AsyncConnection, found: ReturnRow, actor: str, details: AnswerDetails
) -> None:
    """Have a label bought under which goods of a locked return go to the customer again.

    One before it is given back, or stays with what has left under it.
    """
    if not await drop_label(db, found.id, OUTBOUND):
        await retire_label(db, found.id)
    to = details.address.model_dump() if details.address else None
    await plan_label(db, found.id, Service.GROUND, OUTBOUND, to)
    await RETURNS.change(db, found)
    await RETURNS.add_event(db, found, "send_back_asked", actor, {})
    await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)


async def settle_send_back(
    db: AsyncConnection, task: TaskRow, decision: Decision, details: AnswerDetails
) -> None:
    """Send goods once more that did not reach the customer, or end that, as support answered.

    What has left the house moves no more stock; what was to leave under the label and has not
    leaves as sent, or as lost.
    """
    _, found = await lock_return(db, task.document_id)
    if not await answers_first(db, decision):
        return
    choice = SendBackAnswer(decision.choice)
    data = {"answer": choice}
    await RETURNS.add_event(db, found, "send_back_answered", decision.actor, data)
    # Its run may not have booked the last scan yet.
    await _book_departure(db, found)
    if choice is SendBackAnswer.SEND:
        await send_back(db, found, decision.actor, details)
        return
    lost = choice is SendBackAnswer.SETTLED
    goods = await _under_label(db, found)
    if lost:
        await drop_label(db, found.id, OUTBOUND)
    if choice is not SendBackAnswer.WAIT and goods:
        outside = LocationKind.LOSS if lost else LocationKind.CUSTOMER
        actor, note = decision.actor, decision.note
        await leave(db, found, goods, actor=actor, told=data, outside=outside, note=note)
    else:
        await RETURNS.change(db, found)
        await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)


async def _under_label(db: AsyncConnection, found: ReturnRow) -> Sequence[StandingRow]:
    """Return what is to leave under the label that lives; all that does once it was scanned has."""
    if await sent_off_at(db, found.id) is not None:
        return ()
    return [each for each in await standing_of(db, found.id) if waits(each)]


def _leave(
    found: ReturnRow, each: StandingRow, outside: LocationKind, actor: str, note: str
) -> Movement:
    lost = outside is LocationKind.LOSS
    return Movement(
        key=f"left/{each.id}",
        kind=MovementKind.SCRAP if lost else MovementKind.ISSUE,
        item_id=each.item_id,
        quantity=each.quantity,
        from_location_id=each.location_id or found.quarantine_id,
        to_location_id=place_id(outside),
        actor=actor,
        reason=note,
        document_type=Kind.RETURN,
        document_id=found.id,
        line_id=each.order_line_id,
        lot_id=each.lot_id,
    )
