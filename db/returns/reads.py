"""Returns as lists and views show them."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from db.orders.reads import within
from db.orders.tables import OrderLineRow, OrderRow
from db.returns.tables import ReturnLineRow, ReturnRow
from domain.access import EVERYTHING, Reach
from domain.errors import NotFound
from domain.returns.status import LabelDirection, ReturnKind, ReturnStatus
from domain.shipments.packing import MOST_PARCELS

_LINES = literal_column(
    """coalesce((SELECT jsonb_agg(jsonb_build_object('id', r.id, 'order_line_id', r.order_line_id,
        'order_id', l.order_id, 'sku', l.sku, 'quantity', r.quantity, 'received', r.received,
        'reason', r.reason, 'comment', r.comment, 'evidence', r.evidence,
        'restocking_fee_rate', r.restocking_fee_rate::text, 'window_days', r.window_days,
        'days_left', r.days_left, 'days_of', r.days_of,
        'window_until', r.window_until, 'condition_declared', r.condition_declared,
        'serials', r.serials, 'waiting_serials', coalesce((
            SELECT jsonb_agg(u.serial ORDER BY u.serial) FROM units u
            WHERE u.return_line_id = r.id AND u.disposition_id IS NULL), '[]'),
        'dispositions', coalesce((SELECT jsonb_agg(jsonb_build_object('id', d.id,
            'quantity', d.quantity, 'disposition', d.disposition, 'accepted', d.accepted,
            'lot', (SELECT t.code FROM lots t WHERE t.id = d.lot_id),
            'location_id', d.location_id, 'condition', d.condition, 'note', d.note,
            'deduction_amount', d.deduction_amount, 'deduction_reason', d.deduction_reason,
            'inspector', d.inspector, 'created_at', d.created_at, 'revised', d.revised_at
            IS NOT NULL, 'left_at', d.left_at, 'serials', coalesce((
                SELECT jsonb_agg(u.serial ORDER BY u.serial) FROM units u
                WHERE u.disposition_id = d.id), '[]')) ORDER BY d.id)
            FROM return_dispositions d WHERE d.return_line_id = r.id), '[]'))
        ORDER BY l.order_id, l.position)
    FROM return_lines r JOIN order_lines l ON l.id = r.order_line_id
    WHERE r.return_id = returns.id), '[]')""",
    JSONB,
)
_REFUNDS = literal_column(
    """coalesce((SELECT jsonb_agg(jsonb_build_object('id', f.id, 'number', f.number, 'status',
        f.status, 'amount', f.amount, 'currency', f.currency) ORDER BY f.created_at, f.id)
    FROM refunds f WHERE f.return_id = returns.id), '[]')""",
    JSONB,
)
_REPLACEMENT = literal_column(
    """(SELECT jsonb_build_object('id', o.id, 'number', o.number, 'status', o.status)
    FROM orders o WHERE o.replaces_return_id = returns.id ORDER BY o.placed_at DESC LIMIT 1)""",
    JSONB,
)


def _label(direction: LabelDirection) -> ColumnElement[Any]:
    return literal_column(
        f"""(SELECT jsonb_build_object('status', l.status, 'carrier', l.carrier,
        'service', l.service, 'cost', l.label_amount, 'currency', l.label_currency,
        'booked_at', l.booked_at,
        'parcels', coalesce((SELECT jsonb_agg(jsonb_build_object('tracking_number',
            p.tracking_number, 'status', p.status, 'exception_reason', p.exception_reason,
            'label_url', p.label_url) ORDER BY p.id)
            FROM (SELECT * FROM parcels WHERE return_label_id = l.id
                ORDER BY id LIMIT {MOST_PARCELS}) p), '[]'))
    FROM return_labels l WHERE l.return_id = returns.id
            AND l.direction = '{direction}' ORDER BY l.id DESC LIMIT 1)""",
        JSONB,
    )


PARTS_SIZE: ColumnElement[int] = literal_column(
    """(SELECT coalesce(sum(1000 + length(r.comment) + length(r.evidence::text)
        + length(r.serials::text) + (SELECT count(*) * 60 FROM units u
            WHERE u.return_line_id = r.id)), 0)
    + (SELECT coalesce(sum(600 + length(d.note) + length(d.condition)), 0)
        FROM return_dispositions d JOIN return_lines x ON x.id = d.return_line_id
        WHERE x.return_id = returns.id)
    + (SELECT count(*) * 300 FROM parcels p JOIN return_labels y ON y.id = p.return_label_id
        WHERE y.return_id = returns.id)
    FROM return_lines r WHERE r.return_id = returns.id)"""
)
"""About how many bytes the lines and parcels of a return have, with what became of the units."""
_RETURNS = select(
    ReturnRow.__table__,
    _LINES.label("lines"),
    _REFUNDS.label("refunds"),
    _REPLACEMENT.label("replacement_order"),
    _label(LabelDirection.INBOUND).label("label"),
    _label(LabelDirection.OUTBOUND).label("send_back_label"),
    OrderRow.number.label("order_number"),
).join(OrderRow, OrderRow.id == ReturnRow.order_id)

_ENDS = text(
    """SELECT r.number, r.status, r.status = 'cancelled' AND r.failed_at IS NULL
        AND NOT EXISTS (SELECT FROM tasks t WHERE t.document_id = r.id
            AND t.kind = 'refund_stopped' AND t.outcome = 'bank_paid')
        AND NOT EXISTS (SELECT FROM refunds x WHERE x.return_id = r.return_id
            AND x.order_id = r.order_id AND x.created_at > r.created_at) AS unserved
    FROM refunds r WHERE r.return_id = :return ORDER BY r.created_at, r.id"""
)
"""A refund that failed and was given up is one that the customer got in another way; one that was
given up before that leaves it unserved, unless the customer has the money from its bank, or another
was asked for."""


class ReturnRead(ReturnRow):
    """A return with its lines, refunds and label as JSON, as the queries here select it."""

    __abstract__ = True
    lines: list[dict[str, Any]]
    refunds: list[dict[str, Any]]
    replacement_order: dict[str, Any] | None
    label: dict[str, Any] | None
    """The newest one, if it ever needed one."""
    send_back_label: dict[str, Any] | None
    """The newest one under which goods went back to the customer."""
    order_number: str


def search_returns(
    reach: Reach = EVERYTHING,
    *,
    order_id: UUID | None = None,
    customer_id: UUID | None = None,
    number: str | None = None,
    kind: ReturnKind | None = None,
    statuses: frozenset[ReturnStatus] = frozenset(),
    overdue: bool | None = None,
) -> Select[Any]:
    """Select returns with their lines and refunds, narrowed by what is given.

    Of an order are those with any of its goods; ``overdue`` are authorized ones whose goods should
    have come by now.
    """
    query = _RETURNS.where(*within(reach))
    if order_id is not None:
        query = query.where(ReturnRow.id.in_(_with_goods_of(order_id)))
    if customer_id is not None:
        query = query.where(ReturnRow.customer_id == customer_id)
    if number is not None:
        query = query.where(ReturnRow.number == number)
    if kind is not None:
        query = query.where(ReturnRow.kind == kind)
    if statuses:
        query = query.where(ReturnRow.status.in_(statuses))
    if overdue is not None:
        late = (ReturnRow.status == ReturnStatus.AUTHORIZED) & (
            func.coalesce(ReturnRow.ship_back_by < func.now(), False)
        )
        query = query.where(late if overdue else ~late)
    return query


def _with_goods_of(order_id: UUID) -> Select[UUID]:
    """Select the ids of returns that have a line of an order, whichever they were asked with."""
    return (
        select(ReturnLineRow.return_id)
        .join(OrderLineRow, OrderLineRow.id == ReturnLineRow.order_line_id)
        .where(OrderLineRow.order_id == order_id)
    )


async def get_return(db: AsyncConnection, return_id: UUID, reach: Reach = EVERYTHING) -> ReturnRead:
    """Return a return with its lines and refunds; raise NotFound, also out of ``reach``."""
    query = search_returns(reach).where(ReturnRow.id == return_id)
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no return {return_id}")
    return cast(ReturnRead, found)


async def refunds_of(db: AsyncConnection, return_id: UUID) -> Sequence[Row[Any]]:
    """Return number and status of a return's refunds, and whether one leaves it ``unserved``."""
    return (await db.execute(_ENDS, {"return": return_id})).all()
