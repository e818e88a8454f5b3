"""Goods that are not sent after all: how much less the customer then owes, or gets back."""

from collections import Counter
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from db.orders.writes import counters_of, lines_of
from db.shipments.refunds import paid_for
from db.shipments.writes import shipment_lines_of
from domain.money import Money
from domain.orders.status import billable
from domain.shipments.refunds import postage_without

_ORDER = text(
    """SELECT o.id, o.currency, o.shipping_amount + o.shipping_tax_amount AS shipping
    FROM orders o JOIN shipments s ON s.order_id = o.id WHERE s.id = :shipment"""
)


async def owed_less_without(db: AsyncConnection, shipment_id: UUID) -> Money:
    """Return how much less a customer owes for an order when a shipment of it is given up.

    With the postage that goes back, if nothing of the order then arrives.
    """
    order = (await db.execute(_ORDER, {"shipment": shipment_id})).one()
    given_up: Counter[UUID] = Counter()
    for part in await shipment_lines_of(db, shipment_id):
        given_up[part.order_line_id] += part.quantity
    before, after = [], []
    for line in await lines_of(db, order.id):
        counters = counters_of(line)
        before.append(counters)
        cancelled = counters.cancelled + given_up[line.id]
        after.append(counters.model_copy(update={"cancelled": cancelled}))
    less = billable(before, order.shipping) - billable(after, order.shipping)
    less += postage_without((await paid_for(db, [shipment_id]))[shipment_id])
    return Money(amount=less, currency=order.currency)
