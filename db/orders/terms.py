"""Orders on terms: what each owes, what their customer owes together, and which wait for credit."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.customers import CustomerRow
from db.orders.tables import OrderRow
from db.payments import STANDS
from db.refunds.refundable import COUNTS
from domain.access import EVERYTHING, Reach
from domain.ids import OrderId

# Mirrors domain.orders.status.billable, in which money is rounded half up per line.
_BILLABLE = """(SELECT sum(round(
            CAST(l.total_amount AS numeric) * (l.quantity - l.cancelled) / l.quantity))
        + CASE WHEN bool_and(l.cancelled = l.quantity) THEN 0
            ELSE o.shipping_amount + o.shipping_tax_amount END
        FROM order_lines l WHERE l.order_id = o.id)"""
BILLED_LEFT = f"({_BILLABLE} - o.credited_amount)::bigint"
"""What an order ``o`` on terms was to pay, less what it owes less by now."""
_CAME = f"""(SELECT coalesce(sum(e.amount), 0) FROM payments p
        JOIN payment_entries e ON e.payment_id = p.id
        WHERE p.order_id = o.id AND e.kind = 'capture' AND {STANDS})"""
_KEPT = """(SELECT coalesce(sum(CAST(t.facts->'amount'->>'amount' AS bigint)), 0) FROM tasks t
        WHERE t.document_id = o.id AND t.kind = 'overpaid' AND t.outcome = 'keep')"""
# A refund that failed, or that the customer got in another way, is for these goods all the same:
# by then its money is a person's question, or answered. A favour only leaves less to give back.
OWES = f"""greatest({BILLED_LEFT} - {_CAME} + {_KEPT}
        + (SELECT coalesce(sum(r.amount), 0) FROM refunds r
            WHERE r.order_id = o.id AND r.source <> 'goodwill'),
    least(0, (SELECT coalesce(sum(r.amount), 0) FROM refunds r
        WHERE r.order_id = o.id AND r.status IN {COUNTS}) - {_CAME}))::bigint"""
"""What is still to be paid of an order ``o`` on terms; below 0 what is to be given back of it."""
BILLED = "(o.payment_method = 'net_terms' AND o.status IN ('confirmed', 'completed', 'closed'))"
"""The condition that an order ``o`` counts in what its customer owes (customers R3)."""
_HELD = """EXISTS (SELECT FROM holds h WHERE h.document_id = o.id
        AND h.reason = 'credit_limit' AND h.placed_by = 'system' AND h.released_at IS NULL)"""
_WAITS_FOR_CREDIT = f"""o.payment_method = 'net_terms' AND o.status = 'pending'
    AND o.cancel_requested_at IS NULL AND {_HELD} AND NOT EXISTS (SELECT FROM holds h
        WHERE h.document_id = o.id AND h.reason <> 'credit_limit' AND h.released_at IS NULL)"""
_DUE_ON = "((o.confirmed_at AT TIME ZONE 'UTC')::date + o.terms_days)"
OVERDUE = f"""SELECT o.id, (({_DUE_ON} + 1)::timestamp AT TIME ZONE 'UTC') AS since,
        false AS abroad, jsonb_build_object('order', o.number, 'due_on', {_DUE_ON},
        'owes', jsonb_build_object('amount', {OWES}, 'currency', o.currency)) AS facts
    FROM orders o WHERE {BILLED} AND {_DUE_ON} BETWEEN current_date - 30 AND current_date
        AND {OWES} > 0"""
"""Selects orders on terms that are not paid, each since its day was over (by UTC).

