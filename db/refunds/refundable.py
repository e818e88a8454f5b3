"""What of an order's money can still go back: read under the order's lock, before it is promised.

Units under way are not in it: a parcel that never arrives is given back by its own shipment.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.ledgers import Ledger, ledger_of
from db.orders.tables import OrderRow
from db.shipments.captures import OWES
from domain.payments import EntryKind, Phase, add_up
from domain.refunds.rules import PaidLine, PaidOrder, PaidPayment
from domain.refunds.status import PROMISED, RefundStatus

COUNTS = "({})".format(
    ", ".join(f"'{status}'" for status in sorted(PROMISED | {RefundStatus.SUCCEEDED}))
)
"""The states of refunds whose money is gone or promised."""
PLANNED = "('requested', 'approved')"
"""The states of refunds that no entry of a ledger tells of yet."""

_LINES = text(
    f"""SELECT l.id, coalesce(d.units, 0)::bigint AS units, coalesce(d.amount, 0)::bigint AS amount,
        coalesce(r.units, 0)::bigint AS refunded_units,
        coalesce(r.amount, 0)::bigint AS refunded_amount,
        l.tax_amount, l.total_amount, coalesce(r.tax, 0)::bigint AS refunded_tax
    FROM order_lines l
    LEFT JOIN LATERAL (
        SELECT sum(x.quantity) AS units, sum(x.capture_amount) AS amount
        FROM shipment_lines x JOIN shipments s ON s.id = x.shipment_id
        WHERE x.order_line_id = l.id AND s.settled_at IS NOT NULL AND NOT ({OWES})
            AND NOT EXISTS (SELECT FROM events e WHERE e.subject_id = s.id
                AND e.type = 'shipment.written_off.v1')) d ON true
    LEFT JOIN LATERAL (
        SELECT sum(x.units) AS units, sum(x.amount) AS amount, sum(x.tax_amount) AS tax
        FROM refund_lines x JOIN refunds f ON f.id = x.refund_id
        WHERE x.order_line_id = l.id AND f.status IN {COUNTS}) r ON true
    WHERE l.order_id = :order"""
)
_GONE = text(
    f"""SELECT payment_id, sum(shipping_amount)::bigint AS shipping,
        sum(shipping_tax_amount)::bigint AS shipping_tax, sum(tax_amount)::bigint AS tax,
        sum(goodwill_amount)::bigint AS goodwill, sum(goodwill_tax_amount)::bigint AS goodwill_tax,
        coalesce(sum(amount) FILTER (WHERE status IN {PLANNED}), 0)::bigint AS planned
    FROM refunds WHERE order_id = :order AND status IN {COUNTS} GROUP BY payment_id"""
)
_POSTAGE = text(
    """SELECT coalesce(sum(refund_shipping_amount), 0)::bigint FROM shipments
    WHERE order_id = :order"""
)

_MOVED = "('submitted', 'succeeded')"
_RESTS = text(
    f"""SELECT EXISTS (
        SELECT FROM order_lines l JOIN (
            SELECT order_line_id, sum(capture_amount) AS amount FROM shipment_lines
            WHERE shipment_id = :shipment GROUP BY 1) part ON part.order_line_id = l.id
        WHERE l.captured_amount - part.amount < l.refunded_amount + (
            SELECT coalesce(sum(x.amount), 0) FROM refund_lines x
            JOIN refunds r ON r.id = x.refund_id
            WHERE x.order_line_id = l.id AND r.status = 'submitted'))
    OR EXISTS (
        SELECT FROM shipments s JOIN orders o ON o.id = s.order_id
        WHERE s.id = :shipment AND s.capture_shipping_amount > 0
            AND o.captured_shipping_amount - s.capture_shipping_amount < (
            SELECT coalesce(sum(x.amount), 0) FROM (
                SELECT refund_shipping_amount AS amount FROM shipments WHERE order_id = o.id
                UNION ALL SELECT shipping_amount FROM refunds
                WHERE order_id = o.id AND status IN {_MOVED}) x))"""
)


async def rests_on_capture(
    db: AsyncConnection, ledger: Ledger, payment_id: UUID, shipment_id: UUID, amount: int
) -> bool:
    """Whether money was given back, or is on its way, of what was captured for a shipment.

    By its lines, by the order's shipping, or because the payment could not give so much without
    that ``amount`` (minor units). What is only promised does not rest on it: submitting looks.
    """
    if add_up(ledger.of(payment_id)).refundable < amount:
        return True
    return bool((await db.execute(_RESTS, {"shipment": shipment_id})).scalar_one())


async def paid_order(db: AsyncConnection, order: OrderRow) -> PaidOrder:
    """Return the money of a locked order as far as it can go back."""
    ledger = await ledger_of(db, order.id)
    given = {"order": order.id}
    lines = [PaidLine(*row) for row in await db.execute(_LINES, given)]
    gone = (await db.execute(_GONE, given)).all()
    shipping = _sum(gone, "shipping")
    with_shipments = int((await db.execute(_POSTAGE, given)).scalar_one())
    planned = {row.payment_id: row.planned for row in gone}
    return PaidOrder(
        currency=order.currency,
        lines={line.id: line for line in lines},
        payments=_payments(ledger, planned),
        shipping_left=order.captured_shipping_amount - with_shipments - shipping,
        shipping_amount=order.shipping_amount + order.shipping_tax_amount,
        shipping_tax=order.shipping_tax_amount,
        refunded_shipping=shipping,
        refunded_shipping_tax=_sum(gone, "shipping_tax"),
        captured=add_up(ledger.values).captured,
        tax_amount=order.tax_amount + order.shipping_tax_amount,
        total_amount=order.total_amount,
        refunded_goodwill=_sum(gone, "goodwill"),
        refunded_goodwill_tax=_sum(gone, "goodwill_tax"),
        refunded_tax=_sum(gone, "tax"),
    )


def _payments(ledger: Ledger, planned: dict[UUID, int]) -> list[PaidPayment]:
    """Return the payments of which something was captured, the newest capture first."""
    newest: dict[UUID, str] = {
        entry.payment_id: entry.id
        for entry in ledger.entries
        if entry.value.kind is EntryKind.CAPTURE and entry.value.phase is Phase.SUCCEEDED
    }
    return [
        PaidPayment(one, add_up(ledger.of(one)).refundable - planned.get(one, 0))
        for one in sorted(newest, key=lambda payment: newest[payment], reverse=True)
    ]


def _sum(rows: Sequence[Row[Any]], name: str) -> int:
    return sum(getattr(row, name) for row in rows)
