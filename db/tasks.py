"""Tasks: what a person must decide or do."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ARRAY, Index, String, any_, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import Mapped, mapped_column

from db.events import add_event
from db.metadata import Base, Id, numbered, one_of
from domain.documents import Document
from domain.errors import IllegalMove, NotFound
from domain.ids import new_id
from domain.questions import RULES
from domain.tasks import Decided, Decision, TaskKind, TaskStatus, check_repeated


class TaskRow(Base):
    """A question to a role about a document; at most one open per kind and document."""

    __tablename__ = "tasks"
    __table_args__ = (
        one_of("kind", TaskKind),
        one_of("status", TaskStatus),
        Index(
            "uq_tasks_open",
            "kind",
            "document_id",
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
        Index("ix_tasks_document", "document_id"),
        Index("ix_tasks_kind", "kind", "id"),
        Index("ix_tasks_role", "role", "id"),
        Index("ix_tasks_status", "status", "id"),
        Index(
            "ix_tasks_refunds_again",
            "document_id",
            postgresql_where=text("kind = 'refund_failed' AND outcome = 'retry'"),
        ),
    )

    id: Mapped[Id]
    number: Mapped[str] = numbered("TSK", "task_numbers")
    kind: Mapped[str]
    document_type: Mapped[str]
    document_id: Mapped[UUID]
    asker_type: Mapped[str | None]
    asker_id: Mapped[UUID | None]
    """The document whose run waits for the answer; None when it is only recorded."""
    role: Mapped[str]
    question: Mapped[str]
    facts: Mapped[dict[str, Any]]
    choices: Mapped[list[str]]
    status: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_at: Mapped[datetime]
    outcome: Mapped[str | None]
    note: Mapped[str] = mapped_column(server_default="")
    closed_by: Mapped[str | None]
    closed_at: Mapped[datetime | None]


async def open_task(
    db: AsyncConnection,
    kind: TaskKind,
    document_type: str,
    document_id: UUID,
    facts: dict[str, Any],
    *,
    asker: Document | None = None,
    role: str = "",
    told: str = "",
    without: Collection[str] = (),
) -> bool:
    """Ask a person about a document; False and silent while the same question is open.

    ``asker`` is the document whose run waits for the answer, where the kind's rule names one;
    ``role`` is who answers, where that is not the one of the rule; ``told`` is what people should
    know first, such as a partner's refusal in its words; ``without`` are choices that make no sense
    here.
    """
    rule = RULES[kind]
    if rule.asker != (asker and asker.kind):
        raise ValueError(f"the answer to {kind} goes to the run of a document: {rule.asker}")
    added = (
        await db.execute(
            insert(TaskRow)
            .values(
                id=new_id(),
                kind=kind,
                document_type=document_type,
                document_id=document_id,
                asker_type=asker and asker.kind,
                asker_id=asker and asker.id,
                role=role or rule.role,
                question=f"{told} {rule.question}".lstrip(),
                facts=facts,
                choices=[each for each in rule.choices if each not in without],
                status=TaskStatus.OPEN,
                due_at=func.now() + rule.due_within,
            )
            .on_conflict_do_nothing()
            .returning(TaskRow.id, TaskRow.number)
        )
    ).one_or_none()
    if added is not None:
        await add_event(
            db,
            "task.opened",
            subject=added.number,
            subject_id=added.id,
            actor="system",
            correlation_id=f"{document_type}/{document_id}",
            data={"kind": kind, "document_type": document_type, "document_id": document_id},
        )
    return added is not None


async def lock_task(db: AsyncConnection, task_id: UUID) -> TaskRow:
    """Lock and return a task's row; raise NotFound."""
    found = (
        await db.execute(select(TaskRow.__table__).where(TaskRow.id == task_id).with_for_update())
    ).one_or_none()
    if found is None:
        raise NotFound(f"there is no task {task_id}")
    return cast(TaskRow, found)


