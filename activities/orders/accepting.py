"""Accepting orders: use cases in the caller's transaction, for many orders at a time or for one.

They know neither HTTP nor Temporal: id and actor are given, and so is what writes the answer that a
request's key keeps. The order's run is started through the outbox, once the caller has committed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders.rows import Submission, build_rows, reserve
from db.idempotency import Answer, Claim, known_answer
from db.orders.accept import (
    OrderRows,
    Reference,
    find_number,
    get_reference,
    lock_shelves,
    write_orders,
)
from domain.customers import CustomerStatus
from domain.errors import AlreadyExists, DomainError, Malformed
from domain.ids import CustomerId, ItemId
from domain.inventory import Pick, Shelf, allocate
from domain.items import sku_key
from domain.orders.placing import PlaceOrder
from domain.orders.pricing import PricedOrder, price
from domain.orders.receipts import window_of
from domain.orders.terms import Terms, check_terms
from domain.policy import Policy
from telemetry import metrics

Decision = Answer | DomainError
Writer = Callable[[OrderRows, Submission], str]
"""Writes the answer of a fresh order; called before its stock is reserved."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """An order that lacks nothing but its stock."""

    submission: Submission
    priced: PricedOrder
    rows: OrderRows
    answer: Answer
    may_wait: frozenset[ItemId]
    """The items of which it waits for what is missing."""

    @property
    def key(self) -> dict[str, Any] | None:
        """The request's row of the idempotency record, if it has a claim."""
        claim = self.submission.claim
        return None if claim is None else _key(claim, self.answer)


async def place_order(db: AsyncConnection, submission: Submission, policy: Policy) -> str:
    """Place an order without a claim and return its number; raise what it is refused with.

    An order that there is under this id already stays as it is, so that a step of a run may place
    one under a derived id and be retried. Of two attempts in a race one raises an IntegrityError;
    retried, it finds the order.
    """
    assert submission.claim is None
    number = await find_number(db, submission.order_id)
    if number is not None:
        return number
    [decision] = await accept_orders(db, [submission], policy, _number_of)
    if isinstance(decision, DomainError):
        raise decision
    return decision.body


async def accept_orders(
    db: AsyncConnection, submissions: Sequence[Submission], policy: Policy, write: Writer
) -> list[Decision]:
    """Accept or refuse each submission, first come first served, inside the caller's transaction.

    No two submissions may share caller and key. A refusal leaves no row of its order, and its key
    free. The transaction makes 3 round trips, whatever the number of orders, and one more where
    items have lots. An IntegrityError may mean that another transaction used a key meanwhile: to
    be done again.
    """
    reference = await _read(db, submissions)
    now = datetime.now(UTC)
    decided: list[Decision | _Draft] = []
    for submission, number in zip(submissions, reference.numbers, strict=True):
        try:
            decided.append(_validate(submission, number, reference, now, policy, write))
        except DomainError as refusal:
            decided.append(refusal)
    drafts = [one for one in decided if isinstance(one, _Draft)]
    # As little as possible is left to be done while others wait for the shelves.
    shelves = await lock_shelves(
        db, {line.item_id: line.sku for draft in drafts for line in draft.priced.lines}
    )
    accepted: list[_Draft] = []
    decisions: list[Decision] = []
    for one in decided:
        if isinstance(one, _Draft):
            try:
                draft = _reserve_stock(one, shelves, reference.known, write)
                accepted.append(draft)
                decisions.append(draft.answer)
            except DomainError as refusal:
                decisions.append(refusal)
        else:
            decisions.append(one)
    if accepted:
        keys = [key for draft in accepted if (key := draft.key) is not None]
        await write_orders(db, [draft.rows for draft in accepted], keys)
        for _ in accepted:
            metrics.count(metrics.order_creations)
    return decisions


async def _read(db: AsyncConnection, submissions: Sequence[Submission]) -> Reference:
    orders = [submission.order for submission in submissions]
    return await get_reference(
        db,
        customers={order.customer_id for order in orders},
        items={line.item_id for order in orders for line in order.lines if line.item_id},
        skus={sku_key(line.sku) for order in orders for line in order.lines if line.sku},
        references=[
            (order.origin, order.external_reference) for order in orders if order.external_reference
        ],
        keys=[place for one in submissions if one.claim for place in one.claim.places],
        orders=len(orders),
    )


