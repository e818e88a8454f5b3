"""Stock that comes in: from suppliers, or as what was there on the first day."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.inventory.places import place_id
from domain.ids import ItemId, LocationId, new_id
from domain.inventory import LocationKind, MovementKind

_BATCH = 5000

# A movement that is known by its key is not made again, and adds nothing to the balance.
_RECEIVE = text(
    """WITH moved AS (
        INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id, to_location_id,
            reason, actor, occurred_at)
        SELECT id, key, :kind, item_id, quantity, :source, location_id, :reason, :actor, now()
        FROM jsonb_to_recordset(CAST(:arrivals AS jsonb))
            AS a(id uuid, key text, item_id uuid, quantity numeric, location_id uuid)
        ON CONFLICT (key) DO NOTHING RETURNING item_id, to_location_id, quantity),
    balanced AS (
        INSERT INTO balances (item_id, location_id, on_hand)
        SELECT item_id, to_location_id, sum(quantity) FROM moved GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (item_id, location_id)
            DO UPDATE SET on_hand = balances.on_hand + excluded.on_hand)
    SELECT count(*) FROM moved"""
)

_AVAILABLE = text(
    """SELECT b.item_id, sum(floor(b.on_hand - b.reserved))::bigint AS available
    FROM balances b JOIN locations l ON l.id = b.location_id JOIN sites s ON s.id = l.site_id
    WHERE b.item_id = ANY(:items) AND l.sellable AND l.active AND s.active GROUP BY 1"""
)


@dataclass(frozen=True)
class Arrival:
    """A quantity of an item for a location; ``key`` names it for ever."""

    key: str
    item_id: ItemId
    location_id: LocationId
    quantity: Decimal


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
    recorded = 0
    for start in range(0, len(arrivals), _BATCH):
        batch = arrivals[start : start + _BATCH]
        result = await db.execute(
            _RECEIVE,
            {
                "kind": kind,
                "source": place_id(source),
                "reason": reason,
                "actor": actor,
                "arrivals": to_json([{"id": new_id(), **asdict(each)} for each in batch]),
            },
        )
        recorded += result.scalar_one()
    return recorded
