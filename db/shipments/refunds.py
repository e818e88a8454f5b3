"""Refunds by shipment: what was taken for it and its order, and the postage in its refund."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.ledgers import ENTRY, entry_of
from db.payments import AGAIN, STANDS
from db.refunds.refundable import COUNTS, PLANNED
from db.shipments.captures import OWES
from domain.money import Money
from domain.payments import EntryKind, Refusal, add_up
from domain.shipments.refunds import Paid

# What refunds of their own give back, or have promised to.
_POSTAGE = f"""(SELECT coalesce(sum(r.shipping_amount), 0) FROM refunds r
            WHERE r.order_id = o.id AND r.status IN {COUNTS})"""
# What of that no entry tells of yet.
_PLANNED = f"""(SELECT coalesce(sum(r.amount), 0) FROM refunds r
            WHERE r.payment_id = paid.id AND r.status IN {PLANNED})::bigint"""
# A refund that was asked for and has not failed gives, or gave, its units' money back.
_REFUNDED = """EXISTS (SELECT FROM payment_entries e WHERE e.shipment_id = x.id
        AND e.kind = 'refund' GROUP BY e.key
        HAVING NOT bool_or(e.phase IN ('failed', 'reversed')))"""
_ALL_LOST = f"""NOT EXISTS (SELECT FROM shipments x WHERE x.order_id = o.id
            AND x.handed_over_at IS NOT NULL AND (x.status <> 'lost' OR NOT EXISTS (
                SELECT FROM payment_entries e WHERE e.shipment_id = x.id AND e.kind = 'refund'
                AND {STANDS})))"""
"""The condition that all that was sent of an order ``o`` got lost and was refunded."""
_PAID = text(
    f"""SELECT s.id, o.currency, {_ALL_LOST} AS all_lost,
        CASE WHEN {OWES} THEN 0 ELSE (SELECT coalesce(sum(l.capture_amount), 0)
            FROM shipment_lines l WHERE l.shipment_id = s.id) END::bigint AS goods,
        CASE WHEN {OWES} THEN s.capture_shipping_amount + (SELECT sum(l.capture_amount)
            FROM shipment_lines l WHERE l.shipment_id = s.id) ELSE 0 END::bigint AS owed,
        (o.captured_shipping_amount - (SELECT coalesce(sum(x.refund_shipping_amount), 0)
            FROM shipments x WHERE x.order_id = o.id AND x.id <> s.id) - {_POSTAGE})::bigint
            AS postage,
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
        (SELECT p.id FROM payments p WHERE p.order_id = o.id AND p.provider_reference IS NOT NULL
            ORDER BY p.created_at DESC, p.id DESC LIMIT 1)) AS id) paid
    WHERE s.id = any(:shipments)"""
).bindparams(bindparam("shipments", type_=ARRAY(Uuid)))
_PLAN = text("UPDATE shipments SET refund_shipping_amount = :postage WHERE id = :shipment")
_PLAN_MORE = text(
    """UPDATE shipments SET refund_shipping_amount = refund_shipping_amount + :postage
    WHERE id = :shipment"""
)
_REFUSED = text(
    """SELECT e.amount, p.currency, e.failure_code, e.failure_message
    FROM payment_entries e JOIN payments p ON p.id = e.payment_id
    WHERE e.shipment_id = :shipment AND e.kind = :kind AND e.phase IN ('failed', 'reversed')
    ORDER BY e.id DESC LIMIT 1"""
)

_AGAIN = text(
    f"""SELECT t.id, t.facts FROM tasks t WHERE t.document_id = :shipment AND {AGAIN}
    ORDER BY t.id LIMIT 1"""
)

# Of an order of which all that was sent got lost and was refunded, and the rest was not sent.
_KEPT = text(
    f"""SELECT s.id, o.captured_shipping_amount - (SELECT sum(x.refund_shipping_amount)
        FROM shipments x WHERE x.order_id = o.id)::bigint - {_POSTAGE}::bigint AS postage
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
            refundable=add_up(map(entry_of, row.entries)).refundable - row.planned,
        )
        for row in rows
    }


async def plan_refund(db: AsyncConnection, shipment_id: UUID, *, postage: int) -> None:
    """Keep how much of a shipment's refund is postage (minor units), so that it goes back once."""
    await db.execute(_PLAN, {"shipment": shipment_id, "postage": postage})


async def add_postage(db: AsyncConnection, shipment_id: UUID, postage: int) -> None:
    """Add to the postage (minor units) in a shipment's refunds; less than 0 takes it off."""
    await db.execute(_PLAN_MORE, {"shipment": shipment_id, "postage": postage})


async def refund_again(db: AsyncConnection, shipment_id: UUID) -> Row[Any] | None:
    """Return the task (``id``, ``facts``) by which a refund is tried again; None when none is."""
    return (await db.execute(_AGAIN, {"shipment": shipment_id})).one_or_none()


async def last_refusal(db: AsyncConnection, shipment_id: UUID, kind: EntryKind) -> Refusal | None:
    """Return how the provider last refused to move a shipment's money; None when it did not."""
    found = (await db.execute(_REFUSED, {"shipment": shipment_id, "kind": kind})).one_or_none()
    if found is None:
        return None
    money = Money(amount=found.amount, currency=found.currency)
    return Refusal(code=found.failure_code, message=found.failure_message, amount=money)
