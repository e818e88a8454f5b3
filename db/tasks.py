"""Tasks: what a person must decide or do."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Sequence, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, Id, one_of
from domain.tasks import TaskKind, TaskStatus

task_numbers = Sequence("task_numbers", start=1001, metadata=Base.metadata)


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
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(
        unique=True, server_default=text("'TSK-' || nextval('task_numbers')")
    )
    kind: Mapped[str]
    document_type: Mapped[str]
    document_id: Mapped[UUID]
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
