"""The time that work takes: timers that are started and stopped, entries, and their corrections."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.telling import go_on, refused
from db.documents import WORK_ORDERS
from db.tasks import open_task
from db.work_orders.people import (
    add_time,
    end_timer,
    find_running,
    find_technician,
    lock_entry,
    mark_corrected,
    technician_of,
)
from db.work_orders.tables import WorkOrderRow
from db.work_orders.technicians import TechnicianRow, TimeEntryRow
from db.work_orders.writes import get_operation
from domain.documents import Kind
from domain.errors import IllegalMove, Malformed
from domain.ids import new_id
from domain.policy import Policy
from domain.tasks import TaskKind
from domain.work_orders.people import RecordTime, StartTimer, StopTimer
from domain.work_orders.status import TIMER_ENDS_AFTER, TimeKind, TimeSource, WorkOrderStatus


async def start_timer(
    db: AsyncConnection, found: WorkOrderRow, asked: StartTimer, policy: Policy, *, actor: str
) -> None:
    """Begin to time a technician on a locked work order that is worked on (R5).

    Raises NotFound, Malformed without a technician, and Overlaps where other time of it runs.
    """
    if found.status != WorkOrderStatus.IN_PROGRESS:
        raise refused(found, "time is taken of work that has begun")
    technician = await _who(db, asked.technician, actor)
    if asked.operation_id is not None:
        await get_operation(db, found.id, asked.operation_id)
    values = {
        **_values(found, technician, asked.operation_id, asked.kind, policy, actor),
        "source": TimeSource.TIMER,
        "since": datetime.now(UTC),
    }
    await add_time(db, values)


async def stop_timer(
    db: AsyncConnection, found: WorkOrderRow, asked: StopTimer, *, actor: str
) -> None:
    """Stop the timer of a technician on a locked work order; raise IllegalMove without one."""
    technician = await _who(db, asked.technician, actor)
    running = await find_running(db, found.id, technician.id)
    if not running:
        raise IllegalMove(
            f"no timer of {technician.code} runs here", current_status=found.status, allowed=[]
        )
    for each in running:
        await end_timer(db, each.id, datetime.now(UTC), actor, asked.note)


async def record_time(
    db: AsyncConnection,
    found: WorkOrderRow,
    entry_id: UUID,
    asked: RecordTime,
    policy: Policy,
    *,
    actor: str,
) -> None:
    """Write time of a technician on a locked work order, or what an entry should have said.

    An entry is corrected also of work that has ended. What corrects one costs by the rate of that.

    Raises NotFound, Malformed for time to come, IllegalMove for an entry that is
    corrected already or runs, and Overlaps where other time of the technician is recorded.
    """
    if asked.until > datetime.now(UTC):
        errors = [{"pointer": "/until", "message": "not in the future"}]
        raise Malformed("time to come was not worked", errors=errors)
    technician = await find_technician(db, code=asked.technician)
    _check_open_to(found, asked, {actor, technician.subject})
    if asked.operation_id is not None:
        await get_operation(db, found.id, asked.operation_id)
    values = {
        **_values(found, technician, asked.operation_id, asked.kind, policy, actor),
        "id": entry_id,
        "source": TimeSource.MANUAL,
        "since": asked.since,
        "until": asked.until,
        "note": asked.note,
        **_rate(technician),
    }
    if asked.corrects_id is not None:
        wrong = await lock_entry(db, found.id, asked.corrects_id)
        if wrong.corrected_by_id is not None or wrong.until is None:
            state = "runs" if wrong.until is None else "was corrected before"
            raise IllegalMove(f"the entry {state}", current_status=found.status, allowed=[])
        await mark_corrected(db, wrong.id, entry_id)
        if wrong.technician_id == technician.id:
            values |= _rate(wrong)
    await add_time(db, values)


def _check_open_to(found: WorkOrderRow, asked: RecordTime, who: set[str | None]) -> None:
    """Raise IllegalMove for time on work that has not begun or has ended, but for corrections.

    Who signed work off has no time on it, then or later (R6).
    """
    if found.status in (WorkOrderStatus.IN_PROGRESS, WorkOrderStatus.COMPLETED):
        return
    ended = found.status in (WorkOrderStatus.CLOSED, WorkOrderStatus.CANCELLED)
    if asked.corrects_id is None or not ended:
        raise refused(found, "time is recorded of work that has begun and is not signed off")
    if found.signed_off_by is not None and found.signed_off_by in who:
        raise refused(found, f"{found.signed_off_by} has signed it off, and has no time on it")


async def end_left_running(db: AsyncConnection, work_order_id: UUID) -> int:
    """Stop timers of a work order that have run for 12 hours, and ask the planner about them.

    They count as long as that and no longer. Returns how many.
    """
    found = await WORK_ORDERS.lock(db, work_order_id)
    late = datetime.now(UTC) - TIMER_ENDS_AFTER
    ended = [each for each in await find_running(db, found.id) if each.since <= late]
    for each in ended:
        await end_timer(db, each.id, each.since + TIMER_ENDS_AFTER, "system", "left running")
    if ended:
        hours = TIMER_ENDS_AFTER // timedelta(hours=1)
        facts = {
            "work_order": found.number,
            "entries": [{"id": each.id, "since": each.since} for each in ended],
        }
        told = f"A timer of {found.number} ran for {hours} hours and was stopped."
        await open_task(db, TaskKind.TIMER_STOPPED, Kind.WORK_ORDER, found.id, facts, told=told)
        await WORK_ORDERS.change(db, found)
        await go_on(db, found)
    return len(ended)


async def _who(db: AsyncConnection, code: str | None, actor: str) -> TechnicianRow:
    """Return the technician who is named, or whose credential asks; raise Malformed without one."""
    code = code or await technician_of(db, actor)
    if code is None:
        errors = [
            {"pointer": "/technician", "message": "needed: your credential is no technician's"}
        ]
        raise Malformed("say which technician works", errors=errors)
    return await find_technician(db, code=code)


def _rate(of: TechnicianRow | TimeEntryRow) -> dict[str, Any]:
    """Return what an hour costs, of a technician now, or of time as it was."""
    return {
        "hourly_rate_amount": of.hourly_rate_amount,
        "hourly_rate_currency": of.hourly_rate_currency,
    }


def _values(
    found: WorkOrderRow,
    technician: TechnicianRow,
    operation_id: UUID | None,
    kind: TimeKind,
    policy: Policy,
    actor: str,
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "work_order_id": found.id,
        "operation_id": operation_id,
        "technician_id": technician.id,
        "technician_no": technician.no,
        "kind": kind,
        "parallel": policy.parallel_timers,
        "recorded_by": actor,
    }
