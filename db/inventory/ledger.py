"""Stock that is let go or leaves: balances and ledger together, each step once."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.inventory.places import place_id
from domain.ids import new_id
from domain.inventory import LocationKind

# Balance rows are locked in one order by everyone, so two callers never wait in a circle.
_RELEASE = text(
    """WITH held AS (
        SELECT id, item_id, location_id, quantity FROM reservations
        WHERE document_id = :document AND status = 'active' FOR UPDATE),
    totals AS (
        SELECT item_id, location_id, sum(quantity) AS quantity FROM held GROUP BY 1, 2),
    locked AS MATERIALIZED (
        SELECT b.item_id, b.location_id, t.quantity FROM balances b
        JOIN totals t USING (item_id, location_id)
        ORDER BY b.item_id, b.location_id FOR UPDATE OF b),
    freed AS (
        UPDATE balances b SET reserved = b.reserved - l.quantity FROM locked l
        WHERE b.item_id = l.item_id AND b.location_id = l.location_id)
    UPDATE reservations r SET status = 'released', ended_at = now() FROM held
    WHERE r.id = held.id"""
)

_ISSUE = text(
    """WITH leaving AS (
        SELECT l.id, l.order_line_id, l.reservation_id, l.item_id, l.location_id, l.quantity, m.id
            AS movement_id
        FROM shipment_lines l
        JOIN jsonb_to_recordset(CAST(:movements AS jsonb)) AS m(line_id uuid, id uuid)
            ON m.line_id = l.id
        WHERE l.shipment_id = :shipment),
    totals AS (
        SELECT item_id, location_id, sum(quantity) AS quantity FROM leaving GROUP BY 1, 2),
    locked AS MATERIALIZED (
        SELECT b.item_id, b.location_id, t.quantity FROM balances b
        JOIN totals t USING (item_id, location_id)
        ORDER BY b.item_id, b.location_id FOR UPDATE OF b),
    moved AS (
        INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id, to_location_id,
            document_type, document_id, line_id, actor, occurred_at)
        SELECT movement_id, 'issue/' || id, 'issue', item_id, quantity, location_id, :customer,
            'shipment', :shipment, order_line_id, :actor, now() FROM leaving),
    consumed AS (
        UPDATE reservations r SET status = 'consumed', ended_at = now() FROM leaving
        WHERE r.id = leaving.reservation_id AND r.status = 'active')
    UPDATE balances b SET on_hand = b.on_hand - l.quantity, reserved = b.reserved - l.quantity
    FROM locked l WHERE b.item_id = l.item_id AND b.location_id = l.location_id"""
)

_COME_BACK = text(
    """WITH back AS (
        SELECT l.id, l.order_line_id, l.item_id, l.quantity, m.id AS movement_id,
            q.id AS quarantine
        FROM shipment_lines l JOIN shipments s ON s.id = l.shipment_id
        JOIN locations q ON q.site_id = s.site_id AND q.kind = 'quarantine'
        JOIN jsonb_to_recordset(CAST(:movements AS jsonb)) AS m(line_id uuid, id uuid)
            ON m.line_id = l.id
        WHERE l.shipment_id = :shipment),
    moved AS (
        INSERT INTO movements (id, key, kind, item_id, quantity, from_location_id, to_location_id,
            reason, document_type, document_id, line_id, actor, occurred_at)
        SELECT movement_id, 'undelivered/' || id, 'return', item_id, quantity, :customer,
            quarantine,
            'undeliverable', 'shipment', :shipment, order_line_id, :actor, now() FROM back)
    INSERT INTO balances (item_id, location_id, on_hand)
    SELECT item_id, quarantine, sum(quantity) FROM back GROUP BY 1, 2
    ON CONFLICT (item_id, location_id)
        DO UPDATE SET on_hand = balances.on_hand + excluded.on_hand"""
)


async def release_stock(db: AsyncConnection, document_id: UUID) -> None:
    """Take back every standing promise to a document; finds nothing to do the second time."""
    await db.execute(_RELEASE, {"document": document_id})


async def issue_stock(
    db: AsyncConnection, shipment_id: UUID, line_ids: list[UUID], actor: str
) -> None:
    """Move a shipment's goods to the customer and use up their reservations.

    The movements' keys make a second issue of the same lines a unique violation, not a second
    movement.
    """
    await db.execute(_ISSUE, _movement_parameters(shipment_id, line_ids, actor))


async def take_back_stock(
    db: AsyncConnection, shipment_id: UUID, line_ids: list[UUID], actor: str
) -> None:
    """Move goods that could not be delivered into the quarantine of the site they came from."""
    await db.execute(_COME_BACK, _movement_parameters(shipment_id, line_ids, actor))


def _movement_parameters(shipment_id: UUID, line_ids: list[UUID], actor: str) -> dict[str, object]:
    return {
        "shipment": shipment_id,
        "customer": place_id(LocationKind.CUSTOMER),
        "actor": actor,
        "movements": to_json([{"line_id": line_id, "id": new_id()} for line_id in line_ids]),
    }
