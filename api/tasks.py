"""HTTP for tasks: what people are asked."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request

from api.deps import Db, require
from api.pages import Page, PageQuery
from api.problems import READ, problems
from api.rows import last_id, view
from db.pages import fetch_page
from db.reads.tasks import search_tasks, show_task
from db.tasks import TaskRow
from domain.access import Caller, Role
from domain.errors import NotFound
from domain.ids import TaskId
from domain.tasks import TaskKind, TaskStatus
from domain.value import Name, Value

router = APIRouter(prefix="/tasks", tags=["tasks"])


class TaskView(Value):
    """A question to a role about a document, and its answer once there is one."""

    id: TaskId
    number: str
    kind: TaskKind
    document_type: str
    document_id: UUID
    role: Role
    question: str
    facts: dict[str, Any]
    choices: tuple[str, ...]
    status: TaskStatus
    opened_at: datetime
    due_at: datetime
    outcome: str | None
    note: str
    closed_by: str | None
    closed_at: datetime | None


class TaskQuery(PageQuery):
    """Which tasks."""

    status: TaskStatus | None = None
    kind: TaskKind | None = None
    role: Role | None = None
    document_id: UUID | None = None
    number: Name | None = None


@router.get("", responses=problems(*READ))
async def search(
    query: Annotated[TaskQuery, fastapi.Query()],
    _caller: Annotated[Caller, require("tasks:read")],
    db: Db,
    request: Request,
) -> Page[TaskView]:
    """Newest first."""
    found = search_tasks(**query.model_dump(exclude={"limit", "after"}))
    rows, more = await fetch_page(db, found, TaskRow.id, after=query.after, limit=query.limit)
    views = [view(TaskView, row) for row in rows]
    return Page[TaskView].of(views, request.url.path, query, last_id(rows, more))


@router.get("/{task_id}", responses=problems(*READ, NotFound))
async def show(
    task_id: UUID, _caller: Annotated[Caller, require("tasks:read")], db: Db
) -> TaskView:
    """One task."""
    return view(TaskView, await show_task(db, task_id))
