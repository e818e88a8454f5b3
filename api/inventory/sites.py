"""HTTP for sites: warehouses and plants with their locations."""

from typing import Annotated
from uuid import UUID

import fastapi
from fastapi import APIRouter, Path, Request, Response
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.inventory.accepting import create_site
from activities.inventory.changing import apply_change
from api.answers import keyed_response
from api.deps import Books, Db, require
from api.etags import IfMatch, IfNoneMatch, check_match, tagged
from api.fields import OwnId, UpdatedAt, Version
from api.headers import LOCATED
from api.idempotency import OptionalKey, RequiredKey, idempotent_change, idempotent_create
from api.pages import Page, PageQuery
from api.problems import BODY, KEYED, NOT_MODIFIED, READ, problems
from api.rows import last_id, view
from db.inventory.sites import PARTS_SIZE, SiteRead, get_site, search_sites
from db.pages import get_page
from domain.access import Caller
from domain.addresses import Address
from domain.errors import AlreadyExists, NotFound, Stale
from domain.ids import LocationId, SiteId
from domain.inventory import CreateSite, LocationKind, SiteChange
from domain.value import Name, Value

router = APIRouter(prefix="/inventory/sites", tags=["inventory"])

SiteName = Annotated[Name, Path(description="The site's id, or its code exactly as it is kept.")]


class LocationView(Value):
    """A bin or area of a site."""

    id: OwnId[LocationId]
    code: str
    """Its name in the site."""
    kind: LocationKind
    """What it is for."""
    sellable: bool
    """Whether what lies there can be sold."""
    active: bool
    """Whether it is in use."""


class SiteView(Value):
    """A warehouse or plant with its locations; lower ``rank`` is served from first."""

    id: OwnId[SiteId]
    code: str
    """Its name on documents; there is one of it, and it stays."""
    name: str
    """What people call it."""
    address: Address | None
    """Where shipments leave from; null for a site without one."""
    rank: int
    """0 to 10,000; a lower one is served from first."""
    active: bool = Field(description="Whether new orders are served from it.")
    locations: tuple[LocationView, ...]
    """Its bins and areas."""
    updated_at: UpdatedAt
    version: Version


class SiteQuery(PageQuery):
    """Which sites."""

    code: Name | None = None
    """The one with this code, exactly as it is kept."""


@router.get("", responses=problems(*READ))
async def list_sites(
    query: Annotated[SiteQuery, fastapi.Query()],
    _caller: Annotated[Caller, require("inventory:read")],
    db: Db,
    request: Request,
) -> Page[SiteView]:
    """Warehouses and plants with their locations."""
    found = search_sites(code=query.code)
    rows, more = await get_page(
        db,
        SiteRead,
        found,
        SiteRead.id,
        after=query.after,
        limit=query.limit,
        parts=PARTS_SIZE,
    )
    return Page[SiteView].of(
        [_shown(row) for row in rows], request.url.path, query, last_id(rows, more)
    )


@router.get("/{site}", response_model=SiteView, responses=NOT_MODIFIED | problems(*READ, NotFound))
async def show_site(
    site: SiteName,
    _caller: Annotated[Caller, require("inventory:read")],
    db: Db,
    has: IfNoneMatch = None,
) -> Response:
    """One site with its locations."""
    row = await get_site(db, site)
    return tagged(row.version, _shown(row).model_dump_json().encode(), has)


@router.post(
    "",
    status_code=201,
    response_model=SiteView,
    responses=LOCATED | problems(*READ, *BODY, *KEYED, AlreadyExists),
)
async def add_site(
    site: CreateSite,
    caller: Annotated[Caller, require("sites:create")],
    key: RequiredKey,
    books: Books,
) -> Response:
    """Add a site; a code belongs to one site, and each site has a location of every kind."""

    async def write(db: AsyncConnection, new_id: UUID) -> SiteView:
        await create_site(db, new_id, site, actor=caller.subject)
        return _shown(await get_site(db, new_id))

    made = await idempotent_create(books, caller, key, "POST /inventory/sites", site, write)
    return keyed_response(made, f"/inventory/sites/{made.resource_id}")


@router.patch(
    "/{site}",
    response_model=SiteView,
    responses=problems(*READ, *BODY, *KEYED, NotFound, Stale),
)
async def change_site(
    site: SiteName,
    body: SiteChange,
    caller: Annotated[Caller, require("sites:change")],
    key: OptionalKey,
    books: Books,
    meant: IfMatch = None,
) -> Response:
    """Change a site; what is left out stays, and what is planned leaves from where it was planned.

    From one that is not `active` nothing more is promised; what is promised already still leaves.
    """

    async def write(db: AsyncConnection, _: UUID) -> SiteView:
        row = await get_site(db, site, to_change=True)
        check_match(row.version, meant)
        await apply_change(db, row, body, actor=caller.subject)
        return _shown(await get_site(db, row.id))

    route = f"PATCH /inventory/sites/{site}"
    return keyed_response(await idempotent_change(books, caller, key, route, body, write))


def _shown(row: SiteRead) -> SiteView:
    return view(SiteView, row, address=row.address or None, locations=row.locations or ())
