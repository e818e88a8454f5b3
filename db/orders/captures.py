"""The capture of an order that pays when it is confirmed: whether it is due, and what it counts."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import to_json
from db.payments import STANDS
from domain.orders.receipts import TRANSFER_WINDOW

# Mirrors domain.orders.status.billable, in which money is rounded half up per line.
_BILLABLE = """o.shipping_amount + o.shipping_tax_amount + (SELECT coalesce(sum(round(
        CAST(l.total_amount AS numeric) * (l.quantity - l.cancelled) / l.quantity)), 0)
        FROM order_lines l WHERE l.order_id = o.id)"""
OUTSTANDING = f"""(o.capture_on = 'confirmation' AND o.payment_method <> 'net_terms'
    AND o.status IN ('confirmed', 'completed', 'closed') AND {_BILLABLE} > 0
    AND NOT EXISTS (SELECT FROM order_lines l
        WHERE l.order_id = o.id AND l.shipped > 0 AND l.captured_units = 0)
    AND NOT EXISTS (SELECT FROM payments p JOIN payment_entries e ON e.payment_id = p.id
        WHERE p.order_id = o.id AND e.kind = 'capture' AND e.shipment_id IS NULL AND {STANDS})
    AND NOT EXISTS (SELECT FROM tasks t WHERE t.document_id = o.id
        AND t.kind = 'capture_refused' AND t.outcome = 'write_off'))"""
"""The condition that the money of an order ``o`` that pays when it is confirmed is not there.

Nor has a person given it up, or the customer time to pay. Where something left unasked for,
hand-overs take it, as a release before this one does.
"""
DUE = f"""({OUTSTANDING} AND o.cancel_requested_at IS NULL AND NOT EXISTS (SELECT FROM tasks t
        WHERE t.document_id = o.id AND t.kind IN ('capture_refused', 'payment_mismatch')
        AND t.status = 'open'))"""
"""The condition that the provider is to be asked for that money now: no person is."""
TO_COME = f"""SELECT o.id, o.payment_due_at
        - interval '{TRANSFER_WINDOW.total_seconds():.0f} seconds' AS since, false AS abroad,
        jsonb_build_object('order', o.number, 'payment_due_at', o.payment_due_at) AS facts
    FROM orders o WHERE o.status = 'pending' AND o.payment_method = 'bank_transfer'
        AND o.cancel_requested_at IS NULL AND o.payment_due_at > now()"""
"""Selects orders that wait for a bank transfer, each since its window began."""
_IS = {
    name: text(f"SELECT {sql} FROM orders o WHERE o.id = :order")
    for name, sql in (("outstanding", OUTSTANDING), ("due", DUE))
}

_RETRIED = text(
    """SELECT id FROM tasks WHERE document_id = :order AND kind = 'capture_refused'
        AND outcome = 'retry' ORDER BY closed_at DESC, id DESC LIMIT 1"""
)
_PLAN = text("UPDATE order_lines SET captured_units = quantity - cancelled WHERE order_id = :order")
_COUNT = text(
    """WITH lines AS (
        UPDATE order_lines SET captured_amount
            = coalesce((CAST(:amounts AS jsonb) ->> CAST(id AS text))::bigint, 0)
        WHERE order_id = :order)
    UPDATE orders SET captured_shipping_amount = :shipping WHERE id = :order"""
)


async def is_outstanding(db: AsyncConnection, order_id: UUID) -> bool:
    """Whether the money of an order that pays when it is confirmed is still to come."""
    return bool((await db.execute(_IS["outstanding"], {"order": order_id})).scalar_one())


async def is_due(db: AsyncConnection, order_id: UUID) -> bool:
    """Whether the provider is to be asked for it now."""
    return bool((await db.execute(_IS["due"], {"order": order_id})).scalar_one())


async def last_retry(db: AsyncConnection, order_id: UUID) -> str:
    """Return the task by which a person last decided to try again; empty without any."""
    found = (await db.execute(_RETRIED, {"order": order_id})).scalar_one_or_none()
    return str(found) if found else ""


async def plan_order_capture(db: AsyncConnection, order_id: UUID) -> None:
    """Write that the capture which is asked for next is for all units that are not cancelled."""
    await db.execute(_PLAN, {"order": order_id})


async def count_order_capture(
    db: AsyncConnection, order_id: UUID, by_line: Mapping[UUID, int], shipping: int
) -> None:
    """Write what was captured (minor units) of each line, and of the shipping with its tax."""
    amounts = to_json({str(line_id): amount for line_id, amount in by_line.items()})
    given = {"order": order_id, "amounts": amounts, "shipping": shipping}
    await db.execute(_COUNT, given)
