"""Sites with their locations: read, added and changed."""

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, insert, literal_column, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as insert_once
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.tables import LocationRow, SiteRow
from domain.errors import AlreadyExists, NotFound
from domain.ids import derived_id
from domain.inventory import CreateSite, LocationKind

PARTS_SIZE: ColumnElement[int] = literal_column(
    """(SELECT coalesce(sum(100 + octet_length(l::text)), 0)
    FROM locations l WHERE l.site_id = sites.id)"""
)
"""About how many bytes the locations of a site have."""


class SiteRead(SiteRow):
    """A site with its locations as JSON, as the query here selects it."""

    __abstract__ = True
    locations: list[dict[str, Any]] | None


def search_sites(*, code: str | None = None) -> Select[Any]:
    """Select sites with their locations as a JSON list, in order of their codes."""
    entry = func.jsonb_build_object(
        "id",
        LocationRow.id,
        "code",
        LocationRow.code,
        "kind",
        LocationRow.kind,
        "sellable",
        LocationRow.sellable,
        "active",
        LocationRow.active,
    )
    locations = (
        select(func.jsonb_agg(aggregate_order_by(entry, LocationRow.code)))
        .where(LocationRow.site_id == SiteRow.id)
        .scalar_subquery()
    )
    query = select(SiteRow.__table__, locations.label("locations"))
    return query if code is None else query.where(SiteRow.code == code)


async def get_site(db: AsyncConnection, site: UUID | str, *, to_change: bool = False) -> SiteRead:
    """Return a site by its id or code, locked ``to_change`` it; raise NotFound."""
    query = search_sites().where(_called(site))
    if to_change:
        # What refers to the site is written meanwhile: its key stays.
        query = query.with_for_update(of=SiteRow.__table__, key_share=True)
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no site {site}")
    return cast(SiteRead, found)


def _called(site: UUID | str) -> ColumnElement[bool]:
    try:
        return SiteRow.id == UUID(str(site))
    except ValueError:
        return SiteRow.code == site


async def add_site(db: AsyncConnection, site_id: UUID, site: CreateSite) -> None:
    """Insert a site with its locations; raise AlreadyExists with the id of the one of that code.

    A location's id is derived from the site's id and the location's code.
    """
    added = await db.execute(
        insert_once(SiteRow)
        .values(
            id=site_id,
            code=site.code,
            name=site.name,
            address=site.address.model_dump(),
            rank=site.rank,
        )
        .on_conflict_do_nothing()
        .returning(SiteRow.id)
    )
    if added.one_or_none() is None:
        first = await db.execute(select(SiteRow.id).where(SiteRow.code == site.code))
        raise AlreadyExists(f"there is a site {site.code}", id=str(first.scalar_one()))
    await db.execute(
        insert(LocationRow),
        [
            {
                "id": derived_id(site_id, place.code),
                "site_id": site_id,
                "code": place.code,
                "kind": place.kind,
                "sellable": place.kind is LocationKind.STOCK,
                "valued": place.valued,
            }
            for place in site.places
        ],
    )


async def change_site(db: AsyncConnection, site_id: UUID, values: Mapping[str, Any]) -> None:
    """Write columns of a locked site."""
    changed = update(SiteRow).where(SiteRow.id == site_id)
    await db.execute(changed.values(version=SiteRow.version + 1, **values))