async def close_task(
    db: AsyncConnection,
    task: TaskRow,
    status: TaskStatus,
    *,
    outcome: str | None,
    note: str,
    actor: str,
) -> None:
    """Close a locked open task with the person's answer, or because none is needed any more."""
    await db.execute(
        update(TaskRow)
        .where(TaskRow.id == task.id)
        .values(status=status, outcome=outcome, note=note, closed_by=actor, closed_at=func.now())
    )
    await add_event(
        db,
        f"task.{status}",
        subject=task.number,
        subject_id=task.id,
        actor=actor,
        correlation_id=f"{task.document_type}/{task.document_id}",
        data={"kind": task.kind, "outcome": outcome},
    )


async def answer_task(db: AsyncConnection, decision: Decision) -> Decided:
    """Record a person's answer; the first one counts, and only what was offered is taken.

    The same person's repeat of the same choice changes nothing. Raises IllegalMove, with the
    outcome, for every other answer to a task that is decided.
    """
    task = await lock_task(db, decision.task_id)
    if task.status == TaskStatus.DONE:
        check_repeated(decision, outcome=task.outcome or "", closed_by=task.closed_by or "")
        return Decided(kind=TaskKind(task.kind), choice=decision.choice)
    if task.status == TaskStatus.CANCELLED:
        closed = f"the task is closed: {task.note}"
        raise IllegalMove(closed, current_status=task.status, allowed=[])
    if decision.choice not in task.choices:
        raise IllegalMove(
            f"{decision.choice} is not one of the choices",
            current_status=task.status,
            allowed=task.choices,
        )
    await close_task(
        db,
        task,
        TaskStatus.DONE,
        outcome=decision.choice,
        note=decision.note,
        actor=decision.actor,
    )
    return Decided(kind=TaskKind(task.kind), choice=decision.choice)


async def answers_first(db: AsyncConnection, decision: Decision) -> bool:
    """Record a person's answer; False for the repeat of the one that counts, which changes nothing.

    Raises what `answer_task` does.
    """
    is_open = (await lock_task(db, decision.task_id)).status == TaskStatus.OPEN
    await answer_task(db, decision)
    return is_open


_OPEN = select(TaskRow.__table__).where(
    TaskRow.kind == any_(bindparam("kinds", type_=ARRAY(String))),
    TaskRow.document_id == bindparam("about"),
    TaskRow.status == TaskStatus.OPEN,
)
_LOCK_OPEN = _OPEN.order_by(TaskRow.id).with_for_update()


async def find_open(db: AsyncConnection, kind: TaskKind, document_id: UUID) -> TaskRow | None:
    """Return what a person is being asked about a document, if it is that."""
    found = await db.execute(_OPEN, {"about": document_id, "kinds": [kind]})
    return cast(TaskRow | None, found.one_or_none())


async def is_open(db: AsyncConnection, kind: TaskKind, document_id: UUID) -> bool:
    """Whether a person is being asked this about a document."""
    return await find_open(db, kind, document_id) is not None


async def cancel_tasks(
    db: AsyncConnection, document_id: UUID, *kinds: TaskKind, why: str = "its cause has gone"
) -> None:
    """Close the open tasks of these kinds about a document, and note why."""
    found = await db.execute(_LOCK_OPEN, {"about": document_id, "kinds": list(kinds)})
    for task in cast(Sequence[TaskRow], found.all()):
        await close_task(db, task, TaskStatus.CANCELLED, outcome=None, note=why, actor="system")


async def count_by_kind(db: AsyncConnection) -> dict[str, tuple[int, int]]:
    """Return how many tasks of each kind are open, and how many of those are overdue."""
    overdue = func.count().filter(TaskRow.due_at < func.now())
    rows = await db.execute(
        select(TaskRow.kind, func.count().label("tasks"), overdue.label("overdue"))
        .where(TaskRow.status == TaskStatus.OPEN)
        .group_by(TaskRow.kind)
    )
    counted = {row.kind: (row.tasks, row.overdue) for row in rows}
    return {kind: counted.get(kind, (0, 0)) for kind in TaskKind}
