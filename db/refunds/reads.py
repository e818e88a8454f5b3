"""Refunds as lists and views show them."""

from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from db.orders.reads import within
from db.orders.tables import OrderRow
from db.refunds.tables import RefundRow
from domain.access import EVERYTHING, Reach
from domain.errors import NotFound
from domain.refunds.status import RefundStatus

_LINES = literal_column(
    """coalesce((SELECT jsonb_agg(jsonb_build_object('order_line_id', x.order_line_id,
        'sku', l.sku, 'units', x.units, 'amount', x.amount, 'tax_amount', x.tax_amount,
        'fee_amount', x.fee_amount)
        ORDER BY l.position)
    FROM refund_lines x JOIN order_lines l ON l.id = x.order_line_id
    WHERE x.refund_id = refunds.id), '[]')""",
    JSONB,
)
PARTS_SIZE: ColumnElement[int] = literal_column(
    """(SELECT count(*) * 300 FROM refund_lines x WHERE x.refund_id = refunds.id)"""
)
"""About how many bytes the lines of a refund have."""
_REFUNDS = select(
    RefundRow.__table__, _LINES.label("lines"), OrderRow.number.label("order_number")
).join(OrderRow, OrderRow.id == RefundRow.order_id)


class RefundRead(RefundRow):
    """A refund with its lines as JSON, as the queries here select it."""

    __abstract__ = True
    lines: list[dict[str, Any]]
    order_number: str


def search_refunds(
    reach: Reach = EVERYTHING,
    *,
    order_id: UUID | None = None,
    return_id: UUID | None = None,
    shipment_id: UUID | None = None,
    number: str | None = None,
    statuses: frozenset[RefundStatus] = frozenset(),
) -> Select[Any]:
    """Select refunds with their lines, narrowed by what is given."""
    query = _REFUNDS.where(*within(reach))
    if order_id is not None:
        query = query.where(RefundRow.order_id == order_id)
    if return_id is not None:
        query = query.where(RefundRow.return_id == return_id)
    if shipment_id is not None:
        query = query.where(RefundRow.shipment_id == shipment_id)
    if number is not None:
        query = query.where(RefundRow.number == number)
    if statuses:
        query = query.where(RefundRow.status.in_(statuses))
    return query


async def get_refund(db: AsyncConnection, refund_id: UUID, reach: Reach = EVERYTHING) -> RefundRead:
    """Return a refund with its lines; raise NotFound, also out of ``reach``."""
    query = search_refunds(reach).where(RefundRow.id == refund_id)
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no refund {refund_id}")
    return cast(RefundRead, found)
