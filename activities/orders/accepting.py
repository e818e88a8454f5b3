"""Accepting orders: use cases in the caller's transaction, for many orders at a time or for one.

They know neither HTTP nor Temporal: id and actor are given, and so is what writes the answer that a
request's key keeps. The order's run is started through the outbox, once the caller has committed.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders.promising import Decision, Draft, Writer, check_fresh, promise_stock
from activities.orders.rows import Submission, build_rows
from db.idempotency import Answer, known_answer
from db.orders.accept import (
    OrderRows,
    Reference,
    find_number,
    get_reference,
    write_orders,
)
from domain.customers import CustomerStatus
from domain.errors import DomainError, Malformed
from domain.ids import CustomerId, ItemId
from domain.items import sku_key
from domain.orders.attempts import check_declines
from domain.orders.placing import PlaceOrder
from domain.orders.pricing import PricedOrder, price
from domain.orders.receipts import PaymentMethod, spread_of, window_of
from domain.orders.terms import Terms, check_terms
from domain.orders.unpaid import check_unpaid
from domain.policy import Policy
from domain.sources import DIRECT
from telemetry import metrics


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
    reference = await _read(db, submissions, policy)
    now = datetime.now(UTC)
    decided: list[Decision | Draft] = []
    for submission, number in zip(submissions, reference.numbers, strict=True):
        try:
            decided.append(_validate(submission, number, reference, now, policy, write))
        except DomainError as refusal:
            decided.append(refusal)
    found = await promise_stock(db, decided, reference.known, write)
    accepted = [one for one in found if isinstance(one, Draft)]
    decisions = [one.answer if isinstance(one, Draft) else one for one in found]
    if accepted:
        keys = [key for draft in accepted if (key := draft.key) is not None]
        await write_orders(db, [draft.rows for draft in accepted], keys)
        for _ in accepted:
            metrics.count(metrics.order_creations)
    return decisions


async def _read(
    db: AsyncConnection, submissions: Sequence[Submission], policy: Policy
) -> Reference:
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
        integrations={order.origin for order in orders if order.origin != DIRECT},
        counted=max(policy.unpaid_per_customer, policy.unpaid_per_source),
    )


def _validate(
    submission: Submission,
    number: str,
    reference: Reference,
    now: datetime,
    policy: Policy,
    write: Writer,
) -> Decision | Draft:
    """Find the first answer, refuse, or draw the order up."""
    claim = submission.claim
    used = None if claim is None else reference.used(claim)
    if claim is not None and used is not None:
        return known_answer(used, claim)
    check_fresh(submission.order, reference.known)
    terms = _check_customer(submission, reference.customers)
    check_terms(submission.order.payment.method, terms, submission.order.currency)
    priced = price(
        submission.order,
        reference.listings,
        policy.shipping_rates,
        may_set_prices=submission.may_set_prices,
    )
    by_card = submission.order.payment.method is PaymentMethod.CARD
    if claim is not None and priced.total_amount and by_card:
        declines, since = reference.declined[submission.order.customer_id]
        check_declines(declines, since, now, policy.declines_per_customer)
        _check_unpaid(submission.order, reference, policy)
    window = window_of(submission.order.payment.method, policy.payment_window)
    window += spread_of(submission.order.payment.method, submission.order_id, window)
    rows = build_rows(number, submission, priced, now, now + window, terms)
    answer = Answer(submission.order_id, write(rows, submission), 201, replayed=False)
    return Draft(submission, priced, rows, answer, _may_wait(submission.order, priced, reference))


def _check_unpaid(order: PlaceOrder, reference: Reference, policy: Policy) -> None:
    """Refuse one more order by card where too many wait for their money.

    A transfer may take days, and is awaited by as many as buy.
    """
    unpaid, source = reference.unpaid, order.origin
    check_unpaid(unpaid[order.customer_id], policy.unpaid_per_customer, "this customer")
    if source != DIRECT:
        check_unpaid(unpaid[source], policy.unpaid_per_source, source)


def _may_wait(order: PlaceOrder, priced: PricedOrder, reference: Reference) -> frozenset[ItemId]:
    if not order.may_wait:
        return frozenset()
    items = {line.item_id for line in priced.lines}
    return frozenset(item for item in items if reference.listings[item].backorderable)


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


def _number_of(rows: OrderRows, _submission: Submission) -> str:
    number: str = rows.order["number"]
    return number
