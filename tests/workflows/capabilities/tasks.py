"""Questions that the runs of a story ask of people, and their answers."""

from typing import Any
from uuid import UUID

from activities.tasks import NO_DETAILS, accept_answer
from domain.access import Role
from domain.documents import DECIDE
from domain.ids import TaskId, new_id
from domain.shipments.booking import AnswerDetails
from domain.tasks import Decision, TaskKind
from tests.patience import eventually
from tests.workflows.capabilities.runs import Runs


class Tasks(Runs):
    """Tasks, as the people see them who answer them."""

    async def task(self, kind: TaskKind, document_id: UUID) -> Any:
        """Return the open task of a kind about a document, as soon as there is one."""
        query = (
            "SELECT * FROM tasks WHERE kind = :kind AND document_id = :document AND status = 'open'"
        )

        async def asked() -> Any:
            found = await self.shop.rows(query, kind=kind, document=document_id)
            return found[0] if found else None

        return await eventually(asked)

    async def asked_again(self, kind: TaskKind, document_id: UUID, before: Any) -> Any:
        """Return the open task of a kind as soon as it is another one than that before."""

        async def another() -> Any:
            found = await self.task(kind, document_id)
            return found if found["id"] != before["id"] else None

        return await eventually(another)

    async def decide(
        self,
        kind: TaskKind,
        document_id: UUID,
        choice: str,
        details: AnswerDetails = NO_DETAILS,
    ) -> None:
        """Answer the open task of a kind about a document, as its role would."""
        task = await self.task(kind, document_id)
        decision = Decision(task_id=TaskId(task["id"]), choice=choice, actor="person")
        async with self.books.begin() as db:
            asker = await accept_answer(db, decision, Role.ADMIN, details)
        if asker is not None:
            await self._steering.ask(asker, DECIDE, decision, new_id())
