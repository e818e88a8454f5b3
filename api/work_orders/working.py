"""HTTP for the work itself: operations, parts by scan, components, who is planned, and time."""

from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.accepting import add_material, add_step
from activities.work_orders.issuing import issue_parts
from activities.work_orders.putting_back import return_parts
from activities.work_orders.reserving import cancel_part
from activities.work_orders.staffing import assign, slots_for
from activities.work_orders.swapping import swap
from activities.work_orders.timing import record_time, start_timer, stop_timer
from activities.work_orders.working import report_operation
from api.answers import keyed_response
from api.deps import Books, Db, require
from api.fields import by_id
from api.idempotency import OptionalKey, RequiredKey, idempotent_create
from api.pages import Page, PageQuery, Query
from api.problems import BODY, KEYED, READ, problems
from api.rows import last_id, view
from api.work_orders.deciding import (
    DECIDED,
    STAFFED,
    SUPPLIED,
    TIMED,
    Decided,
    Id,
    Plan,
    Work,
)
from api.work_orders.people import SlotsView, SlotView, TimeEntryView
from api.work_orders.views import WorkOrderView
from db.documents import WORK_ORDERS
from db.pages import get_page
from db.work_orders.people import EntryRead, entries_of
from db.work_orders.reads import get_work_order
from db.work_orders.tables import WorkOrderRow
from db.work_orders.writes import get_operation
from domain.access import Caller
from domain.errors import IllegalMove, NotFound, Overlaps
from domain.ids import OperationId
from domain.work_orders.people import Assign, RecordTime, StartTimer, StopTimer
from domain.work_orders.requests import (
    AddOperation,
    AddPart,
    CancelPart,
    IssueParts,
    PutBackParts,
    ReportOperation,
    SwapComponents,
)

router = APIRouter(prefix="/work_orders", tags=["work_orders"])
OPERATION = Annotated[UUID, by_id("operation")]


@router.post("/{work_order_id}/operations", response_model=WorkOrderView, responses=DECIDED)
async def add_operation(
    work_order_id: Id, body: AddOperation, caller: Plan, key: RequiredKey, decided: Decided
) -> Response:
    """Add a step, also while it is worked on; progress is computed anew."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await add_step(db, found, body, actor=caller.subject)

    return await decided(work_order_id, "POST /operations", caller, key, body, decide)


@router.post(
    "/{work_order_id}/operations/{operation_id}/report",
    response_model=WorkOrderView,
    responses=DECIDED,
)
async def report(
    work_order_id: Id,
    operation_id: OPERATION,
    body: ReportOperation,
    caller: Work,
    key: OptionalKey,
    decided: Decided,
) -> Response:
    """Say what came of a step; a check out of its limits fails whatever is claimed."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        step = await get_operation(db, found.id, operation_id)
        await report_operation(db, found, step, body, actor=caller.subject)

    route = f"POST /operations/{operation_id}/report"
    return await decided(work_order_id, route, caller, key, body, decide)


@router.post("/{work_order_id}/parts", response_model=WorkOrderView, responses=DECIDED)
async def add_part(
    work_order_id: Id, body: AddPart, caller: Plan, key: RequiredKey, decided: Decided
) -> Response:
    """Add a part, also while it is worked on; it is reserved, or waited for."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await add_material(db, found, body, actor=caller.subject)

    return await decided(work_order_id, "POST /parts", caller, key, body, decide)


@router.post("/{work_order_id}/parts/issue", response_model=WorkOrderView, responses=SUPPLIED)
async def issue(
    work_order_id: Id, body: IssueParts, caller: Work, key: RequiredKey, decided: Decided
) -> Response:
    """Take parts from stock by scan: those that are reserved first."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await issue_parts(db, found, body, decided.services.settings.policy, actor=caller.subject)

    return await decided(work_order_id, "POST /parts/issue", caller, key, body, decide)


@router.post("/{work_order_id}/parts/return", response_model=WorkOrderView, responses=SUPPLIED)
async def bring_back(
    work_order_id: Id, body: PutBackParts, caller: Work, key: RequiredKey, decided: Decided
) -> Response:
    """Put unused parts back into stock of the site."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await return_parts(db, found, body, actor=caller.subject)

    return await decided(work_order_id, "POST /parts/return", caller, key, body, decide)


@router.post(
    "/{work_order_id}/parts/{part_id}/cancel", response_model=WorkOrderView, responses=DECIDED
)
async def drop_part(
    work_order_id: Id,
    part_id: Annotated[UUID, by_id("part")],
    body: CancelPart,
    caller: Work,
    key: OptionalKey,
    decided: Decided,
) -> Response:
    """Say that the rest of a part is not needed: what is reserved of it is free at once."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await cancel_part(db, found, part_id, body, actor=caller.subject)

    route = f"POST /parts/{part_id}/cancel"
    return await decided(work_order_id, route, caller, key, body, decide)


