"""Asking for returns: use cases in the caller's transaction.

They know neither HTTP nor Temporal: id and actor are given. The return's run is started through the
outbox, once the caller has committed.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.returns.deciding import ask_for_review, authorize
from activities.returns.estimating import OrderDue, Units, by_order, decision_of, estimate
from activities.returns.serials import check_named
from db.customers import flags_of
from db.documents import ORDERS
from db.inventory.reads import quarantine_of
from db.inventory.sites import get_site
from db.orders.reads import get_order_row
from db.orders.tables import OrderRow
from db.outbox import add_messages, start_of
from db.returns.returnable import orders_of, site_of, sold_lines
from db.returns.writes import write_return
from domain.access import EVERYTHING, Reach
from domain.documents import Document, Kind
from domain.errors import CurrencyMismatch, NotFound
from domain.policy import Policy
from domain.returns.requests import RequestReturn, ReturnParts
from domain.returns.rules import (
    SoldLine,
    check_units,
    fee_rate_of,
    label_fee_of,
)
from domain.returns.status import ReturnStatus
from domain.returns.terms import looked_at, terms_of
from domain.returns.verdicts import check_evidence, decide


async def preview_return(
    db: AsyncConnection, asked: ReturnParts, policy: Policy, reach: Reach = EVERYTHING
) -> list[OrderDue]:
    """Return what would go back of each order if all of it came and were accepted.

    As things are at this moment: nothing is locked. Raises what `request_return` would be refused
    with.
    """
    ids = await _orders(db, asked)
    orders = {each: await get_order_row(db, each, reach) for each in ids}
    sold = await _sold(db, asked, orders)
    check_units(asked, sold, policy, _today(), late=False)
    return await _estimate(db, asked, orders, sold, policy)


async def request_return(
    db: AsyncConnection,
    return_id: UUID,
    asked: RequestReturn,
    policy: Policy,
    *,
    actor: str,
    reach: Reach = EVERYTHING,
    staff: bool = False,
) -> list[OrderDue]:
    """Promise units of orders to a return, authorized at once or put to support (returns R1-R4).

    Returns what it would give back if all of it were accepted. ``staff`` may ask without evidence.
    Raises NotFound, also for orders out of ``reach``, QuantityExceeded, WindowClosed, Malformed for
    a line that has to be shown or names units that were not sold with it, AlreadyExists for units
    that another open return waits for, and CurrencyMismatch.
    """
    ids = await _orders(db, asked)
    orders = {each: await lock_order(db, each, reach) for each in ids}
    sold = await _sold(db, asked, orders)
    check_requested(asked, sold, policy)
    await check_named(db, asked.lines, sold)
    dues = await _estimate(db, asked, orders, sold, policy)
    order = orders[asked.order_id]
    value = sum(each.due.amount for each in dues)
    limit = policy.return_auto_limit.get(order.currency, 0)
    if not staff:
        check_evidence(asked, value, limit)
    flags = await flags_of(db, order.customer_id)
    verdict = decide(asked, value, limit, order.currency, flags)
    terms = terms_of(asked, sold, policy, _today())
    inputs = {**verdict.inputs, "lines": looked_at(asked, sold, terms)}
    if asked.late_reason is not None:
        inputs["late_reason"] = asked.late_reason
    site_id = await _site(db, asked)
    values = {
        "id": return_id,
        "order_id": order.id,
        "customer_id": order.customer_id,
        "site_id": site_id,
        "quarantine_id": await quarantine_of(db, site_id),
        "status": ReturnStatus.REQUESTED,
        "kind": asked.kind,
        "resolution_wanted": asked.resolution_wanted,
        "replacement_timing": asked.replacement_timing,
        "ship_back": asked.ship_back,
        "label_fee_amount": _label_fee(asked, order, policy),
        "currency": order.currency,
        "decision": decision_of(verdict.rule, inputs),
        "notes": asked.notes,
        "requested_by": actor,
    }
    made = await write_return(db, values, asked.lines, terms, actor)
    for each in orders.values():
        await ORDERS.change(db, each)
    if verdict.authorized:
        await authorize(db, made, policy, actor="system")
    else:
        await ask_for_review(db, made, value)
    await add_messages(db, start_of(Document(Kind.RETURN, return_id)))
    return dues


def check_requested(asked: RequestReturn, sold: Mapping[UUID, SoldLine], policy: Policy) -> None:
    """Raise what `request_return` would for units that cannot come back today."""
    check_units(asked, sold, policy, _today(), late=asked.late_reason is not None)


async def _orders(db: AsyncConnection, asked: ReturnParts) -> list[UUID]:
    """Return the orders that are meant, in the order in which they are locked."""
    ids = await orders_of(db, [line.order_line_id for line in asked.lines])
    return sorted({asked.order_id, *ids})


async def lock_order(db: AsyncConnection, order_id: UUID, reach: Reach) -> OrderRow:
    """Lock and return an order; raise NotFound, also out of ``reach``."""
    order = await ORDERS.lock(db, order_id)
    if not reach.covers(order.customer_id, order.source):
        raise NotFound(f"there is no order {order_id}")
    return order


async def _sold(
    db: AsyncConnection, asked: ReturnParts, orders: Mapping[UUID, OrderRow]
) -> Mapping[UUID, SoldLine]:
    """Return the lines of the orders that are meant, which are one customer's in one currency."""
    first = orders[asked.order_id]
    sold = await sold_lines(db, list(orders))
    if not any(
        line.order_line_id in sold and sold[line.order_line_id].order_id == first.id
        for line in asked.lines
    ):
        raise NotFound(f"none of the lines is one of the order {first.id}")
    if any(order.customer_id != first.customer_id for order in orders.values()):
        # Which orders others have is not told.
        raise NotFound("the customer has no order with all of these lines")
    if any(order.currency != first.currency for order in orders.values()):
        raise CurrencyMismatch("the orders of one return are in one currency")
    return sold


async def _estimate(
    db: AsyncConnection,
    asked: ReturnParts,
    orders: Mapping[UUID, OrderRow],
    sold: Mapping[UUID, SoldLine],
    policy: Policy,
) -> list[OrderDue]:
    rates = _fee_rates(asked, sold)
    units = [
        Units(line.order_line_id, line.quantity, line.reason, rates[line.order_line_id])
        for line in asked.lines
    ]
    fee = _label_fee(asked, orders[asked.order_id], policy)
    by = by_order(sold, units)
    return await estimate(db, orders, sold, by, asked.kind, policy, label_fee=fee)


def _label_fee(asked: ReturnParts, order: OrderRow, policy: Policy) -> int:
    """Return what is kept for the label; it stays so, whatever the setting says later."""
    return label_fee_of(asked, policy.label_fee.get(order.currency, 0))


def _fee_rates(asked: ReturnParts, sold: Mapping[UUID, SoldLine]) -> dict[UUID, Decimal]:
    """Return what is kept of the money for each line; it stays so, whatever the item says later."""
    return {
        line.order_line_id: fee_rate_of(sold[line.order_line_id], asked.kind, line.reason)
        for line in asked.lines
    }


async def _site(db: AsyncConnection, asked: RequestReturn) -> UUID:
    """Return where the goods are to arrive."""
    if asked.site_id is not None:
        return (await get_site(db, asked.site_id)).id
    site = await site_of(db, asked.lines[0].order_line_id)
    if site is None:
        raise NotFound("nothing of the first line was sent from a site: say which `site_id`")
    return site


def _today() -> date:
    return datetime.now(UTC).date()
