"""Who works on work orders: technicians, when they are planned, and the time that they took."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from sqlalchemy import Select, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.failures import violated
from db.metadata import columns_of, priced_as
from db.work_orders.technicians import AssignmentRow, TechnicianRow, TimeEntryRow
from domain.errors import AlreadyExists, NotFound, Overlaps
from domain.work_orders.people import CreateTechnician, Skill
from domain.work_orders.staffing import Busy, Staff, skill_key
from domain.work_orders.status import TIMER_ENDS_AFTER

TECHNICIANS = select(TechnicianRow.__table__)


def search_technicians(*, site_id: UUID | None, active: bool | None) -> Select[Any]:
    """Select technicians, narrowed by what is given."""
    query = TECHNICIANS
    if site_id is not None:
        query = query.where(TechnicianRow.site_id == site_id)
    return query if active is None else query.where(TechnicianRow.active.is_(active))


async def add_technician(
    db: AsyncConnection, technician_id: UUID, site_id: UUID, asked: CreateTechnician
) -> None:
    """Add a technician; raise AlreadyExists with the id of the one of that code."""
    values = {
        "id": technician_id,
        "code": asked.code,
        "site_id": site_id,
        "subject": asked.subject,
        "capacity_minutes": asked.capacity_minutes,
        "skills": stored_skills(asked.skills),
        **priced_as("hourly_rate", asked.hourly_rate),
    }
    made = insert(TechnicianRow).values(**values).on_conflict_do_nothing()
    if (await db.execute(made.returning(TechnicianRow.id))).one_or_none() is None:
        first = await find_technician(db, code=asked.code)
        raise AlreadyExists(f"there is a technician {asked.code}", id=str(first.id))


def stored_skills(skills: Sequence[Skill]) -> list[dict[str, Any]]:
    """Return skills as a technician's row has them."""
    return [skill.model_dump(mode="json") for skill in skills]


def skills_of(row: TechnicianRow) -> Mapping[str, date | None]:
    """Return until when a technician has each skill, by its key; None for ever."""
    skills = [Skill.stored(skill) for skill in row.skills]
    return {skill_key(skill.skill): skill.valid_until for skill in skills}


async def find_technician(
    db: AsyncConnection, *, code: str | None = None, technician_id: UUID | None = None
) -> TechnicianRow:
    """Lock and return a technician by its code or id; raise NotFound.

    What is written of a technician's time is written one after the other.
    """
    which = TechnicianRow.code == code if code is not None else TechnicianRow.id == technician_id
    found = (await db.execute(TECHNICIANS.where(which).with_for_update())).one_or_none()
    if found is None:
        raise NotFound(f"there is no technician {code or technician_id}")
    return cast(TechnicianRow, found)


async def get_technician(db: AsyncConnection, technician_id: UUID) -> TechnicianRow:
    """Return a technician; raise NotFound."""
    query = TECHNICIANS.where(TechnicianRow.id == technician_id)
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no technician {technician_id}")
    return cast(TechnicianRow, found)


async def technician_of(db: AsyncConnection, subject: str) -> str | None:
    """Return the code of the technician who has this credential, if there is just one."""
    query = select(TechnicianRow.code).where(TechnicianRow.subject == subject).limit(2)
    found = (await db.execute(query)).scalars().all()
    return found[0] if len(found) == 1 else None


async def change_technician(
    db: AsyncConnection, row: TechnicianRow, values: Mapping[str, Any]
) -> None:
    """Write columns of a locked technician."""
    changed = update(columns_of(TechnicianRow)).where(TechnicianRow.id == row.id)
    await db.execute(changed.values(version=row.version + 1, **values))


