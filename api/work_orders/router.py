"""HTTP for work orders: found, planned, released, begun, completed, judged, held and given up."""

from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.accepting import (
    change_work_order,
    create_work_order,
    remove_work_order,
)
from activities.work_orders.releasing import cancel_work_order, release_work_order, start_work
from activities.work_orders.working import complete_work, reject, sign_off
from api.answers import keyed_response
from api.deps import Books, Db, require
from api.documents import process, timeline
from api.etags import IfMatch, IfNoneMatch, tagged
from api.headers import LOCATED
from api.idempotency import OptionalKey, RequiredKey, idempotent_create
from api.pages import DatedQuery, Page
from api.problems import BODY, KEYED, NOT_MODIFIED, READ, problems
from api.rows import last_id, shown
from api.work_orders.deciding import (
    DECIDED,
    JUDGED,
    STAFFED,
    Decided,
    Id,
    Plan,
    SignOff,
    Work,
    show_work_order,
)
from api.work_orders.views import WorkOrderView, work_order_view
from db.documents import WORK_ORDERS
from db.pages import get_page
from db.work_orders.reads import WorkOrderRead, search_work_orders
from db.work_orders.tables import WorkOrderRow
from domain.access import Caller, Command
from domain.documents import Kind
from domain.errors import AlreadyExists, IllegalMove, NotFound, Stale
from domain.priority import Priority
from domain.units import Serial
from domain.value import Name
from domain.work_orders.requests import (
    CancelWork,
    CompleteWork,
    CreateWorkOrder,
    RejectWork,
    StartWork,
    WorkOrderChange,
)
from domain.work_orders.status import WorkOrderKind, WorkOrderStatus

router = APIRouter(prefix="/work_orders", tags=["work_orders"])
_AS_PLANNED = StartWork()


class WorkOrderQuery(DatedQuery):
    """Which work orders."""

    number: Name | None = None
    """The one with this number."""
    serial: Serial | None = None
    """Those on units with this serial, in any case."""
    return_id: UUID | None = None
    """Those on goods of one return, by its `id`."""
    claim_id: UUID | None = None
    """Those that settle one claim, by its `id`."""
    assigned_to: Name | None = None
    """Those that a technician is planned for, by its code."""
    priority: Priority | None = None
    """Those with this priority, from 1 (the most urgent) to 5."""
    overdue: bool | None = None
    """Those that have not ended though their day is over, or only the others."""
    kind: frozenset[WorkOrderKind] = frozenset()
    """Those of one of these kinds."""
    status: frozenset[WorkOrderStatus] = frozenset()
    """Those in one of these states."""


@router.get("", responses=problems(*READ))
async def search(
    query: Annotated[WorkOrderQuery, fastapi.Query()],
    caller: Annotated[Caller, require("work_orders:read")],
    db: Db,
    request: Request,
) -> Page[WorkOrderView]:
    """Newest first."""
    found = search_work_orders(
        caller.reach,
        number=query.number,
        serial=query.serial,
        return_id=query.return_id,
        claim_id=query.claim_id,
        technician=query.assigned_to,
        priority=query.priority,
        overdue=query.overdue,
        kinds=query.kind,
        statuses=query.status,
        costs=caller.may(Command.COSTS_READ),
    )
    rows, more = await get_page(
        db,
        WorkOrderRead,
        found,
        WorkOrderRead.id,
        after=query.after,
        limit=query.limit,
        windows=[query.created(WorkOrderRead.created_at)],
    )
    views = shown("WorkOrderView", lambda row: work_order_view(row, caller), rows)
    return Page[WorkOrderView].of(views, request.url.path, query, last_id(rows, more))


@router.get(
    "/{work_order_id}",
    response_model=WorkOrderView,
    responses=NOT_MODIFIED | problems(*READ, NotFound),
)
async def show(
    work_order_id: Id,
    caller: Annotated[Caller, require("work_orders:read")],
    db: Db,
    has: IfNoneMatch = None,
) -> Response:
    """One work order with its operations, parts and people."""
    found = await show_work_order(db, work_order_id, caller)
    return tagged(found.version, found.model_dump_json().encode(), has)


