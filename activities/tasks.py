"""Recording what a person decided."""

from temporalio import activity

from db.engine import Database
from db.tasks import answer_task
from domain.tasks import Decided, Decision


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