async def add_assignment(db: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Write when a technician is planned to work; raise Overlaps where it is planned elsewhere."""
    try:
        await db.execute(insert(AssignmentRow).values(**values))
    except IntegrityError as error:
        if violated(error) != "ex_assignments_period":
            raise
        raise Overlaps("the technician is planned elsewhere at that time") from error


_END = {
    True: text(
        """UPDATE assignments SET cancelled_at = now() WHERE work_order_id = :work_order
        AND cancelled_at IS NULL AND until > now()"""
    ),
    False: text(
        """UPDATE assignments SET cancelled_at = now() WHERE work_order_id = :work_order
        AND cancelled_at IS NULL AND operation_id IS NOT DISTINCT FROM :operation"""
    ),
}


async def replace_assignment(
    db: AsyncConnection, work_order_id: UUID, operation_id: UUID | None
) -> None:
    """Take back who was planned for a step, or for the rest, of a locked work order."""
    await db.execute(_END[False], {"work_order": work_order_id, "operation": operation_id})


async def free_staff(db: AsyncConnection, work_order_id: UUID) -> None:
    """Take back what is planned from now on for a work order that has ended."""
    await db.execute(_END[True], {"work_order": work_order_id})


class Planned(NamedTuple):
    """Who is planned for a step of a work order, or (without one) for the rest of it."""

    operation_id: UUID | None
    until: datetime
    technician_id: UUID


_PLANNED = text(
    """SELECT operation_id, until, technician_id FROM assignments
    WHERE work_order_id = :work_order AND cancelled_at IS NULL"""
)


async def planned_for(db: AsyncConnection, work_order_id: UUID) -> list[Planned]:
    """Return who is planned for a work order."""
    return [Planned(*row) for row in await db.execute(_PLANNED, {"work_order": work_order_id})]


async def staff_of(db: AsyncConnection, site_id: UUID, after: datetime) -> list[Staff]:
    """Return the active technicians of a site with what is planned with each from then on."""
    technicians = (
        await db.execute(search_technicians(site_id=site_id, active=True).limit(1000))
    ).all()
    query = (
        select(AssignmentRow.technician_id, AssignmentRow.since, AssignmentRow.until)
        .where(
            AssignmentRow.technician_id.in_([row.id for row in technicians]),
            AssignmentRow.cancelled_at.is_(None),
            AssignmentRow.until > after,
        )
        .order_by(AssignmentRow.since)
    )
    busy: dict[UUID, list[Busy]] = {row.id: [] for row in technicians}
    for row in await db.execute(query):
        busy[row.technician_id].append(Busy(row.since, row.until))
    return [
        Staff(row.id, row.code, skills_of(cast(TechnicianRow, row)), busy[row.id])
        for row in technicians
    ]


_LOAD = text(
    """SELECT d::date AS day, coalesce(sum(extract(epoch FROM
        least(a.until, d + interval '1 day') - greatest(a.since, d)))
        FILTER (WHERE a.id IS NOT NULL), 0)::bigint / 60 AS minutes
    FROM generate_series(CAST(:first AS timestamptz),
        CAST(:first AS timestamptz) + make_interval(days => :days - 1), '1 day') d
    LEFT JOIN assignments a ON a.technician_id = :technician AND a.cancelled_at IS NULL
        AND a.since < d + interval '1 day' AND a.until > d
    GROUP BY d ORDER BY d"""
)


async def load_of(
    db: AsyncConnection, technician_id: UUID, first: datetime, days: int
) -> list[tuple[date, int]]:
    """Return the minutes that are planned with a technician on each of so many days, by UTC."""
    given = {"technician": technician_id, "first": first, "days": days}
    return [(row.day, row.minutes) for row in await db.execute(_LOAD, given)]


async def add_time(db: AsyncConnection, values: Mapping[str, Any]) -> None:
    """Write time of a technician; raise Overlaps where other time of it is recorded."""
    try:
        await db.execute(insert(TimeEntryRow).values(**values))
    except IntegrityError as error:
        if violated(error) != "ex_time_entries_period":
            raise
        raise Overlaps("the technician has other time at that time") from error


async def find_running(
    db: AsyncConnection, work_order_id: UUID, technician_id: UUID | None = None
) -> Sequence[TimeEntryRow]:
    """Lock and return the timers that run on a locked work order, the oldest first."""
    query = select(TimeEntryRow.__table__).where(
        TimeEntryRow.work_order_id == work_order_id, TimeEntryRow.until.is_(None)
    )
    if technician_id is not None:
        query = query.where(TimeEntryRow.technician_id == technician_id)
    found = await db.execute(query.order_by(TimeEntryRow.since).with_for_update())
    return cast(Sequence[TimeEntryRow], found.all())


async def end_timer(db: AsyncConnection, entry_id: UUID, until: Any, actor: str, note: str) -> None:
    """Stop a locked timer that runs: it costs what its technician costs now."""
    given = {"entry": entry_id, "until": until, "by": actor, "note": note}
    await db.execute(_END_TIMER, given)


_END_TIMER = text(
    """UPDATE time_entries t SET until = :until, ended_by = :by, note = :note,
        hourly_rate_amount = e.hourly_rate_amount, hourly_rate_currency = e.hourly_rate_currency
    FROM technicians e WHERE e.id = t.technician_id AND t.id = :entry"""
)


async def lock_entry(db: AsyncConnection, work_order_id: UUID, entry_id: UUID) -> TimeEntryRow:
    """Lock and return time of a locked work order; raise NotFound."""
    query = select(TimeEntryRow.__table__).where(
        TimeEntryRow.work_order_id == work_order_id, TimeEntryRow.id == entry_id
    )
    found = (await db.execute(query.with_for_update())).one_or_none()
    if found is None:
        raise NotFound(f"the work order has no time entry {entry_id}")
    return cast(TimeEntryRow, found)


async def mark_corrected(db: AsyncConnection, entry_id: UUID, by: UUID) -> None:
    """Write that another entry takes the place of one, which counts no more."""
    marked = update(TimeEntryRow).where(TimeEntryRow.id == entry_id)
    await db.execute(marked.values(corrected_by_id=by))


class EntryRead(TimeEntryRow):
    """Time of a technician, with what that one is called."""

    __abstract__ = True
    technician: str


def entries_of(work_order_id: UUID) -> Select[Any]:
    """Select the time of a work order, with what its technicians are called."""
    return (
        select(TimeEntryRow.__table__, TechnicianRow.code.label("technician"))
        .join(TechnicianRow, TechnicianRow.id == TimeEntryRow.technician_id)
        .where(TimeEntryRow.work_order_id == work_order_id)
    )


_WORKERS = text(
    """SELECT done_by FROM work_order_operations WHERE work_order_id = :work_order
        AND done_by IS NOT NULL
    UNION SELECT actor FROM events WHERE subject_id = :work_order
        AND type = 'work_order.operation_done.v1'
    UNION SELECT t.recorded_by FROM time_entries t WHERE t.work_order_id = :work_order
    UNION SELECT e.subject FROM time_entries t JOIN technicians e ON e.id = t.technician_id
    WHERE t.work_order_id = :work_order AND e.subject IS NOT NULL"""
)


async def workers_of(db: AsyncConnection, work_order_id: UUID) -> set[str]:
    """Return the credentials of who has done something of a work order, or logged time (R6)."""
    return set((await db.execute(_WORKERS, {"work_order": work_order_id})).scalars())


LEFT_RUNNING = func.now() - TIMER_ENDS_AFTER


async def find_left_running(db: AsyncConnection, limit: int) -> Sequence[UUID]:
    """Return the work orders with a timer that has run for too long."""
    query = (
        select(TimeEntryRow.work_order_id)
        .where(TimeEntryRow.until.is_(None), TimeEntryRow.since <= LEFT_RUNNING)
        .distinct()
        .limit(limit)
    )
    return (await db.execute(query)).scalars().all()
