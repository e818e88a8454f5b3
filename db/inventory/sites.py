"""New sites with their locations."""

from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as insert_once
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.tables import LocationRow, SiteRow
from domain.errors import AlreadyExists
from domain.ids import derived_id
from domain.inventory import CreateSite, LocationKind


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
    if site.locations:
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
                for place in site.locations
            ],
        )
