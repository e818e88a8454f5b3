"""Shipments as lists and views show them."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, literal_column, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from db.items import known_by
from db.orders.reads import within
from db.orders.tables import OrderRow
from db.pages import oldest
from db.shipments.tables import ParcelRow, ShipmentRow, TrackingEventRow
from domain.access import EVERYTHING, Reach
from domain.errors import Malformed, NotFound
from domain.shipments.packing import MOST_PARCELS
from domain.units import MOST_SERIALS

_LINES = literal_column(
    f"""coalesce((SELECT jsonb_agg(jsonb_build_object(
        'id', l.id, 'order_line_id', l.order_line_id, 'item_id', l.item_id, 'sku', i.sku,
        'location_id', l.location_id, 'quantity', l.quantity, 'tracking', {known_by("o")},
        'lot_id', h.lot_id, 'lot', t.code, 'expires_on', t.expires_on,
        'serials', coalesce((SELECT jsonb_agg(e.serial ORDER BY e.serial) FROM (
            SELECT u.serial FROM units u WHERE u.shipment_line_id = l.id
            LIMIT {MOST_SERIALS}) e), '[]')) ORDER BY l.id)
    FROM shipment_lines l JOIN items i ON i.id = l.item_id
        JOIN order_lines o ON o.id = l.order_line_id
        JOIN reservations h ON h.id = l.reservation_id LEFT JOIN lots t ON t.id = h.lot_id
    WHERE l.shipment_id = shipments.id), '[]')""",
    JSONB,
)
_PARCELS = literal_column(
    f"""coalesce((SELECT jsonb_agg(jsonb_build_object(
        'id', p.id, 'carrier', p.carrier, 'tracking_number', p.tracking_number,
        'status', p.status, 'exception_reason', p.exception_reason,
        'contents', coalesce(p.contents, '[]')) ORDER BY p.id)
    FROM (SELECT * FROM parcels WHERE shipment_id = shipments.id
        ORDER BY id LIMIT {MOST_PARCELS} + 1) p), '[]')""",
    JSONB,
)
PARTS_SIZE: ColumnElement[int] = literal_column(
    """((SELECT coalesce(sum(380 + (
            SELECT count(*) * 60 FROM units u WHERE u.shipment_line_id = l.id)), 0)
        FROM shipment_lines l WHERE l.shipment_id = shipments.id)
    + (SELECT coalesce(sum(250 + coalesce(length(p.contents::text), 0)), 0)
        FROM parcels p WHERE p.shipment_id = shipments.id)
    + coalesce(length(shipments.packed::text), 0))"""
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
        reason = ShipmentRow.exception_reason
        query = query.where(reason.is_not(None) if exception else reason.is_(None))
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


_SCANS = "tracking_events e JOIN parcels p ON p.id = e.parcel_id"
_SCAN = text(f"SELECT e.occurred_at FROM {_SCANS} WHERE e.id = :id AND p.shipment_id = :shipment")
_TRACKING = {
    begun: text(
        oldest(
            f"""SELECT e.*, p.tracking_number,
                400 + octet_length(e.code || e.place || e.message || e.signed_by) AS size
            FROM {_SCANS} WHERE p.shipment_id = :shipment {further}
            ORDER BY e.occurred_at, e.id LIMIT :limit + 1""",
            "occurred_at, id",
            ":limit",
        )
        + " ORDER BY occurred_at, id"
    )
    for begun, further in (
        (False, ""),
        (True, "AND (e.occurred_at, e.id) > (:at, CAST(:id AS uuid))"),
    )
}


async def tracking_of(
    db: AsyncConnection, shipment_id: UUID, *, after: UUID | None = None, limit: int
) -> tuple[Sequence[TrackingEventRow], bool]:
    """Return what the carrier said about a shipment's parcels, and whether there is more of it.

    Oldest first: at most ``limit``, that fit into a page and follow that with the id ``after``.
    Raises Malformed when none has it.
    """
    given: dict[str, Any] = {"shipment": shipment_id, "limit": limit}
    if after is not None:
        given["id"] = after
        at = (await db.execute(_SCAN, {"shipment": shipment_id, "id": after})).scalar_one_or_none()
        if at is None:
            error = {"pointer": "/query/after", "message": "no event of it has this id"}
            raise Malformed("check /query/after", errors=[error])
        given["at"] = at
    rows = (await db.execute(_TRACKING[after is not None], given)).all()
    return cast(Sequence[TrackingEventRow], rows), bool(rows) and rows[0].ahead > len(rows)
