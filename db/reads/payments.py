"""Payments as lists and views show them."""

from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, literal_column, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from db.orders.reads import within
from db.orders.tables import OrderRow
from db.payments import PaymentRow
from domain.access import EVERYTHING, Reach
from domain.errors import NotFound
from domain.orders.attempts import NEVER_SENT

_ENTRIES = literal_column(
    """coalesce((SELECT jsonb_agg(jsonb_build_object(
        'id', e.id, 'kind', e.kind, 'phase', e.phase, 'key', e.key, 'amount', e.amount,
        'provider_reference', e.provider_reference, 'shipment_id', e.shipment_id,
        'refund_id', e.refund_id, 'received_on', e.received_on,
        'failure_code', e.failure_code,
        'failure_message', e.failure_message, 'recorded_at', e.recorded_at) ORDER BY e.id)
    FROM payment_entries e WHERE e.payment_id = payments.id), '[]')""",
    JSONB,
)

PARTS_SIZE: ColumnElement[int] = literal_column(
    """(SELECT coalesce(sum(400 + octet_length(e.failure_message)), 0)
    FROM payment_entries e WHERE e.payment_id = payments.id)"""
)
"""About how many bytes the entries of a payment have."""


class PaymentRead(PaymentRow):
    """A payment with its entries as JSON, as the queries here select it."""

    __abstract__ = True
    entries: list[dict[str, Any]]
    waiting: dict[str, Any]
    """Of its order: ``status``, ``cancelling``, ``due_at``, ``held_since``; and ``now``."""


_WAITING = literal_column(
    """(SELECT jsonb_build_object('status', o.status, 'due_at', o.payment_due_at, 'now', now(),
        'cancelling', o.cancel_requested_at IS NOT NULL,
        'held_since', (SELECT min(h.placed_at) FROM holds h
            WHERE h.document_id = o.id AND h.released_at IS NULL))
    FROM orders o WHERE o.id = payments.order_id)""",
    JSONB,
)


def search_payments(
    reach: Reach = EVERYTHING,
    *,
    order_id: UUID | None = None,
    provider_reference: str | None = None,
) -> Select[Any]:
    """Select payments with their entries, narrowed by what is given."""
    query = select(PaymentRow.__table__, _ENTRIES.label("entries"), _WAITING.label("waiting"))
    if reach != EVERYTHING:
        query = query.join(OrderRow, OrderRow.id == PaymentRow.order_id).where(*within(reach))
    if order_id is not None:
        query = query.where(PaymentRow.order_id == order_id)
    if provider_reference is not None:
        query = query.where(PaymentRow.provider_reference == provider_reference)
    return query


async def get_payment(
    db: AsyncConnection, payment_id: UUID, reach: Reach = EVERYTHING
) -> PaymentRead:
    """Return a payment with its entries; raise NotFound, also out of ``reach``."""
    query = search_payments(reach).where(PaymentRow.id == payment_id)
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"there is no payment {payment_id}")
    return cast(PaymentRead, found)


_DECLINES = text(
    f"""SELECT count(*) AS cards, max(failed_at) AS last_at, now() AS now,
        EXISTS (SELECT FROM holds h WHERE h.document_id = :order AND h.reason = 'fraud_review'
            AND h.released_at IS NULL) AS in_review
    FROM (SELECT min(e.recorded_at) FILTER (WHERE e.phase = 'failed') AS failed_at
        FROM payment_entries e JOIN payments p ON p.id = e.payment_id
        WHERE p.order_id = :order AND p.renews IS NULL AND e.kind = 'authorization'
        GROUP BY e.payment_id, e.key
        HAVING bool_or(e.phase = 'failed' AND e.failure_code <> '{NEVER_SENT}')
            AND NOT bool_or(e.phase = 'succeeded')) d"""
)


async def declines_of(db: AsyncConnection, order_id: UUID) -> Row[Any]:
    """Return how many ``cards`` were declined for an order, the last one when, and ``now``.

    ``in_review`` is whether a person is looking at it.
    """
    return (await db.execute(_DECLINES, {"order": order_id})).one()
