"""HTTP for technicians: who does work, what they can do, and how much is planned with each."""

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.staffing import (
    MOST_DAYS,
    create_technician,
    load,
    update_technician,
)
from api.answers import keyed_response
from api.deps import Books, Db, require
from api.etags import IfMatch, IfNoneMatch, check_match, tagged
from api.fields import by_id
from api.headers import LOCATED
from api.idempotency import OptionalKey, RequiredKey, idempotent_change, idempotent_create
from api.pages import Page, PageQuery, Query
from api.problems import BODY, KEYED, NOT_MODIFIED, READ, problems
from api.rows import last_id, money, view_for
from api.work_orders.deciding import Plan
from api.work_orders.people import DayLoadView, LoadView, TechnicianView
from db.pages import get_page
from db.work_orders.people import find_technician, get_technician, search_technicians
from db.work_orders.technicians import TechnicianRow
from domain.access import Caller
from domain.errors import AlreadyExists, NotFound, Stale
from domain.ids import TechnicianId
from domain.work_orders.people import CreateTechnician, TechnicianChange

router = APIRouter(prefix="/work_orders/technicians", tags=["technicians"])
Id = Annotated[UUID, by_id("technician")]
Read = Annotated[Caller, require("work_orders:read")]


class TechnicianQuery(PageQuery):
    """Which technicians."""

    site_id: UUID | None = None
    """Those of one site, by its `id`."""
    active: bool | None = None
    """Those with whom more is planned, or only the others."""


@router.get("", responses=problems(*READ))
async def search(
    query: Annotated[TechnicianQuery, fastapi.Query()], caller: Read, db: Db, request: Request
) -> Page[TechnicianView]:
    """Newest first."""
    found = search_technicians(site_id=query.site_id, active=query.active)
    rows, more = await get_page(
        db, TechnicianRow, found, TechnicianRow.id, after=query.after, limit=query.limit
    )
    views = [_shown(row, caller) for row in rows]
    return Page[TechnicianView].of(views, request.url.path, query, last_id(rows, more))


@router.get(
    "/{technician_id}",
    response_model=TechnicianView,
    responses=NOT_MODIFIED | problems(*READ, NotFound),
)
async def show(technician_id: Id, caller: Read, db: Db, has: IfNoneMatch = None) -> Response:
    """One technician."""
    found = _shown(await get_technician(db, technician_id), caller)
    return tagged(found.version, found.model_dump_json().encode(), has)


@router.post(
    "",
    status_code=201,
    response_model=TechnicianView,
    responses=LOCATED | problems(*READ, *BODY, *KEYED, AlreadyExists),
)
async def create(body: CreateTechnician, caller: Plan, key: RequiredKey, books: Books) -> Response:
    """Add a technician, who can be planned from now on."""

    async def write(db: AsyncConnection, technician_id: UUID) -> TechnicianView:
        await create_technician(db, technician_id, body, actor=caller.subject)
        return _shown(await get_technician(db, technician_id), caller)

    route = "POST /work_orders/technicians"
    made = await idempotent_create(books, caller, key, route, body, write)
    return keyed_response(made, f"/work_orders/technicians/{made.resource_id}")


@router.patch(
    "/{technician_id}",
    response_model=TechnicianView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, Stale),
)
async def change(
    technician_id: Id,
    body: TechnicianChange,
    caller: Plan,
    key: OptionalKey,
    books: Books,
    meant: IfMatch = None,
) -> Response:
    """Change a technician; what is left out stays, and what is planned, too."""

    async def write(db: AsyncConnection, _: UUID) -> TechnicianView:
        found = await find_technician(db, technician_id=technician_id)
        check_match(found.version, meant)
        await update_technician(db, technician_id, body, actor=caller.subject)
        return _shown(await get_technician(db, technician_id), caller)

    route = f"PATCH /work_orders/technicians/{technician_id}"
    return keyed_response(await idempotent_change(books, caller, key, route, body, write))


class LoadQuery(Query):
    """Which days."""

    first: Annotated[date | None, Field(ge=date(1970, 1, 1), le=date(2999, 12, 31))] = None
    """The first day, by UTC; when left out, today."""
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 14
    """How many days."""


@router.get("/{technician_id}/load", responses=problems(*READ, NotFound))
async def show_load(
    technician_id: Id, query: Annotated[LoadQuery, fastapi.Query()], _caller: Read, db: Db
) -> LoadView:
    """What is planned with a technician on each day, beside what can be."""
    first = query.first or datetime.now(UTC).date()
    found, planned = await load(db, technician_id, first, query.days)
    return LoadView(
        technician_id=TechnicianId(found.id),
        days=tuple(
            DayLoadView(day=day, planned_minutes=minutes, capacity_minutes=found.capacity_minutes)
            for day, minutes in planned
        ),
    )


def _shown(row: TechnicianRow, caller: Caller) -> TechnicianView:
    rate = money(row.hourly_rate_amount, row.hourly_rate_currency)
    return view_for(caller, "technician", TechnicianView, row, hourly_rate=rate)