Those of the last month: it is said once.
"""

_LOCK = text(
    """SELECT c.* FROM customers c WHERE c.id = (SELECT customer_id FROM orders WHERE id = :order)
    FOR NO KEY UPDATE"""
)
_EXPOSURE = text(
    f"""SELECT coalesce(sum({OWES}), 0)::bigint FROM orders o
    WHERE o.customer_id = :customer AND o.currency = :currency AND {BILLED}"""
)
_OWED = text(f"SELECT {OWES} FROM orders o WHERE o.id = :order")
_OLDER = text(
    f"""SELECT {OWES} AS owes FROM orders o
    WHERE o.customer_id = :customer AND o.currency = :currency AND {_WAITS_FOR_CREDIT}
        AND (o.placed_at, o.id) < (SELECT placed_at, id FROM orders WHERE id = :order)
    ORDER BY o.placed_at, o.id"""
)
_ASKED_ABOUT = text(
    """SELECT coalesce(sum(CAST(facts->'amount'->>'amount' AS bigint)), 0)::bigint FROM tasks
    WHERE document_id = :order AND kind = 'overpaid' AND status = 'open'"""
)
_RELEASED = text(
    """SELECT EXISTS (SELECT FROM holds WHERE document_id = :order AND reason = 'credit_limit'
        AND placed_by = 'system' AND released_by <> 'system')"""
)
_PENDING = text(
    """SELECT id FROM orders WHERE customer_id = :customer AND payment_method = 'net_terms'
        AND status = 'pending' ORDER BY placed_at, id"""
)
_BEHIND = text(
    f"""SELECT * FROM (SELECT o.id, o.number, o.confirmed_at, o.terms_days, {OWES} AS owes
        FROM orders o WHERE o.customer_id = :customer AND o.currency = :currency AND {BILLED}
            AND o.source = coalesce(CAST(:source AS text), o.source)) b
    WHERE owes <> 0 ORDER BY confirmed_at, id LIMIT :limit"""
)
# What fits by itself; whether older ones need it, its run works out.
_FITTING = text(
    f"""SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id
    WHERE {_WAITS_FOR_CREDIT} AND c.credit_limit_currency = o.currency AND c.terms_days > 0
        AND {OWES} <= c.credit_limit_amount - (
            SELECT coalesce(sum({OWES}), 0) FROM orders o
            WHERE o.customer_id = c.id AND o.currency = c.credit_limit_currency AND {BILLED})
        AND NOT EXISTS (SELECT FROM outbox m WHERE m.document_id = o.id)
    ORDER BY o.placed_at, o.id LIMIT :limit"""
)


async def lock_customer_of(db: AsyncConnection, order_id: UUID) -> CustomerRow:
    """Lock and return the customer of an order, before the order itself is locked.

    Orders may be placed meanwhile, but no other one of the customer is confirmed on terms.
    """
    return cast(CustomerRow, (await db.execute(_LOCK, {"order": order_id})).one())


async def exposure_of(db: AsyncConnection, customer_id: UUID, currency: str) -> int:
    """Return what a customer owes for confirmed orders on terms, in minor units."""
    given = {"customer": customer_id, "currency": currency}
    return int((await db.execute(_EXPOSURE, given)).scalar_one())


async def owed_on_terms(db: AsyncConnection, order_id: UUID) -> int:
    """Return what is still to be paid of an order on terms (minor units); below 0 what is over."""
    return int((await db.execute(_OWED, {"order": order_id})).scalar_one())


async def over_asked_about(db: AsyncConnection, order_id: UUID) -> int:
    """Return about what of too much money for an order finance is being asked (minor units)."""
    return int((await db.execute(_ASKED_ABOUT, {"order": order_id})).scalar_one())


async def older_waiting(db: AsyncConnection, order: OrderRow) -> list[int]:
    """Return what older orders of the customer owe that wait for credit only, the oldest first."""
    given = {"customer": order.customer_id, "currency": order.currency, "order": order.id}
    return list((await db.execute(_OLDER, given)).scalars())


async def is_let_pass(db: AsyncConnection, order_id: UUID) -> bool:
    """Whether a person has released an order that was on hold for want of credit."""
    return bool((await db.execute(_RELEASED, {"order": order_id})).scalar_one())


async def pending_on_terms(db: AsyncConnection, customer_id: UUID) -> list[OrderId]:
    """Return a customer's orders on terms that are not confirmed, the oldest first."""
    found = await db.execute(_PENDING, {"customer": customer_id})
    return [OrderId(each) for each in found.scalars()]


async def find_fitting(db: AsyncConnection, limit: int) -> Sequence[UUID]:
    """Return orders on hold for want of credit that is there by now."""
    return (await db.execute(_FITTING, {"limit": limit})).scalars().all()


class OwingRow(OrderRow):
    """An order behind what its customer owes, as the query here selects it."""

    __abstract__ = True
    owes: int


async def orders_behind(
    db: AsyncConnection, customer_id: UUID, currency: str, limit: int, reach: Reach = EVERYTHING
) -> Sequence[OwingRow]:
    """Return the orders that a customer owes for, or has paid too much of, the oldest first.

    Only those of the ``reach``'s source, if it has one.
    """
    given = {"customer": customer_id, "currency": currency, "limit": limit, "source": reach.source}
    return cast(Sequence[OwingRow], (await db.execute(_BEHIND, given)).all())


async def has_open_terms(db: AsyncConnection, customer_id: UUID, currency: str) -> bool:
    """Whether anything of a customer's orders on terms in this currency is open."""
    query = select(OrderRow.id).where(
        OrderRow.customer_id == customer_id,
        OrderRow.payment_method == "net_terms",
        OrderRow.currency == currency,
        OrderRow.status == "pending",
    )
    waiting = (await db.execute(query.limit(1))).first() is not None
    return waiting or bool(await orders_behind(db, customer_id, currency, 1))
