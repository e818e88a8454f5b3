"""Recording what a person decided."""

from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.payments.answers import settle_amount
from db.engine import Database
from db.tasks import TaskRow, answer_task
from domain.tasks import Decided, Decision, TaskKind


async def record_answer(db: AsyncConnection, task: TaskRow, decision: Decision) -> None:
    """Record the answer to what no run asked, with what it changes in the books."""
    if task.kind == TaskKind.PAYMENT_MISMATCH:
        await settle_amount(db, task, decision)
    else:
        await answer_task(db, decision)


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
