"""Milestones of a shipment, its departure and its settlement: one statement each."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import SHIPMENTS
from db.engine import to_json
from db.events import ADD_EVENTS, to_add
from db.shipments.captures import OWES
from db.shipments.tables import ShipmentRow
from domain.documents import Kind, Signal
from domain.shipments.tracking import ParcelState

_UNITS = """units AS (
        SELECT order_line_id, sum(quantity) AS quantity, min(id::text)::uuid AS first
        FROM shipment_lines WHERE shipment_id = :shipment GROUP BY 1)"""

# A line that leaves from several locations carries its amount on the first of its parts.
_DEPART = text(
    f"""WITH {_UNITS},
    parts AS (
        UPDATE shipment_lines l SET capture_amount = CASE WHEN l.id = units.first
            THEN coalesce((CAST(:amounts AS jsonb) ->> CAST(l.order_line_id AS text))::bigint, 0)
            ELSE 0 END
        FROM units WHERE l.shipment_id = :shipment AND l.order_line_id = units.order_line_id),
    lines AS (
        UPDATE order_lines l SET shipped = l.shipped + units.quantity
        FROM units WHERE l.id = units.order_line_id),
    touched AS (UPDATE orders SET version = version + 1 WHERE id = :order),
    departed AS (
        UPDATE shipments SET status = :status, handed_over_at = now(),
            exception_reason = :exception, delivered_at = :delivered_at, signed_by = :signed_by,
            capture_shipping_amount = :shipping, version = version + 1
        WHERE id = :shipment),
    told AS (
        INSERT INTO outbox (kind, document_type, document_id, payload)
        SELECT 'signal', '{Kind.RETURN}', replaces_return_id,
            jsonb_build_object('signal', '{Signal.RETURN_CHANGED}')
        FROM orders WHERE id = :order AND replaces_return_id IS NOT NULL)
    {ADD_EVENTS}"""
)
_SETTLE = {
    counter: text(
        f"""WITH {_UNITS},
        lines AS (
            UPDATE order_lines l SET {counter} = l.{counter} + units.quantity
            FROM units WHERE l.id = units.order_line_id),
        settled AS (
            UPDATE shipments SET settled_at = now(), version = version + 1 WHERE id = :shipment),
        told AS (INSERT INTO outbox (kind, document_type, document_id, payload)
        SELECT 'signal', '{Kind.ORDER}', s.order_id,
            jsonb_build_object('signal', '{Signal.SHIPMENT_ENDED}')
        FROM shipments s WHERE s.id = :shipment AND ({OWES}) IS NOT TRUE RETURNING id)
        SELECT NOT EXISTS (SELECT FROM told)"""
    )
    for counter in ("delivered", "written_off")
}


async def record_departure(
    db: AsyncConnection,
    shipment: ShipmentRow,
    state: ParcelState,
    actor: str,
    *,
    capture: dict[UUID, int],
    shipping: int,
) -> None:
    """Write that a locked booked shipment of a locked order has left, and what it captures.

    The run of a return whose goods the order replaces hears of it.
    The money (minor units) is given per order line, and for shipping.
    """
    amounts = {str(line_id): amount for line_id, amount in capture.items()}
    await db.execute(
        _DEPART,
        {
            "shipment": shipment.id,
            "order": shipment.order_id,
            "amounts": to_json(amounts),
            "shipping": shipping,
            "status": state.status,
            "exception": state.exception,
            "delivered_at": state.delivered_at,
            "signed_by": state.signed_by,
            "events": to_add([SHIPMENTS.moved(shipment, state.status, actor)]),
        },
    )


async def record_settlement(db: AsyncConnection, shipment_id: UUID, counter: str) -> bool:
    """Write that a locked shipment's journey is settled; its order's run hears of it if paid.

    Returns whether money for it is outstanding.
    ``counter`` of its lines is counted up: ``delivered`` or ``written_off``.
    """
    return bool((await db.execute(_SETTLE[counter], {"shipment": shipment_id})).scalar_one())
