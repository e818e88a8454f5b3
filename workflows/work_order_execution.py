"""The work order's process, from released to closed; people and stock move it, the run follows."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.work_orders.activities import WorkOrderActivities
    from domain.ids import WorkOrderId
    from domain.work_orders.status import RUNNING, Progress, WorkOrderStatus
    from workflows import renewal
    from workflows.calling import in_database
    from workflows.status import show_status

WAITS = {
    WorkOrderStatus.RELEASED: "Waiting to be started: see its process.",
    WorkOrderStatus.IN_PROGRESS: "Worked on: see its operations.",
    WorkOrderStatus.COMPLETED: "Waiting for another person to sign it off.",
}
LACKS = "Waiting for parts that the site has not: see its process."


@workflow.defn
class WorkOrderExecution:
    """One run per work order that was released: it shows where that is, and what it waits for."""

    @workflow.init
    def __init__(self, work_order_id: WorkOrderId) -> None:
        """Know the work order; news may come before the first step."""
        self._id = work_order_id
        self._news = False

    @workflow.run
    async def run(self, work_order_id: WorkOrderId) -> WorkOrderStatus:
        """Carry the work order to its end and return its last status."""
        while True:
            self._news = False
            progress = await in_database(WorkOrderActivities.look_at_work_order, self._id)
            show_status(progress.status)
            if progress.status not in RUNNING and not self._news:
                return progress.status
            if progress.status in RUNNING:
                workflow.set_current_details(_waits_for(progress))
                await workflow.wait_condition(lambda: self._news)
                if renewal.is_due():
                    workflow.continue_as_new(self._id)

    @workflow.signal(description="The work order has moved, or its parts may be there.")
    def work_order_changed(self) -> None:
        """Look again."""
        self._news = True


def _waits_for(progress: Progress) -> str:
    lacks = not progress.ready and progress.status is not WorkOrderStatus.COMPLETED
    return LACKS if lacks else WAITS.get(progress.status, "Looking again.")
