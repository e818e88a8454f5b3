"""The writes of planning, booking, sending and following shipments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from sqlalchemy import bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import SHIPMENTS
from db.engine import to_json
from db.events import ADD_EVENTS, to_add
from db.inventory.tables import ReservationRow
from db.ledgers import SOON
from db.orders.tables import OrderRow
from db.shipments.picking import UNPICKED
from db.shipments.tables import ShipmentLineRow, ShipmentPart, ShipmentRow
from domain.errors import NotFound
from domain.ids import derived_id
from domain.money import Money
from domain.shipments.status import ShipmentStatus

# Of several tables rows are locked in the order of ``of``: the order before the shipment.
_WITH_ORDER = (
    select(OrderRow.__table__, ShipmentRow.__table__)
    .join_from(OrderRow, ShipmentRow, ShipmentRow.order_id == OrderRow.id)
    .where(ShipmentRow.id == bindparam("shipment"))
    .with_for_update(of=(OrderRow, ShipmentRow), key_share=True)
)
_ORDER_COLUMNS = OrderRow.__table__.columns.keys()
_SHIPMENT_COLUMNS = ShipmentRow.__table__.columns.keys()


async def lock_with_order(db: AsyncConnection, shipment_id: UUID) -> tuple[OrderRow, ShipmentRow]:
    """Lock and return the rows of a shipment's order and of the shipment; raise NotFound."""
    found = (await db.execute(_WITH_ORDER, {"shipment": shipment_id})).one_or_none()
    if found is None:
        raise NotFound(f"there is no shipment {shipment_id}")
    # Both tables have columns of one name, so the row is taken apart by position.
    values = tuple(found)
    order = dict(zip(_ORDER_COLUMNS, values, strict=False))
    shipment = dict(zip(_SHIPMENT_COLUMNS, values[len(_ORDER_COLUMNS) :], strict=True))
    return (
        cast(OrderRow, SimpleNamespace(**order)),
        cast(ShipmentRow, SimpleNamespace(**shipment)),
    )


async def lock_shipments_of(db: AsyncConnection, order_id: UUID) -> Sequence[ShipmentRow]:
    """Lock and return all shipments of a locked order."""
    found = await db.execute(
        select(ShipmentRow.__table__)
        .where(ShipmentRow.order_id == order_id)
        .order_by(ShipmentRow.id)
        .with_for_update(key_share=True)
    )
    return cast(Sequence[ShipmentRow], found.all())


_PARTS = (
    select(ShipmentLineRow.__table__, ReservationRow.lot_id)
    .join(ReservationRow, ReservationRow.id == ShipmentLineRow.reservation_id)
    .where(ShipmentLineRow.shipment_id == bindparam("shipment"))
    .order_by(ShipmentLineRow.id)
)


async def shipment_lines_of(db: AsyncConnection, shipment_id: UUID) -> Sequence[ShipmentPart]:
    """Return a shipment's lines, each with its lot."""
    found = (await db.execute(_PARTS, {"shipment": shipment_id})).all()
    return cast(Sequence[ShipmentPart], found)


_TO_BOOK = text(
    f"""SELECT s.id, s.order_id, s.status, s.service, s.ship_from, s.ship_to,
        o.cancel_requested_at IS NOT NULL OR o.line_cancellations IS NOT NULL
            OR o.shortages IS NOT NULL OR EXISTS (
            SELECT 1 FROM holds WHERE document_id = o.id AND released_at IS NULL) AS stopped,
        (SELECT jsonb_agg(jsonb_build_array(l.quantity, i.weight_grams) ORDER BY l.id)
            FROM shipment_lines l JOIN items i ON i.id = l.item_id
            WHERE l.shipment_id = s.id) AS contents,
        EXISTS (SELECT FROM payments p WHERE p.order_id = o.id AND (
            p.authorization_expires_at <= now() + {SOON} OR EXISTS (SELECT FROM payment_entries e
                WHERE e.payment_id = p.id AND e.kind = 'void'))) AS doubtful,
        s.heaviest_box_grams, s.booking_reference, {UNPICKED} AS to_pick, s.packed
    FROM shipments s JOIN orders o ON o.id = s.order_id WHERE s.id = :shipment"""
)
_BOOK = text(
    f"""WITH parcels AS (
        INSERT INTO parcels (id, shipment_id, carrier, tracking_number, status, contents)
        SELECT p.id, s.id, :carrier, p.tracking_number, 'booked', p.contents
        FROM shipments s, jsonb_to_recordset(CAST(:parcels AS jsonb))
            AS p(id uuid, tracking_number text, contents jsonb)
        WHERE s.id = :shipment),
    booked AS (
        UPDATE shipments SET status = 'booked', carrier = :carrier, booked_by = :booked_by,
            booking_reference = :reference, label_url = :label_url, label_amount = :amount,
            label_currency = :currency,
            promised_on = :promised_on, booked_at = now(), version = version + 1
        WHERE id = :shipment)
    {ADD_EVENTS}"""
)


