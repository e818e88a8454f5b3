"""Tasks as lists and views show them."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.tasks import TaskRow
from domain.errors import NotFound

_TASKS = select(
    TaskRow.__table__,
    literal_column(
        """(SELECT max(e.time) FROM events e WHERE e.subject_id = tasks.id
        AND e.type IN ('task.reminded.v1', 'task.escalated.v1'))"""
    ).label("reminded_at"),
)


class TaskRead(TaskRow):
    """A task as the queries here select it, with the instant of its last reminder."""

    __abstract__ = True
    reminded_at: datetime | None


def search_tasks(
    *,
    status: str | None = None,
    kind: str | None = None,
    role: str | None = None,
    document_id: UUID | None = None,
    number: str | None = None,
) -> Select[Any]:
    """Select tasks, filtered by what is given."""
    wanted = (
        (status, TaskRow.status == status),
        (kind, TaskRow.kind == kind),
        (role, TaskRow.role == role),
        (document_id, TaskRow.document_id == document_id),
        (number, TaskRow.number == number),
    )
    return _TASKS.where(*(condition for value, condition in wanted if value is not None))


async def find_task(db: AsyncConnection, task_id: UUID) -> TaskRead | None:
    """Return a task, if there is one with this id."""
    found = await db.execute(_TASKS.where(TaskRow.id == task_id))
    return cast(TaskRead | None, found.one_or_none())


async def get_task(db: AsyncConnection, task_id: UUID) -> TaskRead:
    """Return a task; raise NotFound."""
    found = await find_task(db, task_id)
    if found is None:
        raise NotFound(f"there is no task {task_id}")
    return found
