"""Answers about orders that have waited for stock for long."""

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders.cancelling import cancel_lines
from db.documents import ORDERS
from db.orders.backorders import backordered_by_line
from db.tasks import TaskRow, answers_first
from domain.answers import BackorderAnswer
from domain.ids import LineId
from domain.orders.cancelling import CancelLine, LineCancellation
from domain.orders.status import CancelReason
from domain.tasks import Decision


async def settle_backorder(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Cancel what an order waits for, or let it wait on, as support answered.

    What has come meanwhile stays. Raises IllegalMove for an order that is being cancelled.
    """
    order = await ORDERS.lock(db, task.document_id)
    if not await answers_first(db, decision):
        return
    lacking = await backordered_by_line(db, order.id)
    if decision.choice == BackorderAnswer.CANCEL and lacking:
        lines = tuple(
            CancelLine(order_line_id=LineId(line_id), quantity=units)
            for line_id, units in lacking.items()
        )
        reason = CancelReason.OUT_OF_STOCK
        asked = LineCancellation(reason=reason, actor=decision.actor, lines=lines)
        await cancel_lines(db, order, asked)
