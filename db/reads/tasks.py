"""Tasks as lists and views show them."""

from typing import Any, cast
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from db.tasks import TaskRow
from domain.errors import NotFound


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
    return select(TaskRow.__table__).where(
        *(condition for value, condition in wanted if value is not None)
    )


async def find_task(db: AsyncConnection, task_id: UUID) -> TaskRow | None:
    """Return a task, if there is one with this id."""
    found = await db.execute(select(TaskRow.__table__).where(TaskRow.id == task_id))
    return cast(TaskRow | None, found.one_or_none())


async def get_task(db: AsyncConnection, task_id: UUID) -> TaskRow:
    """Return a task; raise NotFound."""
    found = await find_task(db, task_id)
    if found is None:
        raise NotFound(f"there is no task {task_id}")
    return found
