"""Holding stock by hand, and letting it go: use cases in the caller's transaction."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.inventory.naming import item_named
from db.inventory.movements import ByHand
from db.inventory.reads import find_stock_location
from db.inventory.reservations import (
    describe_holder,
    end_expired,
    get_reservation,
    hold_by_hand,
    let_go,
    lock_expired,
    lock_reservation,
)
from db.inventory.undercutting import lock_every_balance
from db.orders.accept import lock_shelves
from domain.access import EVERYTHING, Reach
from domain.errors import Malformed, NotFound
from domain.ids import ItemId
from domain.inventory import Shelf, allocate
from domain.reservations import MANUAL, ReserveStock, is_let_go, term_of


async def reserve_by_hand(
    db: AsyncConnection, document_id: UUID, asked: ReserveStock, *, actor: str, source: str | None
) -> None:
    """Hold units of an item at a site, of what expires first before others.

    Raises NotFound for an unknown item, Malformed for an unknown site or a term that cannot be, and
    OutOfStock when so many are not free there.
    """
    expires_at = term_of(asked.expires_at, datetime.now(UTC))
    item_id, sku = await item_named(db, asked.item_id, asked.sku)
    item = ItemId(item_id)
    skus = {item: sku}
    if await find_stock_location(db, asked.site) is None:
        raise Malformed(
            f"there is no site {asked.site} with a place for stock",
            errors=[{"pointer": "/site", "message": "unknown site"}],
        )
    expired = await lock_expired(db, [item])
    if expired:
        await lock_every_balance(db, item)
        await end_expired(db, expired)
    plan = allocate({item: asked.quantity}, await _shelves(db, skus, asked.site), skus)
    by_hand = ByHand(asked.reference, expires_at, source, actor)
    await hold_by_hand(db, document_id, plan, by_hand, actor=actor)


async def release_by_hand(
    db: AsyncConnection,
    reservation_id: UUID,
    reason: str,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
) -> None:
    """Let go of what is held by hand; once is as good as twice. Who waits for it is served.

    Raises NotFound, also for one by hand out of ``reach``, and IllegalMove for what a document
    holds, which it names, or what has ended by itself.
    """
    held = await lock_reservation(db, reservation_id)
    shown = await get_reservation(db, reservation_id, reach)
    if held.document_type == MANUAL and shown.document_id is None:
        raise NotFound(f"there is no reservation {reservation_id}")
    holder = await describe_holder(db, held.document_type, held.document_id, reach)
    if not is_let_go(held.document_type, held.status, holder):
        await let_go(db, held, reason, actor=actor)


async def _shelves(db: AsyncConnection, skus: dict[ItemId, str], site: str) -> list[Shelf]:
    shelves = await lock_shelves(db, skus)
    return [one for each in shelves.values() for one in each if one.site_code == site]
