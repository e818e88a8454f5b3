"""Shipments as lists and views show them."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from db.orders.reads import within
from db.orders.tables import OrderRow
from db.shipments.tables import ParcelRow, ShipmentRow, TrackingEventRow
from domain.access import EVERYTHING, Reach
from domain.errors import NotFound

_LINES = literal_column(
    """coalesce((SELECT jsonb_agg(jsonb_build_object(
        'id', l.id, 'order_line_id', l.order_line_id, 'item_id', l.item_id, 'sku', i.sku,
        'location_id', l.location_id, 'quantity', l.quantity) ORDER BY l.id)
    FROM shipment_lines l JOIN items i ON i.id = l.item_id
    WHERE l.shipment_id = shipments.id), '[]')""",
    JSONB,
)
_PARCELS = literal_column(
    """coalesce((SELECT jsonb_agg(jsonb_build_object(
        'id', p.id, 'carrier', p.carrier, 'tracking_number', p.tracking_number,
        'status', p.status, 'exception_reason', p.exception_reason) ORDER BY p.id)
    FROM parcels p WHERE p.shipment_id = shipments.id), '[]')""",
    JSONB,
)
PARTS_SIZE: ColumnElement[int] = literal_column(
    """((SELECT count(*) * 350 FROM shipment_lines l WHERE l.shipment_id = shipments.id)
    + (SELECT count(*) * 250 FROM parcels p WHERE p.shipment_id = shipments.id))"""
)
"""About how many bytes the parts of a shipment have."""
_SHIPMENTS = select(
    ShipmentRow.__table__,
    OrderRow.number.label("order_number"),
    _LINES.label("lines"),
    _PARCELS.label("parcels"),
).join(OrderRow, OrderRow.id == ShipmentRow.order_id)


class ShipmentRead(ShipmentRow):
    """A shipment with its parts as JSON, as the query here selects it."""

    __abstract__ = True
    order_number: str
    lines: list[dict[str, Any]]
    parcels: list[dict[str, Any]]


def search_shipments(
    reach: Reach = EVERYTHING,
    *,
    order_id: UUID | None = None,
    number: str | None = None,
    status: frozenset[str] = frozenset(),
    carrier: str | None = None,
    tracking_number: str | None = None,
    exception: bool | None = None,
) -> Select[Any]:
    """Select shipments with lines and parcels, narrowed by what is given."""
    query = _SHIPMENTS.where(*within(reach))
    if status:
        query = query.where(ShipmentRow.status.in_(sorted(status)))
    if tracking_number is not None:
        parcels = select(ParcelRow.shipment_id).where(ParcelRow.tracking_number == tracking_number)
        query = query.where(ShipmentRow.id.in_(parcels))
    if exception is not None:
        query = query.where(ShipmentRow.exception_reason.is_not(None) == exception)
    wanted = (
        (order_id, ShipmentRow.order_id == order_id),
        (number, ShipmentRow.number == number),
        (carrier, ShipmentRow.carrier == carrier),
    )
    return query.where(*(condition for value, condition in wanted if value is not None))


async def get_shipment(
    db: AsyncConnection, shipment_id: UUID, reach: Reach = EVERYTHING
) -> ShipmentRead:
    """Return a shipment with lines and parcels; raise NotFound, also out of ``reach``."""
    query = search_shipments(reach).where(ShipmentRow.id == shipment_id)
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no shipment {shipment_id}")
    return cast(ShipmentRead, found)


async def tracking_of(db: AsyncConnection, shipment_id: UUID) -> Sequence[TrackingEventRow]:
    """Return what the carrier said about the shipment's parcels, oldest first."""
    query = (
        select(TrackingEventRow.__table__, ParcelRow.tracking_number)
        .join(ParcelRow, ParcelRow.id == TrackingEventRow.parcel_id)
        .where(ParcelRow.shipment_id == shipment_id)
        .order_by(TrackingEventRow.occurred_at, TrackingEventRow.id)
        .limit(1000)
    )
    return cast(Sequence[TrackingEventRow], (await db.execute(query)).all())
