"""The writes of planning, booking, sending and following shipments."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from db.events import Event, add_events
from db.items import ItemRow
from db.orders.tables import OrderRow
from db.shipments.tables import ParcelRow, ShipmentLineRow, ShipmentRow
from domain.errors import NotFound
from domain.ids import ShipmentId, derived_id, new_id
from domain.lifecycle import move
from domain.shipments.status import MOVES, ShipmentStatus
from telemetry import metrics

# Reserved units that no live shipment takes along yet.
_UNPLANNED = text(
    """SELECT r.id, r.line_id, r.item_id, r.location_id, r.quantity::int AS quantity, l.site_id,
        s.address
    FROM reservations r JOIN locations l ON l.id = r.location_id JOIN sites s ON s.id = l.site_id
    WHERE r.document_id = :order AND r.status = 'active' AND NOT EXISTS (
        SELECT 1 FROM shipment_lines x JOIN shipments sh ON sh.id = x.shipment_id
        WHERE x.order_line_id = r.line_id AND x.reservation_id = r.id
            AND sh.status NOT IN ('voided', 'cancelled'))
    ORDER BY s.rank, s.code, r.id"""
)


async def plan_shipments(db: AsyncConnection, order: Row[Any], carrier: str) -> None:
    """Make one pick list per site for what a locked order has reserved and not planned yet."""
    by_site: dict[UUID, list[Row[Any]]] = {}
    for row in await db.execute(_UNPLANNED, {"order": order.id}):
        by_site.setdefault(row.site_id, []).append(row)
    for site_id, rows in by_site.items():
        shipment = (
            await db.execute(
                insert(ShipmentRow)
                .values(
                    id=new_id(),
                    order_id=order.id,
                    site_id=site_id,
                    status=ShipmentStatus.PENDING,
                    carrier=carrier,
                    service=order.shipping_service,
                    ship_from=rows[0].address,
                    ship_to=order.ship_to,
                )
                .returning(ShipmentRow.__table__)
            )
        ).one()
        await db.execute(
            insert(ShipmentLineRow),
            [
                {
                    "id": derived_id(shipment.id, f"line/{row.id}"),
                    "shipment_id": shipment.id,
                    "order_line_id": row.line_id,
                    "item_id": row.item_id,
                    "location_id": row.location_id,
                    "reservation_id": row.id,
                    "quantity": row.quantity,
                }
                for row in rows
            ],
        )
        units = sum(row.quantity for row in rows)
        await announce(
            db, shipment, "planned", "system", {"to": ShipmentStatus.PENDING, "units": units}
        )


_ORDER_OF = (
    select(OrderRow.__table__)
    .join(ShipmentRow, ShipmentRow.order_id == OrderRow.id)
    .where(ShipmentRow.id == bindparam("shipment"))
    .with_for_update(of=OrderRow)
)
_SHIPMENT = (
    select(ShipmentRow.__table__)
    .where(ShipmentRow.id == bindparam("shipment"))
    .with_for_update(of=ShipmentRow)
)


async def lock_order_of(db: AsyncConnection, shipment_id: UUID) -> Row[Any]:
    """Lock and return the order of a shipment; raise NotFound."""
    found = (await db.execute(_ORDER_OF, {"shipment": shipment_id})).one_or_none()
    if found is None:
        raise NotFound(f"there is no shipment {shipment_id}")
    return found


async def lock_shipment(db: AsyncConnection, shipment_id: UUID) -> Row[Any]:
    """Lock and return a shipment's row; its order is locked before it."""
    return (await db.execute(_SHIPMENT, {"shipment": shipment_id})).one()


async def lock_shipments_of(db: AsyncConnection, order_id: UUID) -> Sequence[Row[Any]]:
    """Lock and return all shipments of a locked order."""
    return (
        await db.execute(
            select(ShipmentRow.__table__)
            .where(ShipmentRow.order_id == order_id)
            .order_by(ShipmentRow.id)
            .with_for_update()
        )
    ).all()


_PENDING = (
    select(ShipmentRow.id)
    .where(ShipmentRow.order_id == bindparam("order"), ShipmentRow.status == ShipmentStatus.PENDING)
    .order_by(ShipmentRow.id)
)
_PARTS = (
    select(ShipmentLineRow.__table__, ItemRow.weight_grams)
    .join(ItemRow, ItemRow.id == ShipmentLineRow.item_id)
    .where(ShipmentLineRow.shipment_id == bindparam("shipment"))
    .order_by(ShipmentLineRow.id)
)


async def pending_of(db: AsyncConnection, order_id: UUID) -> tuple[ShipmentId, ...]:
    """Return the shipments of the order that have no label yet."""
    rows = await db.execute(_PENDING, {"order": order_id})
    return tuple(ShipmentId(row.id) for row in rows)


async def shipment_lines_of(db: AsyncConnection, shipment_id: UUID) -> Sequence[Row[Any]]:
    """Return a shipment's lines with the weight of one unit in grams."""
    return (await db.execute(_PARTS, {"shipment": shipment_id})).all()


async def move_shipment(
    db: AsyncConnection, shipment: Row[Any], target: ShipmentStatus, actor: str, **values: Any
) -> None:
    """Move a locked shipment along its state table, with the event ``shipment.<target>``."""
    move(MOVES, ShipmentStatus(shipment.status), target)
    await change_shipment(db, shipment, status=target, **values)
    await announce(db, shipment, str(target), actor, {"from": shipment.status, "to": str(target)})
    metrics.count(metrics.shipment_transitions.labels(shipment.status, str(target)))


async def change_shipment(db: AsyncConnection, shipment: Row[Any], **values: Any) -> None:
    """Write columns of a locked shipment and count its version up."""
    await db.execute(
        update(ShipmentRow)
        .where(ShipmentRow.id == shipment.id)
        .values(version=ShipmentRow.version + 1, **values)
    )


def event_of(shipment: Row[Any], what: str, actor: str, data: dict[str, Any]) -> Event:
    """Return the event ``shipment.<what>`` of a shipment."""
    return Event(
        f"shipment.{what}",
        subject=shipment.number,
        subject_id=shipment.id,
        actor=actor,
        correlation_id=f"order-fulfillment/{shipment.order_id}",
        data={"order_id": shipment.order_id, **data},
    )


async def announce(
    db: AsyncConnection, shipment: Row[Any], what: str, actor: str, data: dict[str, Any]
) -> None:
    """Append the event ``shipment.<what>`` of a locked shipment."""
    await add_events(db, [event_of(shipment, what, actor, data)])


async def record_parcel(
    db: AsyncConnection, shipment_id: UUID, carrier: str, tracking_number: str
) -> None:
    """Add a booked parcel, once per tracking number."""
    await db.execute(
        insert(ParcelRow)
        .values(
            id=derived_id(shipment_id, f"parcel/{tracking_number}"),
            shipment_id=shipment_id,
            carrier=carrier,
            tracking_number=tracking_number,
            status=ShipmentStatus.BOOKED,
        )
        .on_conflict_do_nothing(index_elements=["id"])
    )
