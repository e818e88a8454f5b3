"""Reminders of open tasks: said again, period after period, and put to an admin in the end."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.events import Event, add_events
from domain.access import Role
from domain.questions import RULES

_RULES = [
    {
        "kind": kind,
        "every": rule.remind_every.total_seconds(),
        "escalates": rule.escalate_after and rule.escalate_after.total_seconds(),
    }
    for kind, rule in RULES.items()
    if rule.remind_every is not None
]
# One reminder per period: what was missed while no worker ran is not made up for.
_DUE = f"""SELECT t.id, d.nth, d.escalates FROM tasks t
    JOIN jsonb_to_recordset(CAST(:rules AS jsonb))
        AS r(kind text, every double precision, escalates double precision) ON r.kind = t.kind
    CROSS JOIN LATERAL (SELECT extract(epoch FROM now() - t.opened_at) AS age) a
    CROSS JOIN LATERAL (SELECT CAST(floor(a.age / r.every) AS integer) AS nth,
        coalesce(a.age >= r.escalates AND t.role <> '{Role.ADMIN}', false) AS escalates) d
    WHERE t.status = 'open' AND d.nth > 0 AND (d.escalates OR NOT EXISTS (
        SELECT FROM events e WHERE e.subject_id = t.id
        AND e.type IN ('task.reminded.v1', 'task.escalated.v1')
        AND CAST(e.data ->> 'nth' AS integer) >= d.nth))"""
_FIND = text(f"SELECT id FROM ({_DUE} LIMIT :limit) f")
_LOCK = text("SELECT t.id FROM tasks t WHERE t.id = ANY(:ids) ORDER BY t.id FOR UPDATE SKIP LOCKED")
_AGAIN = text(
    f"""SELECT f.nth, f.escalates, t.* FROM ({_DUE}) f JOIN tasks t ON t.id = f.id
    WHERE f.id = ANY(:ids) ORDER BY f.id"""
)
_ESCALATE = text(f"UPDATE tasks SET role = '{Role.ADMIN}' WHERE id = ANY(:ids)")


async def find_unreminded(db: AsyncConnection, limit: int) -> Sequence[UUID]:
    """Return open tasks that are due for a reminder."""
    given = {"rules": to_json(_RULES), "limit": limit}
    return (await db.execute(_FIND, given)).scalars().all()


async def remind(db: AsyncConnection, task_ids: Sequence[UUID]) -> int:
    """Say that these tasks wait still, and put those that have waited too long to an admin.

    What another transaction holds is left to the next sweep; what it has said is looked at under
    the lock.
    """
    locked = (await db.execute(_LOCK, {"ids": list(task_ids)})).scalars().all()
    given = {"rules": to_json(_RULES), "ids": list(locked)}
    due = (await db.execute(_AGAIN, given)).all()
    await db.execute(_ESCALATE, {"ids": [task.id for task in due if task.escalates]})
    events = [
        Event(
            f"task.{'escalated' if task.escalates else 'reminded'}",
            subject=task.number,
            subject_id=task.id,
            actor="system",
            correlation_id=f"{task.document_type}/{task.document_id}",
            data={
                "kind": task.kind,
                "document_type": task.document_type,
                "document_id": task.document_id,
                "nth": task.nth,
                "role": Role.ADMIN if task.escalates else task.role,
            },
        )
        for task in due
    ]
    if events:
        await add_events(db, events)
    return len(due)
