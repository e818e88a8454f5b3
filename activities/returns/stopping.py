"""Stopped returns: no money by itself for goods of an order of which a chargeback stands."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.refunds.stopping import charged_back_of
from db.documents import RETURNS
from db.outbox import signal
from db.refunds.chargebacks import let_go_at, undecided_chargebacks
from db.refunds.refundable import paid_order
from db.returns.losses import pending_losses, settle_losses
from db.returns.tables import ReturnRow
from db.returns.writes import lock_return
from db.tasks import TaskRow, answers_first, cancel_tasks, open_task
from domain.answers import StoppedAnswer
from domain.documents import Document, Kind, Signal
from domain.errors import AmountExceeded
from domain.money import Money
from domain.returns.status import Resolution
from domain.tasks import Decision, TaskKind


async def stop_return(db: AsyncConnection, found: ReturnRow, order_ids: Collection[UUID]) -> bool:
    """Whether a locked return waits because of chargebacks of its orders; then finance is asked.

    It gives nothing at all then: what it may give at the end is not known before.
    """
    against = await undecided_chargebacks(db, *order_ids)
    answered = await let_go_at(db, found.id) if against else None
    if all(answered and each.recorded_at <= answered for each in against):
        await cancel_tasks(db, found.id, TaskKind.REFUND_STOPPED)
        return False
    facts = {
        "return": found.number,
        "order_id": against[0].order_id,
        **charged_back_of(against, found.currency),
    }
    told = f"The refund for {found.number} waits."
    # Without a chargeback on the order the bank has paid the customer nothing for its goods.
    others = set(order_ids) - {each.order_id for each in against}
    without = (StoppedAnswer.BANK_PAID,) if others else ()
    kind = TaskKind.REFUND_STOPPED
    await open_task(db, kind, Kind.RETURN, found.id, facts, told=told, without=without)
    return True


async def settle_stopped_return(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Let the money for a return go, or close it without, as finance answered.

    Raises AmountExceeded when there is none, and IllegalMove for what was not offered or is
    decided.
    """
    orders, found = await lock_return(db, task.document_id)
    if not await answers_first(db, decision):
        return
    if decision.choice == StoppedAnswer.BANK_PAID:
        resolution = Resolution.SERVED_OTHERWISE
        await settle_losses(db, [each.shipment_id for each in await pending_losses(db, found.id)])
        await RETURNS.change(db, found, resolution=resolution, resolved=found.resolved + 1)
        await RETURNS.add_event(db, found, "resolved", decision.actor, {"resolution": resolution})
    else:
        left = sum([max(0, (await paid_order(db, each)).refundable) for each in orders.values()])
        if not left:
            none = Money(amount=0, currency=found.currency)
            raise AmountExceeded(
                f"{none} can still be given back: the cardholder's bank has taken the rest",
                remaining=none.model_dump(),
            )
    await signal(db, Document(Kind.RETURN, found.id), Signal.RETURN_CHANGED)
