"""Deadlines of work orders that only warn; db/deadlines.py has them beside all others."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from db.deadline import Deadline
from db.work_orders.supply import LACKS
from domain.access import Role
from domain.tasks import TaskKind

_FACTS = """jsonb_build_object('work_order', w.number, 'title', w.title, 'priority', w.priority,
        'due_on', w.due_on, 'claim', (SELECT c.number FROM returns r JOIN claims c
            ON c.id = r.claim_id WHERE r.id = w.return_id AND w.kind = 'repair'))
        AS facts FROM work_orders w"""
_MINUTES = """(SELECT make_interval(mins => coalesce(sum(o.planned_minutes), 0)::int)
        FROM work_order_operations o WHERE o.work_order_id = w.id AND o.status = 'open')"""

LACKING = f"""SELECT w.id, w.released_at AS since, false AS abroad, {_FACTS}
    WHERE w.status IN ('released', 'in_progress') AND {LACKS}"""
"""Work orders that wait for parts."""

NOT_STARTED_AFTER = "interval '3 days'"
NOT_STARTED = f"""SELECT w.id, CASE WHEN w.due_on IS NULL THEN w.released_at
        ELSE (w.due_on + 1)::timestamp AT TIME ZONE 'UTC' - {_MINUTES} - {NOT_STARTED_AFTER}
        END AS since, false AS abroad, {_FACTS}
    WHERE w.status = 'released' AND NOT {LACKS}"""
"""Those that could be worked on: for 3 days, or so late that they will not be done in time."""

OVERDUE = f"""SELECT w.id, (w.due_on + 1)::timestamp AT TIME ZONE 'UTC' AS since, false AS abroad,
        {_FACTS}
    WHERE w.status IN ('planned', 'released', 'in_progress') AND w.due_on IS NOT NULL"""
"""Those with a day by which they are to be done; it is over at its end, by UTC."""

UNSIGNED = f"""SELECT w.id, w.completed_at AS since, false AS abroad, {_FACTS}
    WHERE w.status = 'completed'"""
"""Those that wait to be signed off."""


def _asked_when_overdue(facts: Mapping[str, Any]) -> str:
    """Return who is asked about overdue work: support where a claim's customer waits for it."""
    return Role.SUPPORT if facts["claim"] else Role.PLANNER


DEADLINES = (
    Deadline(
        "parts_missing",
        "work_order",
        timedelta(days=2),
        LACKING,
        task=TaskKind.PARTS_MISSING,
        again=timedelta(days=2),
    ),
    Deadline(
        "work_not_started",
        "work_order",
        timedelta(days=3),
        NOT_STARTED,
        task=TaskKind.WORK_NOT_STARTED,
        again=timedelta(days=3),
    ),
    Deadline("work_overdue", "work_order", timedelta(), OVERDUE, event="overdue"),
    Deadline(
        "work_overdue_asked",
        "work_order",
        timedelta(),
        OVERDUE,
        task=TaskKind.WORK_OVERDUE,
        again=timedelta(days=1),
        owner=_asked_when_overdue,
    ),
    Deadline(
        "sign_off_late",
        "work_order",
        timedelta(days=1),
        UNSIGNED,
        task=TaskKind.SIGN_OFF_LATE,
        again=timedelta(days=1),
    ),
)
