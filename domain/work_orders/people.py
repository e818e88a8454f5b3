"""Requests about who works, and when: technicians, assignments, and the time that work took."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from domain.ids import OperationId, TimeEntryId
from domain.money import Money
from domain.value import Change, Day, Name, Text, Value
from domain.work_orders.staffing import skill_key
from domain.work_orders.status import TimeKind

Capacity = Annotated[int, Field(strict=True, ge=1, le=1440)]


RATE = "What an hour of the technician costs the company"


class Skill(Value):
    """What a technician can do, and until when that is certified."""

    skill: Name
    """Its name, compared in any case."""
    level: Annotated[int, Field(strict=True, ge=1, le=10)] = 1
    """How well, from 1."""
    valid_until: Day | None = None
    """The last day, by UTC; null: for ever."""


def _each_once(skills: tuple[Skill, ...]) -> tuple[Skill, ...]:
    if len({skill_key(skill.skill) for skill in skills}) != len(skills):
        raise ValueError("give each skill once")
    return skills


Skills = Annotated[tuple[Skill, ...], Field(max_length=100), AfterValidator(_each_once)]


class CreateTechnician(Value):
    """Who does work."""

    code: Name
    """What the technician is called, once."""
    site: Name
    """The code of the site where the technician works."""
    subject: Name | None = None
    """The credential that is this person, such as `user:ana`: who worked does not sign off."""
    capacity_minutes: Capacity = 480
    """How many minutes a day can be planned."""
    skills: Skills = Field(default=(), description="What the technician is skilled in.")
    hourly_rate: Money | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description=f"{RATE}; null: it is not known.",
    )


class TechnicianChange(Change):
    """What of a technician is to change; what is left out stays."""

    active: bool | None = None
    """False: nothing more is planned with the technician."""
    subject: Name | None = None
    """The credential that is this person; null: none is."""
    capacity_minutes: Capacity | None = None
    """How many minutes a day can be planned."""
    skills: Skills | None = Field(
        default=None, description="What the technician is skilled in, in the place of all before."
    )

    hourly_rate: Money | None = Field(
        default=None,
        description=f"{RATE}; null: it is not known. Holds for time that ends from now on.",
    )

    @classmethod
    def may_be_empty(cls) -> frozenset[str]:
        """Return the fields that null empties."""
        return frozenset({"subject", "hourly_rate"})


Moment = Annotated[AwareDatetime, Field(ge=datetime.fromisoformat("2000-01-01T00:00:00Z"))]


class _Period(Value):
    since: Moment
    """From when, with its offset (RFC 3339)."""
    until: Moment
    """Until when, with its offset (RFC 3339)."""

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if self.until < self.since:
            raise ValueError("until is not before since")
        if (self.until - self.since).days >= 366:
            raise ValueError("a period is shorter than a year")
        return self


class Assign(_Period):
    """Who does the work, or one operation of it, and when."""

    technician: Name
    """The technician's code."""
    operation_id: OperationId | None = None
    """The operation, by its `id`; null: all that nobody else does."""

    @model_validator(mode="after")
    def _takes_time(self) -> Self:
        if self.until == self.since:
            raise ValueError("until is after since")
        return self


class StartTimer(Value):
    """Somebody begins to work."""

    technician: Name | None = None
    """The technician's code; when left out, the one whose credential asks."""
    operation_id: OperationId | None = None
    """The operation, by its `id`; null: the work order as such."""
    kind: TimeKind = TimeKind.WORK
    """What the time is spent on."""


class StopTimer(Value):
    """Somebody pauses, or is done."""

    technician: Name | None = None
    """The technician's code; when left out, the one whose credential asks."""
    note: Text = ""
    """What was done, if that is worth telling."""


class RecordTime(_Period):
    """Time that was worked and not timed, or what a wrong entry should have said."""

    technician: Name
    """The technician's code."""
    operation_id: OperationId | None = None
    """The operation, by its `id`; null: the work order as such."""
    kind: TimeKind = TimeKind.WORK
    """What the time was spent on."""
    note: Text = ""
    """What was done, or what was wrong."""
    corrects_id: TimeEntryId | None = None
    """The entry in whose place this one comes, by its `id`."""
