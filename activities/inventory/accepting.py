"""Creating sites and correcting stock: use cases in the caller's transaction, with their events."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.inventory.lots import find_given
from activities.inventory.naming import item_named
from db.events import add_event
from db.inventory.adjusting import adjust_stock
from db.inventory.reads import find_stock_location
from db.inventory.sites import add_site
from db.inventory.tables import BalanceRow
from db.items import tracking_of
from domain.access import EVERYTHING, Reach
from domain.adjustments import AdjustStock
from domain.errors import Malformed
from domain.inventory import CreateSite
from domain.quantities import plain


async def create_site(db: AsyncConnection, site_id: UUID, site: CreateSite, *, actor: str) -> None:
    """Add a site with its locations; raise AlreadyExists with the id of the one of that code."""
    await add_site(db, site_id, site)
    await add_event(
        db,
        "site.created",
        subject=site.code,
        subject_id=site_id,
        actor=actor,
        correlation_id=f"site/{site_id}",
        data={"site_id": str(site_id), "locations": [place.code for place in site.places]},
    )


async def accept_adjustment(
    db: AsyncConnection,
    movement_id: UUID,
    asked: AdjustStock,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> BalanceRow:
    """Correct what the books say is at a location, and return the balance after it.

    Raises NotFound for an unknown item or location, Malformed for an unknown site and for serials
    and lots that do not fit, OutOfStock, with those within ``reach`` who hold it, when less would
    remain than is promised, and AlreadyExists or IllegalMove for units that are elsewhere.
    """
    item_id, sku = await item_named(db, asked.item_id, asked.sku)
    location_id = await find_place(db, asked.location_id, asked.site)
    # It stays so, and the lot as it is, until the movement is written.
    tracking = await tracking_of(db, item_id)
    lot = await find_given(db, item_id, asked, tracking, actor=actor)
    balance = await adjust_stock(
        db,
        movement_id,
        asked,
        item_id=item_id,
        location_id=location_id,
        tracking=tracking,
        lot_id=None if lot is None else lot.id,
        actor=actor,
        reach=reach,
    )
    await add_event(
        db,
        "inventory.adjusted",
        subject=sku,
        subject_id=movement_id,
        actor=actor,
        correlation_id=f"adjustment/{movement_id}",
        data={
            "item_id": str(item_id),
            "location_id": str(location_id),
            "quantity": plain(asked.quantity),
            "reason": str(asked.reason),
            **({"serials": asked.serials} if asked.serials else {}),
            **({"lot_id": str(lot.id), "lot": lot.code} if lot else {}),
        },
    )
    return balance


async def find_place(
    db: AsyncConnection, location_id: UUID | None, site: str | None, pointer: str = "/site"
) -> UUID:
    """Return the location, or the first stock location of the site; raise Malformed without one."""
    if location_id is not None:
        return location_id
    assert site is not None
    found = await find_stock_location(db, site)
    if found is None:
        raise Malformed(
            f"there is no site {site} with a place for stock",
            errors=[{"pointer": pointer, "message": "unknown site"}],
        )
    return found
