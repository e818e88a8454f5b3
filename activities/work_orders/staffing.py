"""Technicians, and who is planned for which work: the database sees to it that no time overlaps."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.telling import refused
from db.documents import WORK_ORDERS
from db.events import add_event
from db.inventory.sites import get_site
from db.metadata import priced_as
from db.work_orders.people import (
    add_assignment,
    add_technician,
    change_technician,
    find_technician,
    get_technician,
    load_of,
    planned_for,
    replace_assignment,
    skills_of,
    staff_of,
    stored_skills,
)
from db.work_orders.tables import OperationRow, WorkOrderRow
from db.work_orders.technicians import TechnicianRow
from db.work_orders.writes import get_operation, operations_of
from domain.errors import Malformed, NotFound, SkillMissing
from domain.ids import new_id
from domain.work_orders.people import Assign, CreateTechnician, TechnicianChange
from domain.work_orders.staffing import Slot, has_skill, propose
from domain.work_orders.status import OperationStatus, WorkOrderStatus

MOST_DAYS = 92
"""So many days of a technician's load are shown at most."""


async def create_technician(
    db: AsyncConnection, technician_id: UUID, asked: CreateTechnician, *, actor: str
) -> None:
    """Add a technician; raise Malformed for an unknown site, AlreadyExists for a known code."""
    try:
        site = await get_site(db, asked.site)
    except NotFound as missing:
        errors = [{"pointer": "/site", "message": "no site has this code"}]
        raise Malformed(f"there is no site {asked.site}", errors=errors) from missing
    await add_technician(db, technician_id, site.id, asked)
    await _tell(db, technician_id, asked.code, "created", actor, {"site_id": site.id})


async def update_technician(
    db: AsyncConnection, technician_id: UUID, asked: TechnicianChange, *, actor: str
) -> TechnicianRow:
    """Change what is given of a technician; raise NotFound. What is planned stays."""
    found = await find_technician(db, technician_id=technician_id)
    values = asked.model_dump()
    if asked.skills is not None:
        values["skills"] = stored_skills(asked.skills)
    fields = sorted(values)
    if "hourly_rate" in values:
        del values["hourly_rate"]
        values |= priced_as("hourly_rate", asked.hourly_rate)
    if values:
        await change_technician(db, found, values)
        await _tell(db, found.id, found.code, "changed", actor, {"fields": fields})
    return found


async def _tell(
    db: AsyncConnection,
    technician_id: UUID,
    code: str,
    what: str,
    actor: str,
    data: dict[str, Any],
) -> None:
    await add_event(
        db,
        f"technician.{what}",
        subject=code,
        subject_id=technician_id,
        actor=actor,
        correlation_id=f"technician/{technician_id}",
        data=data,
    )


async def assign(db: AsyncConnection, found: WorkOrderRow, asked: Assign, *, actor: str) -> None:
    """Plan a technician for one step of a locked work order, or for what nobody else does (R8).

    Takes the place of who was planned for the same. Raises NotFound for an unknown technician or
    step, SkillMissing with what is lacking on that day, and Overlaps.
    """
    if found.status not in (
        WorkOrderStatus.PLANNED,
        WorkOrderStatus.RELEASED,
        WorkOrderStatus.IN_PROGRESS,
    ):
        raise refused(found, "there is nothing left to plan")
    technician = await find_technician(db, code=asked.technician)
    if not technician.active:
        errors = [{"pointer": "/technician", "message": "is not active"}]
        raise Malformed(f"{technician.code} is not active", errors=errors)
    if asked.operation_id is not None:
        steps: Sequence[OperationRow] = [await get_operation(db, found.id, asked.operation_id)]
    else:
        alone = {each.operation_id for each in await planned_for(db, found.id)}
        steps = [each for each in await operations_of(db, found.id) if each.id not in alone]
    on = _last_day(asked.until)
    gaps = _gaps(technician, steps, on)
    if gaps:
        raise SkillMissing(f"{technician.code} may not do it on {on}", gaps=gaps)
    await replace_assignment(db, found.id, asked.operation_id)
    values = {
        "id": new_id(),
        "work_order_id": found.id,
        "operation_id": asked.operation_id,
        "technician_id": technician.id,
        "technician_no": technician.no,
        "since": asked.since,
        "until": asked.until,
        "assigned_by": actor,
    }
    await add_assignment(db, values)
    await WORK_ORDERS.change(db, found)
    told = {"technician": technician.code, "operation_id": asked.operation_id}
    data = {**told, "since": asked.since, "until": asked.until}
    await WORK_ORDERS.add_event(db, found, "assigned", actor, data)


def _last_day(until: datetime) -> date:
    """Return the last day, by UTC, of work that is planned until then: skills hold that long."""
    return (until - timedelta(microseconds=1)).astimezone(UTC).date()


def _gaps(
    technician: TechnicianRow, steps: Sequence[OperationRow], on: date
) -> list[dict[str, Any]]:
    """Return the steps that a technician may not do on a day, each with the skill that it asks."""
    skills = skills_of(technician)
    return [
        {"technician": technician.code, "operation": step.name, "skill": step.skill, "on": str(on)}
        for step in steps
        if step.status == OperationStatus.OPEN and not has_skill(skills, step.skill, on)
    ]


async def missing_skills(db: AsyncConnection, work_order_id: UUID) -> list[dict[str, Any]]:
    """Return which steps of a locked work order those may not do who are planned for them."""
    steps = await operations_of(db, work_order_id)
    planned = await planned_for(db, work_order_id)
    alone = {each.operation_id for each in planned}
    gaps = []
    for each in sorted(planned, key=lambda one: one.technician_id):
        technician = await find_technician(db, technician_id=each.technician_id)
        theirs = [
            step
            for step in steps
            if step.id == each.operation_id or (each.operation_id is None and step.id not in alone)
        ]
        gaps += _gaps(technician, theirs, _last_day(each.until))
    return gaps


async def slots_for(
    db: AsyncConnection,
    found: WorkOrderRow,
    *,
    operation_id: UUID | None,
    minutes: int | None,
    after: datetime | None,
) -> list[Slot]:
    """Return when each technician of the site could do a step, or all that is open (R9).

    As long as is planned unless ``minutes`` are given; half an hour where nothing is planned.
    """
    steps = await operations_of(db, found.id)
    if operation_id is not None:
        steps = [await get_operation(db, found.id, operation_id)]
    open_steps = [step for step in steps if step.status == OperationStatus.OPEN]
    length = minutes or sum(step.planned_minutes for step in open_steps) or 30
    start = max(after or datetime.now(UTC), datetime.now(UTC))
    staff = await staff_of(db, found.site_id, start)
    skills = [step.skill for step in open_steps if step.skill]
    return propose(staff, skills, timedelta(minutes=length), start)


async def load(
    db: AsyncConnection, technician_id: UUID, first: date, days: int
) -> tuple[TechnicianRow, list[tuple[date, int]]]:
    """Return a technician with the minutes planned on each of so many days; raise NotFound."""
    found = await get_technician(db, technician_id)
    since = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return found, await load_of(db, found.id, since, days)
