"""Parcels that come back undelivered: each opens one return, and support says what follows.

Use cases in the caller's transaction, under the lock of the order. The goods never were delivered,
so that no window, fee or request of the customer matters; what is accepted of them is given back or
sent anew as of any return.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.estimating import decision_of
from db.documents import RETURNS
from db.inventory.reads import quarantine_of
from db.orders.tables import OrderRow
from db.outbox import add_messages, signal, start_of
from db.returns.losses import find_owing
from db.returns.parcels import find_return_of, units_of
from db.returns.tables import ReturnRow
from db.returns.writes import GoodsRow, lock_return, write_return
from db.shipments.captures import is_owed
from db.shipments.refunds import paid_for
from db.shipments.tables import ShipmentRow
from db.tasks import TaskRow, answers_first, cancel_tasks, open_task
from domain.answers import UndeliverableAnswer
from domain.documents import Document, Kind, Signal
from domain.ids import LineId, following_id
from domain.orders.status import OrderKind
from domain.returns.requests import ReturnLine
from domain.returns.rules import Window
from domain.returns.status import (
    RUNNING,
    ResolutionWanted,
    ReturnKind,
    ReturnReason,
    ReturnStatus,
    ShipBack,
)
from domain.returns.terms import Terms
from domain.shipments.booking import AnswerDetails
from domain.tasks import Decision, TaskKind

_REFUNDS = (UndeliverableAnswer.REFUND, UndeliverableAnswer.REFUND_WITH_POSTAGE)
_TERMS = Terms(fee_rate=Decimal(0), window=Window(0, 0, None))
"""Nothing is kept of the money, and no window is looked at."""


async def open_return(db: AsyncConnection, order: OrderRow, shipment: ShipmentRow) -> UUID:
    """Open the return of a locked shipment that comes back, authorized at once (returns R4).

    Its units are written off by now. Once is as good as twice, as the return's id follows from the
    shipment's; returns that id.
    """
    return_id = following_id(shipment.id, "return", 0)
    if await find_return_of(db, shipment.id) is not None:
        return return_id
    reason = ReturnReason.UNDELIVERABLE
    lines = [
        ReturnLine(order_line_id=LineId(line_id), quantity=units, reason=reason)
        for line_id, units in (await units_of(db, shipment.id)).items()
    ]
    paid = (await paid_for(db, [shipment.id]))[shipment.id]
    inputs = {
        "shipment": shipment.number,
        "status": shipment.status,
        "value": paid.goods,
        "currency": paid.currency,
    }
    values = {
        "id": return_id,
        "order_id": order.id,
        "customer_id": order.customer_id,
        "site_id": shipment.site_id,
        "quarantine_id": await quarantine_of(db, shipment.site_id),
        "status": ReturnStatus.REQUESTED,
        "kind": ReturnKind.UNDELIVERABLE,
        "resolution_wanted": ResolutionWanted.REFUND,
        "ship_back": ShipBack.CARRIER,
        "currency": order.currency,
        "decision": decision_of("undeliverable", inputs),
        "notes": "",
        "requested_by": "system",
        "shipment_id": shipment.id,
    }
    terms: dict[UUID, Terms] = {line.order_line_id: _TERMS for line in lines}
    made = await write_return(db, values, lines, terms, "system")
    await RETURNS.move(db, made, ReturnStatus.AUTHORIZED, "system", authorized_by="system")
    units = sum(line.quantity for line in lines)
    facts = {"return": made.number, "shipment": shipment.number, "order_id": order.id}
    told = f"{units} units of {shipment.number} come back as {made.number}."
    question = TaskKind.UNDELIVERABLE
    facts = {**facts, "units": units}
    without: tuple[UndeliverableAnswer, ...] = ()
    if order.kind == OrderKind.REPLACEMENT:
        # Nothing was paid for it: the money is owed by the return whose goods it replaces, if any.
        owing = await find_owing(db, order.replaces_return_id)
        without = (UndeliverableAnswer.REFUND_WITH_POSTAGE,) if owing else _REFUNDS
    await open_task(db, question, Kind.RETURN, return_id, facts, told=told, without=without)
    await add_messages(db, start_of(Document(Kind.RETURN, return_id)))
    return return_id


async def settle_undeliverable(
    db: AsyncConnection, task: TaskRow, decision: Decision, details: AnswerDetails
) -> None:
    """Write what the customer gets for what comes back, as support answered.

    Raises IllegalMove for what was not offered or is decided.
    """
    _, found = await lock_return(db, task.document_id)
    if not await answers_first(db, decision):
        return
    address = details.address.model_dump() if details.address else None
    await _answer(db, found, decision.choice, decision.actor, resend_to=address)


async def answer_for(db: AsyncConnection, shipment_id: UUID, choice: str, actor: str) -> None:
    """Write an answer that the question of an older release got about a locked shipment.

    The first one counts, and none where the shipment has opened no return.
    """
    found = await find_return_of(db, shipment_id)
    if found is None:
        return
    _, found = await lock_return(db, found.id)
    if found.parcel_answer is None and found.status in RUNNING:
        await _answer(db, found, choice, actor)
        await cancel_tasks(db, found.id, TaskKind.UNDELIVERABLE, why="it was answered before")


async def _answer(
    db: AsyncConnection, found: ReturnRow, choice: str, actor: str, **values: Any
) -> None:
    if choice == UndeliverableAnswer.RESEND:
        values["resolution_wanted"] = ResolutionWanted.REPLACEMENT
    await RETURNS.change(db, found, parcel_answer=choice, parcel_answered_by=actor, **values)
    await RETURNS.add_event(db, found, "parcel_answered", actor, {"answer": choice})
    await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)


async def waits_for_support(
    db: AsyncConnection, found: ReturnRow, goods: Sequence[GoodsRow]
) -> bool:
    """Whether an inspected return waits until it is said what the customer gets for it.

    Only one of goods that were not delivered; and as long as the money for them could not be taken,
    which nothing is asked for any more once the answer gives it up.
    """
    if found.shipment_id is None:
        return False
    if not any(line.accepted for line in goods):
        await cancel_tasks(db, found.id, TaskKind.UNDELIVERABLE)
        return False
    if found.parcel_answer is None:
        return True
    if not await is_owed(db, found.shipment_id):
        return False
    shipment = Document(Kind.SHIPMENT, found.shipment_id)
    if found.parcel_answer != UndeliverableAnswer.RESEND:
        await signal(db, shipment, Signal.CARRIER_REPORTED)
    return True


async def gives_money_up(db: AsyncConnection, shipment_id: UUID) -> bool:
    """Whether money for a shipment that came back is not asked for any more.

    So it is once support has said that its customer gets no goods for it.
    """
    found = await find_return_of(db, shipment_id)
    answer = found.parcel_answer if found is not None else None
    return answer is not None and answer != UndeliverableAnswer.RESEND


async def signal_return(db: AsyncConnection, shipment_id: UUID) -> None:
    """Have the return of a shipment looked at again, if it has one that is open."""
    found = await find_return_of(db, shipment_id)
    if found is not None and found.status in RUNNING:
        await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)
