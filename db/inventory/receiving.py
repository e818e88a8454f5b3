"""Receipts from suppliers and opening balances: movements into stock, each made once by its key."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.inventory.lots import promisable
from db.inventory.movements import Movement
from db.inventory.places import place_id
from db.inventory.posting import post
from domain.ids import ItemId, LocationId, LotId
from domain.inventory import LocationKind, MovementKind

_BATCH = 500

_AVAILABLE = text(
    f"""SELECT b.item_id, sum(floor(b.on_hand - b.reserved))::bigint AS available
    FROM balances b JOIN locations l ON l.id = b.location_id JOIN sites s ON s.id = l.site_id
    WHERE b.item_id = ANY(:items) AND l.sellable AND l.active AND s.active
        AND {promisable("b")} GROUP BY 1"""
)


@dataclass(frozen=True)
class Arrival:
    """A quantity of an item for a location; ``key`` names it for ever."""

    key: str
    item_id: ItemId
    location_id: LocationId
    quantity: Decimal
    lot_id: LotId | None = None


async def receive_stock(db: AsyncConnection, arrivals: Sequence[Arrival], *, actor: str) -> int:
    """Receive goods from suppliers; return how many arrivals were not known before."""
    return await _receive(
        db, arrivals, MovementKind.RECEIPT, LocationKind.SUPPLIER, "received", actor
    )


async def open_stock(db: AsyncConnection, arrivals: Sequence[Arrival], *, actor: str) -> int:
    """Enter what was there on the first day; return how many arrivals were not known before."""
    return await _receive(
        db, arrivals, MovementKind.ADJUSTMENT, LocationKind.OPENING, "initial_balance", actor
    )


async def find_available(db: AsyncConnection, items: Sequence[ItemId]) -> dict[ItemId, int]:
    """Return how many whole units of each item can be sold now, over all sites."""
    rows = await db.execute(_AVAILABLE, {"items": list(items)})
    return {ItemId(row.item_id): row.available for row in rows}


async def _receive(
    db: AsyncConnection,
    arrivals: Sequence[Arrival],
    kind: MovementKind,
    source: LocationKind,
    reason: str,
    actor: str,
) -> int:
    movements = [
        Movement(
            key=each.key,
            kind=kind,
            item_id=each.item_id,
            quantity=each.quantity,
            from_location_id=place_id(source),
            to_location_id=each.location_id,
            actor=actor,
            reason=reason,
            lot_id=each.lot_id,
        )
        for each in arrivals
    ]
    made = 0
    for start in range(0, len(movements), _BATCH):
        made += (await post(db, movements[start : start + _BATCH])).made
    return made
