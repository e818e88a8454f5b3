"""Answers to tasks: accepted from a person in the caller's transaction, or recorded by a run."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.payments.answers import settle_amount
from db.engine import Database
from db.reads.tasks import show_task
from db.tasks import answer_task
from domain.access import Role
from domain.errors import Forbidden
from domain.tasks import ASKERS, Asker, Decided, Decision, TaskKind, TaskStatus


async def accept_answer(
    db: AsyncConnection, decision: Decision, role: Role
) -> tuple[Asker, UUID] | None:
    """Record a person's answer, with what it changes in the books.

    An answer that a run acts on is left to that: returns whose run it is, and its document. What
    the books refuse leaves no trace in a run. Raises NotFound, Forbidden and IllegalMove.
    """
    task = await show_task(db, decision.task_id)
    if role not in (task.role, Role.ADMIN):
        raise Forbidden(f"this task is for the role {task.role}", role=task.role)
    kind = TaskKind(task.kind)
    asker = ASKERS.get(kind)
    if asker and task.status == TaskStatus.OPEN and decision.choice in task.choices:
        order = asker is Asker.ORDER
        return asker, UUID(task.facts["order_id"]) if order else task.document_id
    if kind is TaskKind.PAYMENT_MISMATCH:
        await settle_amount(db, task, decision)
    else:
        await answer_task(db, decision)
    return None


class TaskActivities:
    """What a run does with a person's answer."""

    def __init__(self, books: Database) -> None:
        """Record answers in these books."""
        self._books = books

    @activity.defn
    async def decide_task(self, decision: Decision) -> Decided:
        """Record the answer, or refuse what was not offered; the first answer counts."""
        async with self._books.begin() as db:
            return await answer_task(db, decision)
