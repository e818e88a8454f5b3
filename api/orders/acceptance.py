"""Accepting orders: decided and written in one transaction, many at a time; needs no Temporal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from api.orders.rows import Submission, promise, rows_of
from db.idempotency import Earlier, judge
from db.orders.accept import (
    OrderRows,
    Reference,
    lock_shelves,
    read_reference,
    write_orders,
)
from domain.customers import CustomerStatus
from domain.errors import AlreadyExists, DomainError, Malformed
from domain.ids import CustomerId, ItemId, new_id
from domain.inventory import Pick, Shelf, allocate
from domain.orders.placing import PlaceOrder, PricedOrder, price


@dataclass(frozen=True, slots=True)
class Answered:
    """A stored answer; ``replayed`` when an earlier request under the same key made it."""

    order_id: UUID
    body: str
    replayed: bool


ROUTE = "POST /orders"

Decision = Answered | DomainError


@dataclass(frozen=True, slots=True)
class _Draft:
    """An order that lacks nothing but its stock."""

    submission: Submission
    priced: PricedOrder
    rows: OrderRows


async def accept_orders(
    db: AsyncConnection, submissions: Sequence[Submission], payment_window: timedelta
) -> list[Decision]:
    """Accept or refuse each submission, first come first served, inside the caller's transaction.

    No two submissions may share caller and key. A refusal leaves no row of its order, and its key
    free. The transaction makes 3 round trips, whatever the number of orders. An IntegrityError
    may mean that another transaction used a key meanwhile: to be done again.
    """
    reference = await _read(db, submissions)
    now = datetime.now(UTC)
    decided: list[Decision | _Draft] = []
    for submission, number in zip(submissions, reference.numbers, strict=True):
        try:
            decided.append(_judge(submission, number, reference, now, now + payment_window))
        except DomainError as refusal:
            decided.append(refusal)
    drafts = [one for one in decided if isinstance(one, _Draft)]
    # As little as possible is left to be done while others wait for the shelves.
    shelves = await lock_shelves(
        db, {line.item_id: line.sku for draft in drafts for line in draft.priced.lines}
    )
    accepted: list[OrderRows] = []
    decisions: list[Decision] = []
    for one in decided:
        if isinstance(one, _Draft):
            try:
                decisions.append(_take(one, shelves, reference.known))
                accepted.append(one.rows)
            except DomainError as refusal:
                decisions.append(refusal)
        else:
            decisions.append(one)
    if accepted:
        await write_orders(db, accepted)
    return decisions


async def _read(db: AsyncConnection, submissions: Sequence[Submission]) -> Reference:
    orders = [submission.order for submission in submissions]
    return await read_reference(
        db,
        customers={order.customer_id for order in orders},
        items={line.item_id for order in orders for line in order.lines if line.item_id},
        skus={line.sku.lower() for order in orders for line in order.lines if line.sku},
        references=[
            (order.source, order.external_reference) for order in orders if order.external_reference
        ],
        keys=[(submission.caller, submission.key) for submission in submissions],
        orders=len(orders),
    )


def _judge(
    submission: Submission, number: str, reference: Reference, now: datetime, due: datetime
) -> Decision | _Draft:
    """Find the first answer, refuse, or draw the order up."""
    used = reference.keys.get((submission.caller, submission.key))
    if used is not None:
        known = judge(used, ROUTE, submission.fingerprint)
        if isinstance(known, Earlier):
            return Answered(known.resource_id, known.answer, replayed=True)
        return known
    _check_fresh(submission.order, reference.known)
    _check_customer(submission, reference.customers)
    priced = price(submission.order, reference.listings, may_set_prices=submission.may_set_prices)
    return _Draft(
        submission, priced, rows_of(new_id(), number, submission, priced, now, due, ROUTE)
    )


def _take(
    draft: _Draft, shelves: dict[ItemId, list[Shelf]], known: dict[tuple[str, str], UUID]
) -> Answered:
    """Promise the stock of one order, which the next ones then no longer find."""
    order, rows = draft.submission.order, draft.rows
    _check_fresh(order, known)
    demand = draft.priced.demand
    offered = [shelf for item in demand for shelf in shelves[item]]
    plan = allocate(demand, offered, {line.item_id: line.sku for line in draft.priced.lines})
    promise(rows, draft.priced, plan, offered)
    for item in demand:
        shelves[item] = _less(shelves[item], plan)
    order_id: UUID = rows.order["id"]
    if order.external_reference:
        known[order.source, order.external_reference] = order_id
    return Answered(order_id, rows.key["answer"], replayed=False)


def _check_fresh(order: PlaceOrder, known: Mapping[tuple[str, str], UUID]) -> None:
    earlier = known.get((order.source, order.external_reference or ""))
    if earlier is not None:
        raise AlreadyExists(
            f"{order.source} has placed {order.external_reference} before", id=str(earlier)
        )


def _check_customer(submission: Submission, statuses: Mapping[CustomerId, CustomerStatus]) -> None:
    customer_id = submission.order.customer_id
    status = statuses.get(customer_id)
    foreign = submission.only_customer not in (None, customer_id)
    if status is None or foreign:
        problem = "unknown customer"
    elif status is not CustomerStatus.ACTIVE:
        problem = f"this customer is {status}"
    elif submission.order.prices_given and not submission.may_set_prices:
        raise Malformed(
            "only callers with the scope orders:price may give tax or shipping",
            errors=[
                {"pointer": f"/{field}", "message": "not allowed for this caller"}
                for field in ("tax", "shipping")
                if getattr(submission.order, field) is not None
            ],
        )
    else:
        return
    raise Malformed(
        f"customer {customer_id} cannot place orders",
        errors=[{"pointer": "/customer_id", "message": problem}],
    )


def _less(shelves: Sequence[Shelf], plan: Iterable[Pick]) -> list[Shelf]:
    """Take what one order was promised off one item's shelves."""
    taken = {(pick.item_id, pick.location_id): pick.quantity for pick in plan}
    return [
        replace(shelf, available=shelf.available - quantity)
        if (quantity := taken.get((shelf.item_id, shelf.location_id)))
        else shelf
        for shelf in shelves
    ]
