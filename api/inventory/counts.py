"""HTTP for stock counts: sent in, listed and shown; their questions are answered as tasks."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import fastapi
from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.inventory.counting import submit_count
from api.answers import keyed_response
from api.deps import Books, Db, Serving, require
from api.fields import CreatedAt, ItemRef, Number, OwnId, Sku, by_id
from api.headers import LOCATED
from api.idempotency import RequiredKey, idempotent_create
from api.pages import Page, PageQuery
from api.problems import BODY, KEYED, READ, problems
from api.rows import last_id, view
from db.inventory.counts import CountRow, get_count, lines_of, search_counts
from db.pages import get_page
from domain.access import Caller
from domain.counts import CountStatus, SubmitCount
from domain.errors import NotFound
from domain.ids import LocationId, LotId
from domain.quantities import Quantity, Total
from domain.value import Name, Value

router = APIRouter(prefix="/inventory/counts", tags=["inventory"])

_HIDDEN = "Null for who counted until the count is posted, unless counts are not blind."


class CountSummary(Value):
    """What a person has counted, and whether it stands."""

    id: OwnId[UUID]
    number: Number
    status: CountStatus
    """`review` until another person has decided it, `posted` or `discarded`."""
    counted_by: str
    """Who sent it, such as `key:my-shop`."""
    note: str
    """What was written about it; empty without."""
    created_at: CreatedAt
    decided_by: str | None
    """Who accepted or discarded it; null of one that agreed with the books, and in review."""
    ended_at: datetime | None
    """When it was posted or discarded, in UTC (RFC 3339); null in review."""


class CountLineView(Value):
    """What was found of one item, and of one lot of it, at one place."""

    id: OwnId[UUID]
    item_id: ItemRef
    sku: Sku
    location_id: LocationId
    """Where it was counted."""
    location: str
    """The location's code."""
    site: str | None
    """The site's code; null outside of any."""
    lot_id: LotId | None
    """Which lot; null of items without lots."""
    lot: str | None
    """The lot's code."""
    counted: Quantity
    """Units that were there."""
    counted_at: datetime
    """When, in UTC (RFC 3339)."""
    expected: Total | None = Field(
        description="What the books said of that moment when the count was posted, or, while it is"
        f" not, when it was sent. {_HIDDEN}"
    )
    variance: Total | None = Field(
        description=f"What was counted less what was expected. {_HIDDEN}"
    )


class CountView(CountSummary):
    """A count with what was found, place by place."""

    lines: tuple[CountLineView, ...]
    """In the order in which they were sent."""


class CountQuery(PageQuery):
    """Which counts."""

    status: CountStatus | None = None
    """Whether they stand."""
    number: Name | None = None
    """The one with this name for people."""


@router.get("", responses=problems(*READ))
async def list_counts(
    query: Annotated[CountQuery, fastapi.Query()],
    _caller: Annotated[Caller, require("inventory:read")],
    db: Db,
    request: Request,
) -> Page[CountSummary]:
    """Newest first, without their lines."""
    found = search_counts(**query.model_dump(exclude={"limit", "after"}))
    rows, more = await get_page(
        db, CountRow, found, CountRow.id, after=query.after, limit=query.limit
    )
    views = [view(CountSummary, row) for row in rows]
    return Page[CountSummary].of(views, request.url.path, query, last_id(rows, more))


@router.get("/{count_id}", responses=problems(*READ, NotFound))
async def show_count(
    count_id: Annotated[UUID, by_id("count")],
    caller: Annotated[Caller, require("inventory:read")],
    db: Db,
    services: Serving,
) -> CountView:
    """One count, with its lines."""
    return await _show(db, count_id, caller, blind=services.settings.policy.blind_counts)


@router.post(
    "",
    status_code=201,
    response_model=CountView,
    responses=LOCATED | problems(*READ, *BODY, *KEYED, NotFound),
)
async def submit(
    asked: SubmitCount,
    caller: Annotated[Caller, require("inventory:adjust")],
    key: RequiredKey,
    books: Books,
    services: Serving,
) -> Response:
    """Send what was counted: it stands at once if the books agree, else another person decides."""
    policy = services.settings.policy

    async def write(db: AsyncConnection, count_id: UUID) -> CountView:
        await submit_count(db, count_id, asked, policy, actor=caller.subject)
        return await _show(db, count_id, caller, blind=policy.blind_counts)

    made = await idempotent_create(books, caller, key, "POST /inventory/counts", asked, write)
    return keyed_response(made, f"/inventory/counts/{made.resource_id}")


async def _show(db: AsyncConnection, count_id: UUID, caller: Caller, *, blind: bool) -> CountView:
    count = await get_count(db, count_id)
    mine = count.counted_by == caller.subject
    hidden = blind and mine and count.status != CountStatus.POSTED
    lines = await lines_of(db, count_id)
    return view(CountView, count, lines=tuple(_line(line, hidden=hidden) for line in lines))


def _line(line: Row[Any], *, hidden: bool) -> CountLineView:
    told = (None, None) if hidden else (line.expected, line.counted - line.expected)
    return view(CountLineView, line, expected=told[0], variance=told[1])