@router.post("/{work_order_id}/swap", response_model=WorkOrderView, responses=DECIDED)
async def swap_components(
    work_order_id: Id, body: SwapComponents, caller: Work, key: RequiredKey, decided: Decided
) -> Response:
    """Take a component out of the unit, put one in that was issued, or both."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await swap(db, found, body, actor=caller.subject)

    return await decided(work_order_id, "POST /swap", caller, key, body, decide)


@router.post("/{work_order_id}/assign", response_model=WorkOrderView, responses=STAFFED)
async def plan_for(
    work_order_id: Id, body: Assign, caller: Plan, key: OptionalKey, decided: Decided
) -> Response:
    """Plan a technician who may do it, at a time when nothing else is planned with that one."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await assign(db, found, body, actor=caller.subject)

    return await decided(work_order_id, "POST /assign", caller, key, body, decide)


class SlotQuery(Query):
    """What time is looked for."""

    operation_id: OperationId | None = None
    """For which operation, by its `id`; null: for all that is open."""
    minutes: Annotated[int | None, Field(ge=1, le=100_000)] = None
    """How long; when left out, as is planned."""
    after: AwareDatetime | None = None
    """Not before then; when left out, from now on."""


@router.get("/{work_order_id}/slots", responses=problems(*READ, NotFound))
async def slots(
    work_order_id: Id,
    query: Annotated[SlotQuery, fastapi.Query()],
    caller: Annotated[Caller, require("work_orders:read")],
    db: Db,
) -> SlotsView:
    """When each technician of the site who may do it could, the earliest end first."""
    found = await get_work_order(db, work_order_id, caller.reach)
    free = await slots_for(
        db,
        found,
        operation_id=query.operation_id,
        minutes=query.minutes,
        after=query.after,
    )
    return SlotsView(
        slots=tuple(
            view(
                SlotView,
                slot,
                technician=slot.code,
                late=found.due_on is not None and slot.until.date() > found.due_on,
                load_minutes=int(slot.load.total_seconds()) // 60,
            )
            for slot in free
        )
    )


class TimeQuery(PageQuery):
    """Which part of the list."""


@router.get("/{work_order_id}/time", responses=problems(*READ, NotFound))
async def list_time(
    work_order_id: Id,
    query: Annotated[TimeQuery, fastapi.Query()],
    caller: Annotated[Caller, require("work_orders:read")],
    db: Db,
    request: Request,
) -> Page[TimeEntryView]:
    """All time that was recorded, the newest first; what was corrected counts no more."""
    await get_work_order(db, work_order_id, caller.reach)
    rows, more = await get_page(
        db,
        EntryRead,
        entries_of(work_order_id),
        EntryRead.id,
        after=query.after,
        limit=query.limit,
    )
    views = [_entry(row) for row in rows]
    return Page[TimeEntryView].of(views, request.url.path, query, last_id(rows, more))


def _entry(row: EntryRead) -> TimeEntryView:
    took = None if row.until is None else int((row.until - row.since).total_seconds()) // 60
    return view(TimeEntryView, row, minutes=took, counts=row.corrected_by_id is None)


@router.post("/{work_order_id}/time/start", response_model=WorkOrderView, responses=TIMED)
async def begin(
    work_order_id: Id, body: StartTimer, caller: Work, key: RequiredKey, decided: Decided
) -> Response:
    """Time a technician from now on; one timer of each runs."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        policy = decided.services.settings.policy
        await start_timer(db, found, body, policy, actor=caller.subject)

    return await decided(work_order_id, "POST /time/start", caller, key, body, decide)


@router.post("/{work_order_id}/time/stop", response_model=WorkOrderView, responses=TIMED)
async def pause(
    work_order_id: Id, body: StopTimer, caller: Work, key: RequiredKey, decided: Decided
) -> Response:
    """Stop the timer of a technician; to go on, another one is started."""

    async def decide(db: AsyncConnection, found: WorkOrderRow) -> None:
        await stop_timer(db, found, body, actor=caller.subject)

    return await decided(work_order_id, "POST /time/stop", caller, key, body, decide)


@router.post(
    "/{work_order_id}/time",
    status_code=201,
    response_model=TimeEntryView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, IllegalMove, Overlaps),
)
async def record(
    work_order_id: Id,
    body: RecordTime,
    caller: Work,
    key: RequiredKey,
    books: Books,
    decided: Decided,
) -> Response:
    """Write down time that was worked; with `corrects_id` it takes the place of another entry."""

    async def write(db: AsyncConnection, entry_id: UUID) -> TimeEntryView:
        found = await WORK_ORDERS.lock(db, work_order_id)
        policy = decided.services.settings.policy
        await record_time(db, found, entry_id, body, policy, actor=caller.subject)
        entries = entries_of(work_order_id).where(EntryRead.id == entry_id)
        return _entry((await db.execute(entries)).one())

    route = f"POST /work_orders/{work_order_id}/time"
    made = await idempotent_create(books, caller, key, route, body, write)
    return keyed_response(made)