def _validate(
    submission: Submission,
    number: str,
    reference: Reference,
    now: datetime,
    policy: Policy,
    write: Writer,
) -> Decision | _Draft:
    """Find the first answer, refuse, or draw the order up."""
    claim = submission.claim
    used = None if claim is None else reference.used(claim)
    if claim is not None and used is not None:
        return known_answer(used, claim)
    _check_fresh(submission.order, reference.known)
    terms = _check_customer(submission, reference.customers)
    check_terms(submission.order.payment.method, terms, submission.order.currency)
    priced = price(
        submission.order,
        reference.listings,
        policy.shipping_rates,
        may_set_prices=submission.may_set_prices,
    )
    window = window_of(submission.order.payment.method, policy.payment_window)
    rows = build_rows(number, submission, priced, now, now + window, terms)
    answer = Answer(submission.order_id, write(rows, submission), 201, replayed=False)
    return _Draft(submission, priced, rows, answer, _may_wait(submission.order, priced, reference))


def _may_wait(order: PlaceOrder, priced: PricedOrder, reference: Reference) -> frozenset[ItemId]:
    if not order.may_wait:
        return frozenset()
    items = {line.item_id for line in priced.lines}
    return frozenset(item for item in items if reference.listings[item].backorderable)


def _key(claim: Claim, answer: Answer) -> dict[str, Any]:
    return {
        "caller": claim.caller,
        "key": claim.key,
        "route": claim.route,
        "fingerprint": claim.fingerprint,
        "resource_id": answer.resource_id,
        "state": "done",
        "status": answer.status,
        "answer": answer.body,
    }


def _reserve_stock(
    draft: _Draft,
    shelves: dict[ItemId, list[Shelf]],
    known: dict[tuple[str, str], UUID],
    write: Writer,
) -> _Draft:
    """Reserve the stock of one order, which the next ones then no longer find.

    Where some of it has to wait, its answer says so.
    """
    order = draft.submission.order
    _check_fresh(order, known)
    demand = draft.priced.demand
    offered = [shelf for item in demand for shelf in shelves[item]]
    skus = {line.item_id: line.sku for line in draft.priced.lines}
    plan = allocate(demand, offered, skus, draft.may_wait)
    reserve(draft.rows, draft.priced, plan, offered)
    for item in demand:
        shelves[item] = _less(shelves[item], plan)
    if order.external_reference:
        known[order.origin, order.external_reference] = draft.submission.order_id
    if draft.may_wait and any(line["short_since"] for line in draft.rows.lines):
        body = write(draft.rows, draft.submission)
        return replace(draft, answer=replace(draft.answer, body=body))
    return draft


def _check_fresh(order: PlaceOrder, known: Mapping[tuple[str, str], UUID]) -> None:
    earlier = known.get((order.origin, order.external_reference or ""))
    if earlier is not None:
        raise AlreadyExists(
            f"{order.origin} has placed {order.external_reference} before", id=str(earlier)
        )


def _check_customer(
    submission: Submission, customers: Mapping[CustomerId, tuple[CustomerStatus, Terms]]
) -> Terms:
    """Return the terms of who orders, or refuse."""
    customer_id = submission.order.customer_id
    status, terms = customers.get(customer_id, (None, Terms()))
    foreign = submission.reach.customer_id not in (None, customer_id)
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
    elif submission.reach.customer_id is not None and submission.order.turn_given:
        raise Malformed(
            "a customer may not say whose turn it is",
            errors=[
                {"pointer": f"/{field}", "message": "not allowed for this caller"}
                for field in submission.order.turn_given
            ],
        )
    else:
        return terms
    raise Malformed(
        f"customer {customer_id} cannot place orders",
        errors=[{"pointer": "/customer_id", "message": problem}],
    )


def _less(shelves: Sequence[Shelf], plan: Iterable[Pick]) -> list[Shelf]:
    """Take what one order was promised off one item's shelves."""
    taken = {(pick.item_id, pick.location_id, pick.lot_id): pick.quantity for pick in plan}
    return [
        replace(shelf, available=shelf.available - quantity)
        if (quantity := taken.get((shelf.item_id, shelf.location_id, shelf.lot_id)))
        else shelf
        for shelf in shelves
    ]


def _number_of(rows: OrderRows, _submission: Submission) -> str:
    number: str = rows.order["number"]
    return number
