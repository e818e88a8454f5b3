"""Swapping what is reserved for an order: other stock of the same item, other lots above all.

Lines of shipments that have not left follow. The order and its shipments are locked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.inventory.movements import Share, Switch
from db.inventory.splitting import split_reservations, switch_reservations
from domain.ids import new_id

# Of the lines that live; what was voided or cancelled says what was planned then.
_FOLLOW = text(
    """WITH given AS (
        SELECT * FROM jsonb_to_recordset(CAST(:parts AS jsonb)) AS g(id uuid, source uuid,
            fresh uuid, location_id uuid, quantity int)),
    lines AS (
        SELECT x.* FROM shipment_lines x JOIN shipments s ON s.id = x.shipment_id
        WHERE x.reservation_id IN (SELECT source FROM given)
            AND s.status NOT IN ('voided', 'cancelled')),
    added AS (
        INSERT INTO shipment_lines (id, shipment_id, order_line_id, item_id, location_id,
            reservation_id, quantity)
        SELECT g.fresh, x.shipment_id, x.order_line_id, x.item_id, g.location_id, g.id, g.quantity
        FROM given g JOIN lines x ON x.reservation_id = g.source WHERE g.id <> g.source)
    UPDATE shipment_lines x SET quantity = x.quantity - c.less,
        location_id = coalesce(c.location_id, x.location_id)
    FROM (SELECT l.id, coalesce(sum(g.quantity) FILTER (WHERE g.id <> g.source), 0) AS less,
            (max(g.location_id::text) FILTER (WHERE g.id = g.source))::uuid AS location_id
        FROM lines l JOIN given g ON g.source = l.reservation_id GROUP BY 1) c
    WHERE x.id = c.id"""
)


@dataclass(frozen=True, slots=True)
class Swap:
    """So many units of a reservation that are to be of other stock, which is locked and free."""

    reservation_id: UUID
    location_id: UUID
    lot_id: UUID | None
    quantity: int


async def swap(db: AsyncConnection, held: dict[UUID, int], swaps: Sequence[Swap]) -> None:
    """Swap units of reservations, of which so many are ``held``; the rest stays as it is."""
    left = dict(held)
    parts, shares, switches = [], [], []
    for one in swaps:
        left[one.reservation_id] -= one.quantity
        # The last part of a reservation that is swapped as a whole keeps its id.
        id_ = new_id() if left[one.reservation_id] else one.reservation_id
        if id_ != one.reservation_id:
            shares.append(Share(id_, one.reservation_id, one.quantity))
        switches.append(Switch(id_, one.location_id, one.lot_id))
        parts.append(
            {
                "id": id_,
                "source": one.reservation_id,
                "fresh": new_id(),
                "location_id": one.location_id,
                "quantity": one.quantity,
            }
        )
    if parts:
        await split_reservations(db, shares)
        await switch_reservations(db, switches)
        await db.execute(_FOLLOW, {"parts": to_json(parts)})
