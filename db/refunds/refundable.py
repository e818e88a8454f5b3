"""What of an order's money can still go back: read under the order's lock, before it is promised.

Delivered units go back by refunds of the order; those of a shipment that never arrived by refunds
of that shipment alone, so that neither gives the other's money. Units that were paid for when the
order was confirmed are all of one kind: whatever gives some back takes them from the same ones.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.ledgers import Ledger, ledger_of
from db.orders.credit_notes import CREDITED_LINES
from db.orders.tables import OrderLineRow, OrderRow
from db.orders.writes import counters_of, lines_of
from db.shipments.captures import OWES
from domain.money import share
from domain.orders.receipts import PaymentMethod
from domain.orders.status import billable
from domain.payments import EntryKind, Phase, add_up
from domain.refunds.rules import PaidLine, PaidOrder, PaidPayment
from domain.refunds.status import PROMISED, RefundStatus

COUNTS = "({})".format(
    ", ".join(f"'{status}'" for status in sorted(PROMISED | {RefundStatus.SUCCEEDED}))
)
"""The states of refunds whose money is gone or promised."""
PLANNED = "('requested', 'approved')"
"""The states of refunds that no entry of a ledger tells of yet."""

_AS_A_WHOLE = "(:shipment IS NULL AND l.captured_units > 0)"
"""The condition that a line ``l`` was paid for as a whole, when its order was confirmed."""
_OF_THESE = f"({_AS_A_WHOLE} OR f.shipment_id IS NOT DISTINCT FROM :shipment)"


def _shipping_in(states: str) -> str:
    return f"""(SELECT coalesce(sum(given.amount), 0)::bigint FROM (
        SELECT refund_shipping_amount AS amount FROM shipments WHERE order_id = o.id
        UNION ALL SELECT shipping_amount FROM refunds
        WHERE order_id = o.id AND status IN {states}) given)"""


SHIPPING_BACK = f"""({_shipping_in(COUNTS)} + (SELECT coalesce(sum(n.shipping_amount), 0)::bigint
        FROM credit_notes n WHERE n.order_id = o.id))"""
"""What of the shipping of an order ``o`` has gone back, or is promised to: not to be given again.

A shipment's own amount is that of a release before its refunds were documents; an order on terms
owes it no more.
"""
SHIPPING_MOVED = _shipping_in("('submitted', 'succeeded')")
"""What of that has gone back, or is on its way."""

_LINES = text(
    f"""SELECT l.id,
        CASE WHEN {_AS_A_WHOLE} THEN l.captured_units
            ELSE coalesce(d.units, 0) END::bigint AS units,
        CASE WHEN {_AS_A_WHOLE} THEN l.captured_amount
            ELSE coalesce(d.amount, 0) END::bigint AS amount,
        coalesce(r.units, 0)::bigint AS refunded_units,
        coalesce(r.amount, 0)::bigint AS refunded_amount,
        l.tax_amount, l.total_amount, coalesce(r.tax, 0)::bigint AS refunded_tax,
        coalesce(r.beside, 0)::bigint AS refunded_beside
    FROM order_lines l
    LEFT JOIN LATERAL (
        SELECT sum(x.quantity) AS units, sum(x.capture_amount) AS amount
        FROM shipment_lines x JOIN shipments s ON s.id = x.shipment_id
        WHERE x.order_line_id = l.id AND NOT ({OWES}) AND CASE
            WHEN :shipment IS NOT NULL THEN s.id = :shipment
            ELSE s.settled_at IS NOT NULL AND NOT EXISTS (SELECT FROM events e
                WHERE e.subject_id = s.id AND e.type = 'shipment.written_off.v1') END) d ON true
    LEFT JOIN LATERAL (
        SELECT sum(f.units) FILTER (WHERE {_OF_THESE}) AS units,
            sum(f.amount) FILTER (WHERE {_OF_THESE}) AS amount,
            sum(f.amount) FILTER (WHERE NOT {_OF_THESE}) AS beside, sum(f.tax_amount) AS tax
        FROM (
            SELECT x.units, x.amount, x.tax_amount, f.shipment_id
            FROM refund_lines x JOIN refunds f ON f.id = x.refund_id
            WHERE x.order_line_id = l.id AND f.status IN {COUNTS}
            UNION ALL SELECT f.units, f.amount, f.tax_amount, f.shipment_id
            FROM {CREDITED_LINES} f
            WHERE f.order_id = l.order_id AND f.order_line_id = l.id) f) r ON true
    WHERE l.order_id = :order"""
).bindparams(bindparam("shipment", type_=Uuid))
_GONE = text(
    f"""SELECT payment_id, sum(shipping_amount)::bigint AS shipping,
        sum(shipping_tax_amount)::bigint AS shipping_tax, sum(tax_amount)::bigint AS tax,
        sum(goodwill_amount)::bigint AS goodwill, sum(goodwill_tax_amount)::bigint AS goodwill_tax,
        coalesce(sum(amount) FILTER (WHERE status IN {PLANNED}), 0)::bigint AS planned
    FROM refunds WHERE order_id = :order AND status IN {COUNTS} GROUP BY payment_id
    UNION ALL SELECT NULL, coalesce(sum(shipping_amount), 0)::bigint,
        coalesce(sum(shipping_tax_amount), 0)::bigint, coalesce(sum(tax_amount), 0)::bigint,
        0, 0, 0
    FROM credit_notes WHERE order_id = :order"""
)
_PROMISED = text(
    f"""SELECT coalesce(sum(amount), 0)::bigint FROM refunds
    WHERE order_id = :order AND status IN {COUNTS} AND source <> 'goodwill'
        AND return_id IS NOT DISTINCT FROM CAST(:return AS uuid)
        AND shipment_id IS NOT DISTINCT FROM CAST(:shipment AS uuid)"""
)
_SHIPPING_BACK = text(f"SELECT {SHIPPING_BACK} FROM orders o WHERE o.id = :order")

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
            AND o.captured_shipping_amount - s.capture_shipping_amount
                < {SHIPPING_MOVED})"""
)


