"""Tasks that hold customers' money or goods back are said again, and put to an admin in the end."""

from typing import Any
from uuid import UUID

import pytest

from activities.tasks import accept_answer
from db.tasks import open_task
from domain.access import Role
from domain.errors import Forbidden, IllegalMove
from domain.ids import TaskId, new_id
from domain.tasks import Decision, TaskKind
from tests.activities.bench import Bench
from tests.aging import DAYS, HOURS, age, sweep

SAID = """SELECT type, data ->> 'role' AS role FROM events WHERE subject_id = :id
    AND type <> 'task.opened.v1' ORDER BY sequence"""


async def opened(bench: Bench, kind: TaskKind, document: str) -> UUID:
    """Ask about a document of which nothing else matters here."""
    about = new_id()
    async with bench.shop.books.begin() as db:
        assert await open_task(db, kind, document, about, {})
    return UUID(str(await bench.shop.one("SELECT id FROM tasks WHERE document_id = :id", id=about)))


async def said(bench: Bench, task: UUID) -> list[tuple[str, str]]:
    await sweep(bench, "reminders")
    rows: list[Any] = await bench.shop.rows(SAID, id=task)
    return [(row["type"].split(".")[1], row["role"]) for row in rows]


async def test_finance_is_reminded_daily_of_a_refund_to_approve(bench: Bench) -> None:
    """Payments 4: after 24 hours, and once a day whatever two sweeps find at once."""
    task = await opened(bench, TaskKind.REFUND_APPROVAL, "refund")
    assert await said(bench, task) == []
    await age(bench, "tasks", "opened_at", 25 * HOURS, id=task)
    for _ in range(2):
        assert await said(bench, task) == [("reminded", "finance")]
    await age(bench, "tasks", "opened_at", 3 * DAYS, id=task)
    assert await said(bench, task) == 2 * [("reminded", "finance")]


async def test_a_return_to_review_goes_to_an_admin_after_three_days_and_support_may_still_answer(
    bench: Bench,
) -> None:
    """Returns 4: reminder after a day, escalation after three; other roles stay out."""
    task = await opened(bench, TaskKind.RETURN_REVIEW, "return")
    await age(bench, "tasks", "opened_at", 25 * HOURS, id=task)
    assert await said(bench, task) == [("reminded", "support")]
    await age(bench, "tasks", "opened_at", 2 * DAYS, id=task)
    for _ in range(2):
        assert await said(bench, task) == [("reminded", "support"), ("escalated", "admin")]
    assert await bench.shop.one("SELECT role FROM tasks WHERE id = :id", id=task) == "admin"

    decision = Decision(task_id=TaskId(task), choice="no such answer", actor="anna")
    for role, refusal in ((Role.WAREHOUSE, Forbidden), (Role.SUPPORT, IllegalMove)):
        with pytest.raises(refusal):
            async with bench.shop.books.begin() as db:
                await accept_answer(db, decision, role)