@router.post(
    "",
    status_code=201,
    response_model=WorkOrderView,
    responses=LOCATED | problems(*READ, *BODY, *KEYED, NotFound, AlreadyExists),
)
async def create(
    body: CreateWorkOrder,
    caller: Annotated[Caller, require("work_orders:create")],
    key: RequiredKey,
    books: Books,
) -> Response:
    """Plan work on goods that exist; nothing is promised to it before it is released."""

    async def write(db: AsyncConnection, work_order_id: UUID) -> WorkOrderView:
        await create_work_order(db, work_order_id, body, actor=caller.subject)
        return await show_work_order(db, work_order_id, caller)

    made = await idempotent_create(books, caller, key, "POST /work_orders", body, write)
    return keyed_response(made, f"/work_orders/{made.resource_id}")


@router.patch(
    "/{work_order_id}",
    response_model=WorkOrderView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, IllegalMove, Stale),
)
async def change(
    work_order_id: Id,
    body: WorkOrderChange,
    caller: Plan,
    key: OptionalKey,
    decided: Decided,
    meant: IfMatch = None,
) -> Response:
    """Change a work order while it is planned or released; what is left out stays.

    `priority` and `due_on` may change while it is worked on, too.
    """

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await change_work_order(db, found, body, actor=caller.subject)

    return await decided(work_order_id, "PATCH ", caller, key, body, decide, meant=meant)


@router.delete("/{work_order_id}", responses=problems(*READ, NotFound, IllegalMove))
async def delete(work_order_id: Id, caller: Plan, books: Books) -> WorkOrderView:
    """Remove a work order that was only planned; what is under way is cancelled instead."""
    async with books.begin() as db:
        found = await WORK_ORDERS.lock(db, work_order_id)
        last = await show_work_order(db, work_order_id, caller)
        await remove_work_order(db, found, actor=caller.subject)
    return last


@router.post("/{work_order_id}/release", response_model=WorkOrderView, responses=STAFFED)
async def release(work_order_id: Id, caller: Plan, key: OptionalKey, decided: Decided) -> Response:
    """Let it be worked on: all its parts are reserved, or it waits until all of them are there."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await release_work_order(db, found, actor=caller.subject)

    return await decided(work_order_id, "POST /release", caller, key, None, decide)


@router.post("/{work_order_id}/start", response_model=WorkOrderView, responses=DECIDED)
async def start(
    work_order_id: Id,
    caller: Work,
    key: OptionalKey,
    decided: Decided,
    body: StartWork = _AS_PLANNED,
) -> Response:
    """Begin. Before all parts are there only a planner may, with `override_reason`."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await start_work(db, found, body, caller)

    return await decided(work_order_id, "POST /start", caller, key, body, decide)


@router.post("/{work_order_id}/complete", response_model=WorkOrderView, responses=DECIDED)
async def complete(
    work_order_id: Id, body: CompleteWork, caller: Work, key: OptionalKey, decided: Decided
) -> Response:
    """Say that all is done; what is missing is told. Without a sign-off it is closed by that."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await complete_work(db, found, body, actor=caller.subject)

    return await decided(work_order_id, "POST /complete", caller, key, body, decide)


@router.post("/{work_order_id}/sign_off", response_model=WorkOrderView, responses=JUDGED)
async def sign(work_order_id: Id, caller: SignOff, key: OptionalKey, decided: Decided) -> Response:
    """Close completed work, by another person than who has worked on it."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await sign_off(db, found, actor=caller.subject)

    return await decided(work_order_id, "POST /sign_off", caller, key, None, decide)


@router.post("/{work_order_id}/reject", response_model=WorkOrderView, responses=JUDGED)
async def send_round(
    work_order_id: Id, body: RejectWork, caller: SignOff, key: OptionalKey, decided: Decided
) -> Response:
    """Have completed work done again: its operations are open once more."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await reject(db, found, body, actor=caller.subject)

    return await decided(work_order_id, "POST /reject", caller, key, body, decide)


@router.post("/{work_order_id}/cancel", response_model=WorkOrderView, responses=DECIDED)
async def cancel(
    work_order_id: Id, body: CancelWork, caller: Plan, key: OptionalKey, decided: Decided
) -> Response:
    """Give it up; once work has begun, say where its unit and all that was issued to it go."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await cancel_work_order(db, found, body, actor=caller.subject)

    return await decided(work_order_id, "POST /cancel", caller, key, body, decide)


timeline(router, Kind.WORK_ORDER)
process(router, Kind.WORK_ORDER)
