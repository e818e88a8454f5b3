"""Work on work orders: operations reported, work completed, rejected, and signed off by another."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.moving import BY_OUTCOME, bring_back
from activities.work_orders.telling import go_on, refused, require_free, tell_source
from db.documents import WORK_ORDERS
from db.inventory.units import UnitRow, lock_all
from db.tasks import cancel_tasks, open_task
from db.work_orders.people import find_running, free_staff, workers_of
from db.work_orders.supply import lock_issued
from db.work_orders.tables import OperationRow, WorkOrderRow
from db.work_orders.writes import (
    change_operation,
    get_operation,
    operations_of,
    parts_of,
    reopen_operations,
)
from domain.documents import Kind
from domain.errors import IllegalMove, SamePerson
from domain.quantities import plain
from domain.tasks import TaskKind
from domain.work_orders.checks import failing, judge
from domain.work_orders.requests import CompleteWork, RejectWork, ReportOperation
from domain.work_orders.status import MOST_LOOPS, OperationStatus, Outcome, WorkOrderStatus

S = WorkOrderStatus


async def report_operation(
    db: AsyncConnection,
    found: WorkOrderRow,
    step: OperationRow,
    asked: ReportOperation,
    *,
    actor: str,
) -> None:
    """Write what came of a step of a locked work order; its checks are judged by their limits.

    Once is as good as twice. Raises IllegalMove for work that is not under way, a step that was
    done otherwise, and a done one with a check that has not passed (R10); Malformed for a value
    that is not what its check asks for.
    """
    if found.status != S.IN_PROGRESS:
        raise refused(found, "work is reported that has begun")
    if step.status != OperationStatus.OPEN:
        if step.status == asked.status:
            return
        raise refused(found, f"the operation is {step.status} already")
    checks = judge(step.checks, asked.checks)
    failed = failing(checks) if asked.status is OperationStatus.DONE else []
    if failed:
        raise IllegalMove(
            f"the check {failed[0]} has not passed",
            current_status=step.status,
            allowed=[],
            missing=failed,
        )
    values: dict[str, Any] = {"checks": checks, "note": asked.note or step.note}
    if asked.status is not OperationStatus.OPEN:
        values |= {"status": asked.status, "done_by": actor, "done_at": datetime.now(UTC)}
    await change_operation(db, step.id, **values)
    await WORK_ORDERS.change(db, found)
    data = {"operation_id": step.id, "name": step.name, "status": asked.status}
    what = "operation_reported" if asked.status is OperationStatus.OPEN else "operation_done"
    await WORK_ORDERS.add_event(db, found, what, actor, data)


async def complete_work(
    db: AsyncConnection, found: WorkOrderRow, asked: CompleteWork, *, actor: str
) -> None:
    """Say that all of a locked work order is done; one that needs no sign-off is closed by that.

    Once is as good as twice. Raises IllegalMove with all that is missing.
    """
    if found.status in (S.COMPLETED, S.CLOSED):
        return
    if found.status != S.IN_PROGRESS:
        raise refused(found, "work is completed that has begun")
    await require_free(db, found)
    missing = await _missing(db, found)
    if missing:
        raise refused(found, "; ".join(missing), missing=missing)
    values = {"outcome": asked.outcome, "remedy": asked.remedy, "cause": asked.cause}
    data = {"outcome": asked.outcome, "remedy": asked.remedy}
    await WORK_ORDERS.move(db, found, S.COMPLETED, actor, data, **values)
    if not found.signoff_required:
        await _close(db, await WORK_ORDERS.lock(db, found.id), "system", None)
    await go_on(db, found)


async def _missing(db: AsyncConnection, found: WorkOrderRow) -> list[str]:
    """Return in words all that keeps a locked work order from being complete."""
    missing = [
        f"the operation {step.name} is open"
        for step in await operations_of(db, found.id)
        if step.status == OperationStatus.OPEN
    ]
    missing += [
        f"{plain(part.open)} of {part.sku} are not issued: issue or cancel them"
        for part in await parts_of(db, found.id)
        if part.open
    ]
    missing += [
        f"{unit.serial} lies at the bench: install or return it"
        for unit in await lock_issued(db, found.id)
    ]
    running = await find_running(db, found.id)
    return missing + (["a timer runs: stop it"] if running else [])


async def sign_off(db: AsyncConnection, found: WorkOrderRow, *, actor: str) -> None:
    """Close a locked completed work order, by another person than who worked on it (R6).

    Once is as good as twice. Raises SamePerson, and IllegalMove for work that is not completed.
    """
    if found.status == S.CLOSED:
        return
    if found.status != S.COMPLETED:
        raise refused(found, "what is completed is signed off")
    await require_free(db, found)
    await _require_another(db, found, actor)
    await _close(db, found, actor, actor)
    await go_on(db, found)


async def reject(
    db: AsyncConnection, found: WorkOrderRow, asked: RejectWork, *, actor: str
) -> None:
    """Have steps of a locked completed work order done again; after the third time people decide.

    Raises SamePerson for who has worked on it, and IllegalMove for work that is not completed.
    """
    if found.status != S.COMPLETED:
        raise refused(found, "what is completed is rejected")
    await _require_another(db, found, actor)
    for operation_id in asked.operations:
        await get_operation(db, found.id, operation_id)
    await reopen_operations(db, found.id, asked.operations or None)
    loops = found.loops + 1
    data = {"reason": asked.reason, "loops": loops}
    values = {"loops": loops, "outcome": None}
    await WORK_ORDERS.move(db, found, S.IN_PROGRESS, actor, data, told_as="rejected", **values)
    if loops > MOST_LOOPS:
        facts = {"work_order": found.number, "loops": loops, "reason": asked.reason}
        told = f"{found.number} was rejected {loops} times, now for this: {asked.reason}."
        await open_task(db, TaskKind.REJECTED_OFTEN, Kind.WORK_ORDER, found.id, facts, told=told)
    await go_on(db, found)


async def _require_another(db: AsyncConnection, found: WorkOrderRow, actor: str) -> None:
    if actor in await workers_of(db, found.id):
        raise SamePerson("who has worked on it does not judge it", rule="sign_off")


async def _close(
    db: AsyncConnection, found: WorkOrderRow, actor: str, signed_off_by: str | None
) -> None:
    """End a locked completed work order: its unit goes where it belongs, and its source hears."""
    if found.from_location_id is not None:
        await lock_all(db, UnitRow.id == found.unit_id)
        await bring_back(db, found, BY_OUTCOME[Outcome(found.outcome or "")], actor)
    await free_staff(db, found.id)
    await cancel_tasks(db, found.id, TaskKind.REJECTED_OFTEN)
    data = {"outcome": found.outcome, "remedy": found.remedy, "return_id": found.return_id}
    await WORK_ORDERS.move(db, found, S.CLOSED, actor, data, signed_off_by=signed_off_by)
    await tell_source(db, found)
