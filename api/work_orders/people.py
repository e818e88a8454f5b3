"""Views of who does work: technicians, their free time, what is planned, and time worked."""

from datetime import date, datetime

from pydantic import Field

from api.fields import WITHHELD, Actor, CreatedAt, OwnId, SiteRef, UpdatedAt, Version
from domain.ids import OperationId, TechnicianId, TimeEntryId
from domain.money import Money
from domain.value import Value
from domain.work_orders.status import TimeKind, TimeSource


class SlotView(Value):
    """When a technician could do the work."""

    technician_id: TechnicianId
    """Which technician."""
    technician: str
    """The technician's code."""
    since: datetime
    """From when, in UTC (RFC 3339)."""
    until: datetime
    """Until when."""
    late: bool
    """Whether that is after the day by which the work is to be done."""
    load_minutes: int
    """How long the technician is planned elsewhere from now on."""


class SlotsView(Value):
    """The earliest free time of each technician who may do the work."""

    slots: tuple[SlotView, ...]
    """The earliest end first; of those alike the technician with less to do."""


class TimeEntryView(Value):
    """Time that a technician has worked, or works."""

    id: OwnId[TimeEntryId]
    technician: str
    """The technician's code."""
    operation_id: OperationId | None
    """On which operation; null: on the work order as such."""
    kind: TimeKind
    """What it was spent on."""
    source: TimeSource
    """Whether a timer ran, or it was written down."""
    since: datetime
    """From when, in UTC (RFC 3339)."""
    until: datetime | None
    """Until when; null while the timer runs."""
    minutes: int | None
    """How long, in whole minutes; null while the timer runs."""
    counts: bool
    """Whether it counts: not once another entry has corrected it."""
    corrected_by_id: TimeEntryId | None
    """The entry in its place."""
    note: str
    """What was said about it."""
    recorded_by: Actor
    created_at: CreatedAt


class SkillView(Value):
    """What a technician can do."""

    skill: str
    """Its name."""
    level: int
    """How well, from 1."""
    valid_until: date | None
    """The last day, by UTC; null: for ever."""


class TechnicianView(Value):
    """Who does work."""

    id: OwnId[TechnicianId]
    code: str
    """What the technician is called."""
    site_id: SiteRef
    subject: str | None
    """The credential that is this person; null: none is."""
    capacity_minutes: int
    """How many minutes a day can be planned."""
    active: bool
    """Whether anything more is planned with the technician."""
    skills: tuple[SkillView, ...]
    """What the technician is skilled in."""
    hourly_rate: Money | None = Field(
        description=f"What an hour costs the company; null: it is not known. {WITHHELD}"
    )
    created_at: CreatedAt
    updated_at: UpdatedAt
    version: Version


class DayLoadView(Value):
    """What is planned with a technician on a day."""

    day: date
    """The day, by UTC."""
    planned_minutes: int
    """How many minutes are planned."""
    capacity_minutes: int
    """How many can be."""


class LoadView(Value):
    """What is planned with a technician, day by day."""

    technician_id: TechnicianId
    """Which technician."""
    days: tuple[DayLoadView, ...]
    """Each day, in order."""
