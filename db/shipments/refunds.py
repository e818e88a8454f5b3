"""Refunds by shipment: what was taken for it and its order, and the postage in its refund."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.ledgers import ENTRY, entry_of
from db.orders.credit_notes import CREDITED_LINES
from db.orders.terms import BILLED_LEFT
from db.payments import AGAIN, STANDS
from db.refunds.refundable import COUNTS, PLANNED, SHIPPING_BACK
from db.shipments.captures import OWES
from domain.money import Money
from domain.payments import EntryKind, Refusal, add_up
from domain.shipments.refunds import Paid

# What refunds have promised and no entry tells of yet.
_PLANNED = f"""(SELECT coalesce(sum(r.amount), 0) FROM refunds r
            WHERE r.payment_id = paid.id AND r.status IN {PLANNED})::bigint"""
# Of a release before refunds were documents: one that was asked for and has not failed.
_REFUNDED = """EXISTS (SELECT FROM payment_entries e WHERE e.shipment_id = x.id
        AND e.kind = 'refund' GROUP BY e.key
        HAVING NOT bool_or(e.phase IN ('failed', 'reversed')))"""
_ALL_LOST = f"""NOT EXISTS (SELECT FROM shipments x WHERE x.order_id = o.id
            AND x.handed_over_at IS NOT NULL AND (x.status <> 'lost' OR NOT (EXISTS (
                SELECT FROM refunds r WHERE r.shipment_id = x.id AND r.status IN {COUNTS})
            OR EXISTS (SELECT FROM credit_notes n WHERE n.shipment_id = x.id)
            OR EXISTS (SELECT FROM payment_entries e WHERE e.shipment_id = x.id
                AND e.kind = 'refund' AND {STANDS}))))"""
"""The condition that all that was sent of an order ``o`` got lost and was refunded."""
# One on terms owes less for what got lost, whether or not it was paid: up to what it was to pay.
_LINE_BILLED = """CASE o.payment_method WHEN 'net_terms' THEN
                round(CAST(l.total_amount AS numeric) * l.captured_units / l.quantity)
                ELSE l.captured_amount END"""
_POSTAGE = f"""(CASE o.payment_method WHEN 'net_terms'
            THEN o.shipping_amount + o.shipping_tax_amount
            ELSE o.captured_shipping_amount END - {SHIPPING_BACK})::bigint"""
_BILLED_LEFT = f"CASE o.payment_method WHEN 'net_terms' THEN {BILLED_LEFT} END"
# Lines that were paid for when the order was confirmed are of one kind: what went back of them
# otherwise, before they got lost, does not go back again.
_GOODS = f"""(SELECT coalesce(sum(CASE WHEN l.captured_units > 0
            THEN least(part.amount, {_LINE_BILLED} - (
                SELECT coalesce(sum(x.amount), 0) FROM refund_lines x
                JOIN refunds r ON r.id = x.refund_id
                WHERE x.order_line_id = l.id AND r.status IN {COUNTS})
                - (SELECT coalesce(sum(n.amount), 0) FROM {CREDITED_LINES} n
                WHERE n.order_id = o.id AND n.order_line_id = l.id))
            ELSE part.amount END), 0)
        FROM (SELECT order_line_id, sum(capture_amount) AS amount FROM shipment_lines
            WHERE shipment_id = s.id GROUP BY 1) part
        JOIN order_lines l ON l.id = part.order_line_id)"""
_PAID = text(
    f"""SELECT s.id, o.currency, {_ALL_LOST} AS all_lost,
        CASE WHEN {OWES} THEN 0 ELSE {_GOODS} END::bigint AS goods,
        CASE WHEN {OWES} THEN s.capture_shipping_amount + (SELECT sum(l.capture_amount)
            FROM shipment_lines l WHERE l.shipment_id = s.id) ELSE 0 END::bigint AS owed,
        {_POSTAGE} AS postage, {_BILLED_LEFT} AS billed_left,
        ((SELECT sum(l.quantity - l.cancelled - l.written_off) FROM order_lines l
            WHERE l.order_id = o.id)
        - (SELECT coalesce(sum(l.quantity), 0) FROM shipments x
            JOIN shipment_lines l ON l.shipment_id = x.id
            WHERE x.order_id = o.id AND x.settled_at IS NULL
                AND (x.id = s.id OR {_REFUNDED})))::bigint AS others,
        coalesce((SELECT jsonb_agg({ENTRY} ORDER BY e.id) FROM payment_entries e
            WHERE e.payment_id = paid.id), '[]') AS entries, {_PLANNED} AS planned
    FROM shipments s JOIN orders o ON o.id = s.order_id
    CROSS JOIN LATERAL (SELECT coalesce(
        (SELECT c.payment_id FROM payment_entries c WHERE c.shipment_id = s.id
            AND c.kind = 'capture' AND c.phase = 'succeeded' ORDER BY c.id DESC LIMIT 1),
        (SELECT c.payment_id FROM payments p JOIN payment_entries c ON c.payment_id = p.id
            WHERE p.order_id = o.id AND c.shipment_id IS NULL AND c.kind = 'capture'
            AND c.phase = 'succeeded' ORDER BY c.id DESC LIMIT 1),
        (SELECT p.id FROM payments p WHERE p.order_id = o.id AND p.provider_reference IS NOT NULL
            ORDER BY p.created_at DESC, p.id DESC LIMIT 1)) AS id) paid
    WHERE s.id = any(:shipments)"""
).bindparams(bindparam("shipments", type_=ARRAY(Uuid)))
_ADD = text(
    """UPDATE shipments SET refund_shipping_amount
        = greatest(0, refund_shipping_amount + :postage) WHERE id = :shipment"""
)
_REFUSED = text(
    """SELECT e.amount, p.currency, e.failure_code, e.failure_message
    FROM payment_entries e JOIN payments p ON p.id = e.payment_id
    WHERE e.shipment_id = :shipment AND e.kind = :kind AND e.phase IN ('failed', 'reversed')
    ORDER BY e.id DESC LIMIT 1"""
)

_AGAIN = text(
    f"""SELECT t.id, t.facts, t.closed_by FROM tasks t WHERE t.document_id = :shipment AND {AGAIN}
    ORDER BY t.id LIMIT 1"""
)

# Of an order of which all that was sent got lost and was refunded, and the rest was not sent.
_KEPT = text(
    f"""SELECT s.id, {_POSTAGE} AS postage
    FROM orders o JOIN shipments s ON s.order_id = o.id AND s.capture_shipping_amount > 0
    WHERE o.id = :order AND o.status = 'completed' AND s.status = 'lost'
        AND NOT EXISTS (SELECT FROM order_lines l WHERE l.order_id = o.id AND l.delivered > 0)
        AND EXISTS (SELECT FROM order_lines l WHERE l.order_id = o.id AND l.cancelled > 0)
        AND {_ALL_LOST}"""
)


async def postage_kept(db: AsyncConnection, order_id: UUID) -> tuple[UUID, int] | None:
    """Return the postage (minor units) of an order of which nothing arrived, and its shipment.

    None unless the order has ended so that we owe it: with the last lost parcel it goes back by
    itself, but not when the rest of the order is given up after that.
    """
    found = (await db.execute(_KEPT, {"order": order_id})).one_or_none()
    return (found.id, found.postage) if found and found.postage > 0 else None


async def paid_for(db: AsyncConnection, shipments: Collection[UUID]) -> dict[UUID, Paid]:
    """Return what was taken for each shipment and its order."""
    rows = await db.execute(_PAID, {"shipments": list(shipments)})
    return {
        row.id: Paid(
            currency=row.currency,
            goods=row.goods,
            postage=row.postage,
            others=row.others,
            owed=row.owed,
            all_lost=row.all_lost,
            refundable=add_up(map(entry_of, row.entries)).refundable - row.planned
            if row.billed_left is None
            else row.billed_left,
        )
        for row in rows
    }


async def add_postage(db: AsyncConnection, shipment_id: UUID, postage: int) -> None:
    """Add to the postage (minor units) in a shipment's refunds; less than 0 takes it off.

    Only refunds of a release before they were documents are counted there.
    """
    await db.execute(_ADD, {"shipment": shipment_id, "postage": postage})


async def refund_again(db: AsyncConnection, shipment_id: UUID) -> Row[Any] | None:
    """Return the task by which an older release's refund is tried again; None when none is.

    Its ``id``, its ``facts``, and who decided so (``closed_by``).
    """
    return (await db.execute(_AGAIN, {"shipment": shipment_id})).one_or_none()


async def last_refusal(db: AsyncConnection, shipment_id: UUID, kind: EntryKind) -> Refusal | None:
    """Return how the provider last refused to move a shipment's money; None when it did not."""
    found = (await db.execute(_REFUSED, {"shipment": shipment_id, "kind": kind})).one_or_none()
    if found is None:
        return None
    money = Money(amount=found.amount, currency=found.currency)
    return Refusal(code=found.failure_code, message=found.failure_message, amount=money)