@dataclass(frozen=True, slots=True)
class ToBook:
    """What a label is bought for; ``stopped`` by a hold or a cancellation of the order."""

    id: UUID
    order_id: UUID
    status: str
    service: str
    ship_from: dict[str, Any]
    ship_to: dict[str, Any]
    stopped: bool
    contents: list[tuple[int, int]]
    """Units and grams per unit."""
    doubtful: bool
    """Whether some of the order's money may be reserved no more, or ends soon."""
    heaviest_box_grams: int | None
    booking_reference: str | None
    to_pick: int
    """Serial units that are still to be scanned."""
    packed: list[dict[str, Any]] | None
    """Its parcels, where a person packed them."""


async def find_to_book(db: AsyncConnection, shipment_id: UUID) -> ToBook:
    """Return what the label of a shipment is bought for; raise NotFound."""
    found = (await db.execute(_TO_BOOK, {"shipment": shipment_id})).one_or_none()
    if found is None:
        raise NotFound(f"there is no shipment {shipment_id}")
    return ToBook(*found)


# What a person is asked to get back, or has got back, is not asked for again.
_UNHEARD = text(
    """SELECT s.id FROM shipments s WHERE s.order_id = :order AND s.status = 'cancelled'
        AND s.booking_reference IS NULL AND NOT EXISTS (SELECT FROM tasks t
            WHERE t.document_id = s.id AND t.kind = 'undo_failed')
    ORDER BY s.id"""
)


async def given_up_unheard(db: AsyncConnection, order_id: UUID) -> Sequence[UUID]:
    """Return the cancelled shipments of an order for which a label may live, unheard of by us."""
    return (await db.execute(_UNHEARD, {"order": order_id})).scalars().all()


async def record_booking(
    db: AsyncConnection,
    shipment: ShipmentRow,
    *,
    reference: str,
    label_url: str | None,
    price: Money | None,
    promised_on: date | None,
    tracking_numbers: Sequence[str],
    carrier: str | None = None,
    booked_by: str | None = None,
) -> None:
    """Write down the label of a locked pending shipment: its parcels, status and event.

    ``carrier`` is another one than was planned; ``booked_by`` is who bought the label elsewhere.
    """
    packed = [parcel["lines"] for parcel in shipment.packed or ()]
    if len(packed) != len(tracking_numbers):
        # A label for other parcels than were packed: what is in which is not known.
        packed = [None] * len(tracking_numbers)
    parcels = [
        {
            "id": derived_id(shipment.id, f"parcel/{number}"),
            "tracking_number": number,
            "contents": lines,
        }
        for number, lines in zip(tracking_numbers, packed, strict=True)
    ]
    await db.execute(
        _BOOK,
        {
            "shipment": shipment.id,
            "parcels": to_json(parcels),
            "reference": reference,
            "label_url": label_url,
            "amount": price and price.amount,
            "currency": price and price.currency,
            "promised_on": promised_on,
            "carrier": carrier or shipment.carrier,
            "booked_by": booked_by,
            "events": to_add(
                [SHIPMENTS.moved(shipment, ShipmentStatus.BOOKED, booked_by or "system")]
            ),
        },
    )
