"""Who can do work, and when: skills on the day, and the earliest free time of each technician."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

MOST_SLOTS = 20


@dataclass(frozen=True, slots=True)
class Busy:
    """A time in which a technician is planned elsewhere."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Staff:
    """A technician as planning sees one."""

    id: UUID
    code: str
    skills: Mapping[str, date | None]
    """The last day of each skill, by its name in lower case; None for ever."""
    busy: Sequence[Busy]
    """When it is planned, in order."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A time in which a technician could do the work."""

    technician_id: UUID
    code: str
    since: datetime
    until: datetime
    load: timedelta
    """How long the technician is planned from when slots were asked for on."""


def skill_key(skill: str) -> str:
    """Return that by which two skills are the same, in whatever case."""
    return skill.strip().casefold()


def has_skill(skills: Mapping[str, date | None], skill: str | None, on: date) -> bool:
    """Whether someone with these skills may do what asks for ``skill`` on a day (R8)."""
    if not skill:
        return True
    if skill_key(skill) not in skills:
        return False
    until = skills[skill_key(skill)]
    return until is None or on <= until


def propose(
    staff: Iterable[Staff], skills: Iterable[str], length: timedelta, after: datetime
) -> list[Slot]:
    """Return for each technician with all ``skills`` the earliest free time of this length (R9).

    The earliest finish first; of those alike the technician with the lower load.
    """
    wanted = list(skills)
    slots = []
    for each in staff:
        since = _first_gap(each.busy, length, after)
        if all(has_skill(each.skills, skill, since.date()) for skill in wanted):
            load = sum((busy.until - max(busy.since, after) for busy in each.busy), timedelta())
            slots.append(Slot(each.id, each.code, since, since + length, load))
    slots.sort(key=lambda slot: (slot.until, slot.load, slot.code))
    return slots[:MOST_SLOTS]


def _first_gap(busy: Sequence[Busy], length: timedelta, after: datetime) -> datetime:
    """Return from when on nothing is planned for so long; ``busy`` is in order."""
    since = after
    for each in busy:
        if each.since >= since + length:
            break
        since = max(since, each.until)
    return since
