"""Goods of returns that got lost on their way to us: what the customer gets for them all the same.

They count as received and accepted, so that they are given something for once, and come back on no
other return. No stock moves. What turns up later is inspected in the place of the loss.
"""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.absent import accept_absent
from activities.returns.deciding import cancel_return
from activities.returns.keeping import replaced_in_advance
from activities.returns.receiving import require
from activities.returns.replacing import refund_lost, want_instead
from db.documents import ORDERS, RETURNS
from db.orders.tables import OrderRow
from db.outbox import signal
from db.returns.losses import has_losses, owe_instead
from db.returns.tables import ReturnRow
from db.returns.writes import lock_return
from db.tasks import TaskRow, answers_first, cancel_tasks
from domain.answers import LostAnswer
from domain.documents import Document, Kind, Signal
from domain.returns.status import ResolutionWanted, ReturnStatus
from domain.tasks import Decision, TaskKind

_WANTED = {
    LostAnswer.REFUND: ResolutionWanted.REFUND,
    LostAnswer.REPLACE: ResolutionWanted.REPLACEMENT,
}


async def settle_lost_goods(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Give the customer something for goods that got lost, or nothing yet, as support answered.

    Raises IllegalMove for what was not offered or is decided, and for giving a return up whose
    replacement has left.
    """
    orders, found = await lock_return(db, task.document_id)
    if not await answers_first(db, decision):
        return
    match choice := LostAnswer(decision.choice):
        case LostAnswer.REFUND | LostAnswer.REPLACE:
            await _accept(db, orders, found, _WANTED[choice], decision)
        case LostAnswer.CANCEL:
            await cancel_return(db, found.id, decision.note, actor=decision.actor)
        case LostAnswer.WAIT:
            pass


async def _accept(
    db: AsyncConnection,
    orders: Mapping[UUID, OrderRow],
    found: ReturnRow,
    wanted: ResolutionWanted,
    decision: Decision,
) -> None:
    """Accept what has not come of a locked authorized return, as scrapped where it is."""
    require(found, ReturnStatus.AUTHORIZED)
    some_came = found.last_received_at is not None
    if await has_losses(db, found.id):
        await _leave_to_losses(db, found, wanted, decision.actor)
    elif await replaced_in_advance(db, found) is None:
        await want_instead(db, found, wanted, decision.actor)
    if not some_came:
        # Nothing came under the label, so that it costs the customer nothing.
        await RETURNS.change(db, found, label_fee_amount=0)
    lost = await accept_absent(db, found, decision.actor)
    for order in orders.values():
        await ORDERS.change(db, order)
    data = {"units": lost, "answer": decision.choice}
    await RETURNS.add_event(db, found, "goods_lost", decision.actor, data)
    target = ReturnStatus.RECEIVED if some_came else ReturnStatus.INSPECTED
    await RETURNS.move(db, found, target, decision.actor)
    questions = (TaskKind.KEPT_GOODS, TaskKind.FINISH_RECEIVING, TaskKind.LABEL_REFUSED)
    await cancel_tasks(db, found.id, *questions)
    await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)


async def _leave_to_losses(
    db: AsyncConnection, found: ReturnRow, wanted: ResolutionWanted, actor: str
) -> None:
    """Let the answers count about what replaced goods in advance, and got lost as well.

    With money nothing of it waits for stock any more.
    """
    if wanted is ResolutionWanted.REFUND:
        await owe_instead(db, found.id, actor)
        await refund_lost(db, found, actor)
