"""Work on goods of a return that turn out not to be for it: given up as long as it is planned."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.releasing import cancel_work_order
from db.documents import WORK_ORDERS
from db.work_orders.mending import unended_of
from domain.errors import IllegalMove
from domain.work_orders.requests import CancelWork
from domain.work_orders.status import WorkOrderStatus


async def withdraw_mending(
    db: AsyncConnection, dispositions: Sequence[UUID], *, actor: str
) -> None:
    """Give up planned work on goods whose dispositions are revised.

    Raises IllegalMove where it has been released: it is cancelled by its planner first.
    """
    for work_order_id in await unended_of(db, dispositions):
        found = await WORK_ORDERS.lock(db, work_order_id)
        if found.status != WorkOrderStatus.PLANNED:
            raise IllegalMove(
                f"its goods are in work ({found.number}): cancel that first",
                current_status=found.status,
                allowed=[],
            )
        await cancel_work_order(db, found, CancelWork(reason="disposition revised"), actor=actor)
