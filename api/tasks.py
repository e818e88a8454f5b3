"""HTTP for tasks: what people are asked."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request, Response
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.tasks import accept_answer
from api.answers import keyed_response
from api.deps import Books, Db, Serving, require
from api.fields import Number, OwnId, by_id
from api.idempotency import OptionalKey, idempotent
from api.notifier import Notifier
from api.pages import Page, PageQuery
from api.problems import BODY, KEYED, READ, problems
from api.refusals import TimedOut
from api.rows import last_id, shown, view
from api.steering import Steer
from db.pages import get_page
from db.reads.choices import Amounts, amounts_of
from db.reads.tasks import get_task, search_tasks
from db.tasks import TaskRow
from domain.access import Caller, Role
from domain.disclosure import MONEY_TASKS, may_see_money
from domain.documents import DECIDE, Document
from domain.errors import IllegalMove, NotFound, OutOfStock, PartnerUnavailable, SamePerson
from domain.ids import TaskId
from domain.money import Money
from domain.questions import RULES
from domain.shipments.booking import AnswerDetails
from domain.tasks import Decision, TaskKind, TaskStatus
from domain.value import Name, Text, Value

router = APIRouter(prefix="/tasks", tags=["tasks"])


class ChoiceView(Value):
    """An answer that may be given, and what follows from it."""

    choice: str
    """As `decide` takes it."""
    effect: str
    """What follows from it, in words for people."""
    amount: Money | None = Field(
        description="What it moves or gives up, by the rule that acts on it; null where no money"
        " is at stake, once the task is closed, and for callers who may not see it."
    )
    short: Money | None = Field(
        description="What should move too, but is more than the payment can give."
    )


class TaskView(Value):
    """A question to a role about a document, and its answer once there is one."""

    id: OwnId[TaskId]
    number: Number
    kind: TaskKind
    """Why a person is needed; what `facts` and `choices` hold depends on it."""
    document_type: str
    """What kind of thing it is about: `order`, `shipment`, `payment` and others."""
    document_id: UUID
    """Which one."""
    role: Role
    """Who is asked; admins may answer too."""
    question: str
    """What is asked, in words for people."""
    facts: dict[str, Any] | None = Field(
        description="What led to the question, by names that depend on `kind` and of which any"
        " release may add some; null for callers who may not see the payments that they tell of."
    )
    choices: tuple[str, ...]
    """What may be answered."""
    options: tuple[ChoiceView, ...]
    """The same, each with what follows from it."""
    status: TaskStatus
    """Whether it still waits for an answer."""
    opened_at: datetime
    """When it was asked, in UTC (RFC 3339)."""
    due_at: datetime
    """By when it should be answered."""
    reminded_at: datetime | None
    """When the last reminder of it was sent; null for kinds without reminders."""
    outcome: str | None
    """The choice that was taken; null while it is open, and if it went away with its cause."""
    note: str
    """What the person who answered wrote; empty without."""
    closed_by: str | None
    """Who answered; null while it is open."""
    closed_at: datetime | None
    """When it was answered or went away; null while it is open."""


class DecideTask(AnswerDetails):
    """A person's answer: one of the task's choices, with the field that it names, if any."""

    choice: Name
    """One of the task's `choices`."""
    note: Text = ""
    """In words for who reads it later; stays with the task."""

    @model_serializer(mode="wrap")
    def _given(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # An answer without such a field has the fingerprint that it had before there were any.
        return {name: value for name, value in write(self).items() if value is not None}


class TaskQuery(PageQuery):
    """Which tasks."""

    status: TaskStatus | None = None
    """Whether they still wait for an answer."""
    kind: TaskKind | None = None
    """Why a person is needed."""
    role: Role | None = None
    """Who is asked."""
    document_id: UUID | None = None
    """Those about this document."""
    number: Name | None = None
    """The one with this name for people."""


@router.get("", responses=problems(*READ))
async def search(
    query: Annotated[TaskQuery, fastapi.Query()],
    caller: Annotated[Caller, require("tasks:read")],
    db: Db,
    request: Request,
) -> Page[TaskView]:
    """Newest first."""
    found = search_tasks(**query.model_dump(exclude={"limit", "after"}))
    rows, more = await get_page(
        db, TaskRow, found, TaskRow.id, after=query.after, limit=query.limit
    )
    amounts = await amounts_of(db, rows)
    views = shown("TaskView", lambda row: _view(row, amounts.get(row.id, {}), caller), rows)
    return Page[TaskView].of(views, request.url.path, query, last_id(rows, more))


@router.get("/{task_id}", responses=problems(*READ, NotFound))
async def show(
    task_id: Annotated[UUID, by_id("task")],
    caller: Annotated[Caller, require("tasks:read")],
    db: Db,
) -> TaskView:
    """One task."""
    return await _show(db, task_id, caller)


async def _show(db: AsyncConnection, task_id: UUID, caller: Caller) -> TaskView:
    """Show a task; the money of an open one's choices is that of this moment."""
    row = await get_task(db, task_id)
    return _view(row, (await amounts_of(db, [row])).get(row.id, {}), caller)


def _view(row: TaskRow, amounts: Amounts, caller: Caller) -> TaskView:
    money = may_see_money(row.role, caller)
    return view(
        TaskView,
        row,
        facts=row.facts if money or row.kind not in MONEY_TASKS else None,
        options=[_choice(row.kind, each, amounts if money else {}) for each in row.choices],
    )


def _choice(kind: str, choice: str, amounts: Amounts) -> ChoiceView:
    amount, short = amounts.get(choice, (None, None))
    # A release that was taken back may have asked what this one does not know.
    effect = RULES[TaskKind(kind)].choices.get(choice, "") if kind in RULES else ""
    return ChoiceView(choice=choice, effect=effect, amount=amount, short=short)


@router.post(
    "/{task_id}/decide",
    response_model=TaskView,
    responses=problems(
        *READ, *BODY, *KEYED, NotFound, IllegalMove, SamePerson, OutOfStock, PartnerUnavailable
    ),
)
async def decide(
    task_id: Annotated[UUID, by_id("task")],
    body: DecideTask,
    caller: Annotated[Caller, require("tasks:decide")],
    key: OptionalKey,
    books: Books,
    steering: Steer,
    notifier: Notifier,
    services: Serving,
) -> Response:
    """Answer a task; the process that asked goes on. The first answer counts, others get 409."""

    async def run(request_id: UUID) -> TaskView:
        decision = Decision(
            task_id=TaskId(task_id), choice=body.choice, note=body.note, actor=caller.subject
        )

        details = AnswerDetails.model_validate(
            {name: getattr(body, name) for name in AnswerDetails.model_fields}
        )

        policy = services.settings.policy

        async def accept() -> Document | None:
            async with books.begin() as db:
                return await accept_answer(db, decision, caller.role, details, policy)

        asker = await accept()
        if asker is not None:
            try:
                await steering.ask(asker, DECIDE, decision, request_id)
            except (IllegalMove, TimedOut):
                # The run may have ended by the answer that won, or by the first try of this one.
                if await accept() is not None:
                    raise
        async with books.read() as db:
            return await _show(db, task_id, caller)

    route = f"POST /tasks/{task_id}/decide"
    answer = await idempotent(books, caller, key, route, body, run)
    notifier.notify()
    return keyed_response(answer)
