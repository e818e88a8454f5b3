"""Reads of orders with all their parts: one statement per question."""

from collections.abc import Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from db.driver_reads import fetch
from db.engine import Database
from db.holds import HoldRow
from db.orders.backorders import BACKORDERED
from db.orders.tables import OrderLineRow, OrderRow
from domain.access import EVERYTHING, Reach
from domain.errors import NotFound
from domain.ids import CustomerId, OrderId
from domain.orders.status import RUNNING, OrderStatus
from domain.shipments.packing import MOST_PARCELS

MOST_SHIPMENTS = 100
"""So many of an order's shipments are shown with it."""
_PARTS = {
    "lines": f"""SELECT jsonb_agg(jsonb_build_object(
        'id', l.id, 'position', l.position, 'item_id', l.item_id, 'sku', l.sku, 'name', l.name,
        'quantity', l.quantity, 'unit_price_amount', l.unit_price_amount,
        'discount_amount', l.discount_amount, 'tax_rate', l.tax_rate::text,
        'tax_amount', l.tax_amount, 'total_amount', l.total_amount, 'cancelled', l.cancelled,
        'shipped', l.shipped, 'delivered', l.delivered, 'written_off', l.written_off,
        'coming_back', l.coming_back, 'returned', l.returned, 'undelivered', l.undelivered,
        'captured_amount', l.captured_amount, 'refunded_amount', l.refunded_amount,
        'backordered', {BACKORDERED}
        ) ORDER BY l.position) FROM order_lines l WHERE l.order_id = orders.id""",
    "holds": """SELECT jsonb_agg(jsonb_build_object(
        'id', h.id, 'reason', h.reason, 'note', h.note, 'placed_by', h.placed_by,
        'placed_at', h.placed_at) ORDER BY h.placed_at)
        FROM holds h WHERE h.document_id = orders.id AND h.released_at IS NULL""",
    # Those that have a label first: what was given up is what may be many.
    "shipments": f"""SELECT jsonb_agg(jsonb_build_object(
        'id', s.id, 'number', s.number, 'status', s.status, 'carrier', s.carrier,
        'exception_reason', s.exception_reason, 'tracking_numbers', coalesce((
            SELECT jsonb_agg(p.tracking_number ORDER BY p.tracking_number)
            FROM (SELECT tracking_number FROM parcels WHERE shipment_id = s.id
                ORDER BY tracking_number LIMIT {MOST_PARCELS} + 1) p), '[]'::jsonb)) ORDER BY s.id)
        FROM (SELECT id, number, status, carrier, exception_reason FROM shipments
            WHERE order_id = orders.id
            ORDER BY status IN ('pending', 'cancelled', 'voided'), id DESC
            LIMIT {MOST_SHIPMENTS} + 1) s""",
    "payments": """SELECT jsonb_agg(jsonb_build_object(
        'id', p.id, 'provider', p.provider, 'method', p.method, 'amount', p.amount,
        'entries', coalesce((
            SELECT jsonb_agg(jsonb_build_object('kind', e.kind, 'phase', e.phase, 'key', e.key,
                'amount', e.amount, 'failure_code', e.failure_code) ORDER BY e.id)
            FROM payment_entries e WHERE e.payment_id = p.id), '[]'::jsonb))
        ORDER BY p.created_at, p.id)
        FROM payments p WHERE p.order_id = orders.id""",
}


PARTS_SIZE: ColumnElement[int] = literal_column(
    """((SELECT coalesce(sum(470 + octet_length(l.sku) + octet_length(l.name)), 0)
        FROM order_lines l WHERE l.order_id = orders.id)
    + (SELECT coalesce(sum(300 + octet_length(h.note)), 0)
        FROM holds h WHERE h.document_id = orders.id AND h.released_at IS NULL)
    + (SELECT count(*) * 300 FROM shipments s WHERE s.order_id = orders.id)
    + (SELECT count(*) * 50 FROM parcels p JOIN shipments s ON s.id = p.shipment_id
        WHERE s.order_id = orders.id)
    + (SELECT count(*) * 300 FROM payments p
        LEFT JOIN payment_entries e ON e.payment_id = p.id WHERE p.order_id = orders.id))"""
)
"""About how many bytes the parts of an order have."""


def _part(name: str) -> ColumnElement[list[dict[str, Any]]]:
    column: ColumnElement[list[dict[str, Any]]] = literal_column(
        f"coalesce(({_PARTS[name]}), '[]'::jsonb)", JSONB
    )
    return column.label(name)


_ORDERS = select(OrderRow.__table__, *(_part(name) for name in _PARTS))
# Made once: to build and compare such a statement costs more than to run it.
_ORDER = _ORDERS.where(OrderRow.id == bindparam("order"))
_SQL = str(_ORDER.compile(dialect=make_url("postgresql+asyncpg://").get_dialect()()))


