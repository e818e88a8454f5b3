"""The steps of a work order's run: each looks at it under its lock, and does what is due."""

from temporalio import activity

from db.documents import WORK_ORDERS
from db.engine import Database
from db.work_orders.supply import is_ready
from domain.ids import WorkOrderId
from domain.work_orders.status import Progress, WorkOrderStatus


class WorkOrderActivities:
    """What a work order's run does."""

    def __init__(self, books: Database) -> None:
        """Carry work orders in these books."""
        self._books = books

    @activity.defn
    async def look_at_work_order(self, work_order_id: WorkOrderId) -> Progress:
        """Look at a work order; one that lacks parts gets them in its turn, when all are there."""
        async with self._books.begin() as db:
            found = await WORK_ORDERS.lock(db, work_order_id)
            ready = await is_ready(db, found.id)
            return Progress(status=WorkOrderStatus(found.status), ready=ready)
