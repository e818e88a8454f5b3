"""Changing sites: a use case in the caller's transaction, with its events."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from db.events import Event, add_events
from db.inventory.sites import change_site
from db.inventory.tables import SiteRow
from domain.inventory import SiteChange

_MOVES = {True: "reactivated", False: "deactivated"}


async def apply_change(
    db: AsyncConnection, site: SiteRow, change: SiteChange, *, actor: str
) -> bool:
    """Change a locked site and return whether that was news; what is no news changes nothing."""
    given: dict[str, Any] = change.model_dump()
    values = {name: value for name, value in given.items() if getattr(site, name) != value}
    if not values:
        return False
    await change_site(db, site.id, values)
    fields = sorted(values.keys() - {"active"})
    told: dict[str, dict[str, Any]] = {"changed": {"fields": fields}} if fields else {}
    if "active" in values:
        told[_MOVES[values["active"]]] = {}
    await add_events(
        db,
        [
            Event(
                f"site.{what}",
                subject=site.code,
                subject_id=site.id,
                actor=actor,
                correlation_id=f"site/{site.id}",
                data={"site_id": str(site.id), **data},
            )
            for what, data in told.items()
        ],
    )
    return True
