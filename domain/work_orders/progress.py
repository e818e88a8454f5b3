"""How far work is, computed from its operations: one rule for the view and for completing."""

from collections.abc import Iterable
from typing import NamedTuple

from domain.work_orders.status import OperationStatus, WorkOrderStatus

ENDED = (WorkOrderStatus.COMPLETED, WorkOrderStatus.CLOSED)


class Step(NamedTuple):
    """An operation as progress sees it."""

    status: str
    planned_minutes: int


def progress(status: str, steps: Iterable[Step]) -> int:
    """Return how many percent of the planned minutes are in operations that are done.

    Whole, rounded down; operations weigh alike where no minutes are planned, and those that were
    skipped weigh nothing. 100 is said of what is completed, and of nothing else (work orders R7).
    """
    if status in ENDED:
        return 100
    counted = [step for step in steps if step.status != OperationStatus.SKIPPED]
    timed = any(step.planned_minutes for step in counted)
    total = done = 0
    for step in counted:
        weight = step.planned_minutes if timed else 1
        total += weight
        done += weight if step.status == OperationStatus.DONE else 0
    return min(99, 100 * done // total) if total else 0