async def get_order(
    db: AsyncConnection, order_id: UUID, reach: Reach = EVERYTHING
) -> Mapping[str, Any]:
    """Return the order with its lines, open holds, shipments and payments.

    Raises NotFound, also for an order out of ``reach``.
    """
    found = (await db.execute(_ORDER, {"order": order_id})).one_or_none()
    if found is None or not reach.covers(found.customer_id, found.source):
        raise NotFound(f"there is no order {order_id}")
    return cast(Mapping[str, Any], found._mapping)


async def get_order_record(
    db: Database, order_id: UUID, reach: Reach = EVERYTHING
) -> Mapping[str, Any]:
    """Return what `get_order` does, at a fraction of its cost, outside of any transaction.

    Raises NotFound, also for an order out of ``reach``.
    """
    found: Sequence[Mapping[str, Any]] = await fetch(db, _SQL, order_id)
    if not found or not reach.covers(found[0]["customer_id"], found[0]["source"]):
        raise NotFound(f"there is no order {order_id}")
    return found[0]


async def get_order_row(db: AsyncConnection, order_id: UUID, reach: Reach = EVERYTHING) -> OrderRow:
    """Return an order without its parts; raise NotFound, also out of ``reach``."""
    query = select(OrderRow.__table__).where(OrderRow.id == order_id, *within(reach))
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no order {order_id}")
    return cast(OrderRow, found)


def fields_of(order: OrderRow) -> Mapping[str, Any]:
    """Return the columns and parts of an order that a query here selected, by name."""
    return cast(Mapping[str, Any], cast(Row[Any], order)._mapping)


def within(reach: Reach) -> list[ColumnElement[bool]]:
    """Return the conditions on orders that confine them to those within reach."""
    conditions = []
    if reach.customer_id is not None:
        conditions.append(OrderRow.customer_id == reach.customer_id)
    if reach.source is not None:
        conditions.append(OrderRow.source == reach.source)
    return conditions


def search_orders(
    reach: Reach = EVERYTHING,
    *,
    customer_id: CustomerId | None = None,
    statuses: frozenset[OrderStatus] | None = None,
    number: str | None = None,
    external_reference: str | None = None,
    item_id: UUID | None = None,
    on_hold: bool | None = None,
    backordered: bool | None = None,
    source: str | None = None,
) -> Select[Any]:
    """Select orders with all their parts, narrowed by what is given."""
    query = _ORDERS.where(*within(reach))
    if source is not None:
        query = query.where(OrderRow.source == source)
    if customer_id is not None:
        query = query.where(OrderRow.customer_id == customer_id)
    if statuses is not None:
        query = query.where(OrderRow.status.in_(statuses))
    if number is not None:
        query = query.where(OrderRow.number == number)
    if external_reference is not None:
        query = query.where(OrderRow.external_reference == external_reference)
    if item_id is not None:
        first = select(func.min(OrderLineRow.position)).where(
            OrderLineRow.order_id == OrderRow.id, OrderLineRow.item_id == item_id
        )
        # A join can begin at the item's lines; what only exists is looked for in every order.
        line = aliased(OrderLineRow)
        query = query.join(line, line.order_id == OrderRow.id).where(
            line.item_id == item_id, line.position == first.scalar_subquery()
        )
    if on_hold is not None:
        holds = select(HoldRow.id).where(
            HoldRow.document_id == OrderRow.id, HoldRow.released_at.is_(None)
        )
        query = query.where(holds.exists() if on_hold else ~holds.exists())
    if backordered is not None:
        short = select(OrderLineRow.order_id).where(OrderLineRow.short_since.is_not(None))
        query = query.where(OrderRow.id.in_(short) if backordered else OrderRow.id.not_in(short))
    return query


async def find_by_reference(
    db: AsyncConnection, source: str, external_reference: str
) -> UUID | None:
    """Return the id of the order that this source knows by this reference."""
    return (
        await db.execute(
            select(OrderRow.id).where(
                OrderRow.source == source, OrderRow.external_reference == external_reference
            )
        )
    ).scalar_one_or_none()


async def running_of(db: AsyncConnection, customer_id: UUID) -> list[OrderId]:
    """Return a customer's orders that have not ended, in the order in which they are locked."""
    query = (
        select(OrderRow.id)
        .where(OrderRow.customer_id == customer_id, OrderRow.status.in_(RUNNING))
        .order_by(OrderRow.id)
    )
    return [OrderId(order_id) for order_id in (await db.execute(query)).scalars()]


async def is_cancelled(db: AsyncConnection, order_id: UUID) -> bool:
    """Whether the order has been cancelled."""
    query = select(OrderRow.id).where(
        OrderRow.id == order_id, OrderRow.status == OrderStatus.CANCELLED
    )
    return bool((await db.execute(select(query.exists()))).scalar_one())