async def rests_on_capture(
    db: AsyncConnection, ledger: Ledger, payment_id: UUID, shipment_id: UUID | None, amount: int
) -> bool:
    """Whether money was given back, or is on its way, of what was captured, for a shipment if any.

    By its lines, by the order's shipping, or because the payment could not give so much without
    that ``amount`` (minor units). What is only promised does not rest on it: submitting looks.
    """
    if add_up(ledger.of(payment_id)).refundable < amount:
        return True
    return bool((await db.execute(_RESTS, {"shipment": shipment_id})).scalar_one())


async def paid_order(
    db: AsyncConnection, order: OrderRow, shipment_id: UUID | None = None
) -> PaidOrder:
    """Return the money of a locked order as far as it can go back.

    Of its lines the delivered units, or those of the one shipment that is given; of lines that were
    paid for when the order was confirmed, all units. What has come for an order on terms is for all
    that it owes, so that each unit is worth its price however much that is; the payments bound it.
    """
    ledger = await ledger_of(db, order.id)
    given = {"order": order.id}
    found = await db.execute(_LINES, {**given, "shipment": shipment_id})
    lines = {row.id: PaidLine(*row) for row in found}
    shipping = order.captured_shipping_amount
    if order.payment_method == PaymentMethod.NET_TERMS:
        shipping = order.shipping_amount + order.shipping_tax_amount
        if shipment_id is None:
            lines = _as_billed(lines, await lines_of(db, order.id))
    gone = (await db.execute(_GONE, given)).all()
    shipping_back = int((await db.execute(_SHIPPING_BACK, given)).scalar_one())
    planned = {row.payment_id: row.planned for row in gone}
    return PaidOrder(
        currency=order.currency,
        lines=lines,
        payments=_payments(ledger, planned),
        shipping_left=shipping - shipping_back,
        shipping_amount=order.shipping_amount + order.shipping_tax_amount,
        shipping_tax=order.shipping_tax_amount,
        refunded_shipping=_sum(gone, "shipping"),
        refunded_shipping_tax=_sum(gone, "shipping_tax"),
        captured=add_up(ledger.values).captured,
        tax_amount=order.tax_amount + order.shipping_tax_amount,
        total_amount=order.total_amount,
        refunded_goodwill=_sum(gone, "goodwill"),
        refunded_goodwill_tax=_sum(gone, "goodwill_tax"),
        refunded_tax=_sum(gone, "tax"),
        given_shipping=shipping_back,
    )


async def billed_order(
    db: AsyncConnection, order: OrderRow, shipment_id: UUID | None = None
) -> PaidOrder:
    """Return a locked order as `paid_order` does; one on terms as if all of it had been paid.

    What its goods are worth to the customer is what it owes less for them, up to all that it was
    to pay.
    """
    paid = await paid_order(db, order, shipment_id)
    if order.payment_method != PaymentMethod.NET_TERMS:
        return paid
    counters = [counters_of(row) for row in await lines_of(db, order.id)]
    left = billable(counters, paid.shipping_amount) - order.credited_amount
    [payment] = (await ledger_of(db, order.id)).payments
    return replace(paid, payments=[PaidPayment(payment.id, left)])


def _as_billed(lines: dict[UUID, PaidLine], rows: Sequence[OrderLineRow]) -> dict[UUID, PaidLine]:
    """Return lines with what their units cost, whether or not that has been paid."""
    return {
        row.id: replace(
            lines[row.id], amount=share(row.total_amount, lines[row.id].units, row.quantity, 0)
        )
        for row in rows
    }


async def promised_for(
    db: AsyncConnection, order_id: UUID, return_id: UUID | None, shipment_id: UUID | None
) -> int:
    """Return what of an order's money goes back for a return, or a shipment, in minor units."""
    given = {"order": order_id, "return": return_id, "shipment": shipment_id}
    return int((await db.execute(_PROMISED, given)).scalar_one())


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
