"""Accepting orders: decided and written in one transaction, many at a time; needs no Temporal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from api.orders.rows import Submission, answer_of, rows_of
from db.orders.accept import OrderRows, StoredAnswer, lock_shelves, read_reference, write_orders
from db.orders.claims import Claim, claim_keys, free_keys
from domain.customers import CustomerStatus
from domain.errors import AlreadyExists, DomainError, Malformed
from domain.ids import CustomerId, new_id
from domain.inventory import Pick, Shelf, allocate
from domain.orders.placing import PlaceOrder, PricedOrder, price


@dataclass(frozen=True)
class Answered:
    """A stored answer; ``replayed`` when an earlier request under the same key made it."""

    order_id: UUID
    body: str
    replayed: bool


ROUTE = "POST /orders"

Decision = Answered | DomainError


async def accept_orders(
    db: AsyncConnection, submissions: Sequence[Submission], payment_window: timedelta
) -> list[Decision]:
    """Accept or refuse each submission, first come first served, inside the caller's transaction.

    No two submissions may share caller and key. A refusal leaves no row of its order. The
    transaction makes 4 round trips, whatever the number of orders.
    """
    ids = [new_id() for _ in submissions]
    earlier = await claim_keys(
        db,
        [
            Claim(asked.caller, asked.key, ROUTE, asked.fingerprint, order_id)
            for asked, order_id in zip(submissions, ids, strict=True)
        ],
    )
    decisions: dict[int, Decision] = {}
    fresh: list[int] = []
    for position, asked in enumerate(submissions):
        known = earlier.get((asked.caller, asked.key))
        if known is None:
            fresh.append(position)
        elif isinstance(known, DomainError):
            decisions[position] = known
        else:
            decisions[position] = Answered(known.resource_id, known.answer, replayed=True)
    if fresh:
        decided = await _accept_fresh(db, [(ids[i], submissions[i]) for i in fresh], payment_window)
        decisions.update(zip(fresh, decided, strict=True))
        refused = [submissions[i] for i in fresh if isinstance(decisions[i], DomainError)]
        if refused:
            await free_keys(db, [(asked.caller, asked.key) for asked in refused])
    return [decisions[position] for position in range(len(submissions))]


async def _accept_fresh(
    db: AsyncConnection, asked: Sequence[tuple[UUID, Submission]], payment_window: timedelta
) -> list[Decision]:
    orders = [submission.order for _, submission in asked]
    reference = await read_reference(
        db,
        customers={order.customer_id for order in orders},
        items={line.item_id for order in orders for line in order.lines if line.item_id},
        skus={line.sku.lower() for order in orders for line in order.lines if line.sku},
        references=[
            (order.source, order.external_reference) for order in orders if order.external_reference
        ],
        orders=len(orders),
    )
    priced: dict[UUID, PricedOrder] = {}
    refusals: dict[UUID, DomainError] = {}
    for order_id, submission in asked:
        try:
            _check_fresh(submission.order, reference.known)
            _check_customer(submission, reference.customers)
            priced[order_id] = price(
                submission.order, reference.listings, may_set_prices=submission.may_set_prices
            )
        except DomainError as refusal:
            refusals[order_id] = refusal
    wanted = {item for one in priced.values() for item in one.demand}
    shelves = await lock_shelves(db, wanted) if wanted else []
    now = datetime.now(UTC)
    accepted: list[OrderRows] = []
    answers: list[StoredAnswer] = []
    for (order_id, submission), number in zip(asked, reference.numbers, strict=True):
        if order_id in refusals:
            continue
        one = priced[order_id]
        try:
            plan = allocate(one.demand, shelves, {line.item_id: line.sku for line in one.lines})
        except DomainError as refusal:
            refusals[order_id] = refusal
            continue
        rows = rows_of(order_id, number, submission, one, plan, shelves, now, now + payment_window)
        shelves = _less(shelves, plan)
        accepted.append(rows)
        answers.append(
            StoredAnswer(caller=submission.caller, key=submission.key, answer=answer_of(rows))
        )
    if accepted:
        await write_orders(db, accepted, answers)
    bodies = {
        rows.order["id"]: stored.answer for rows, stored in zip(accepted, answers, strict=True)
    }
    return [
        refusals.get(order_id) or Answered(order_id, bodies[order_id], replayed=False)
        for order_id, _ in asked
    ]


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


def _less(shelves: Sequence[Shelf], plan: Sequence[Pick]) -> list[Shelf]:
    """Take what one order was promised off the shelves that the next one is offered."""
    taken = {(pick.item_id, pick.location_id): pick.quantity for pick in plan}
    return [
        shelf.model_copy(update={"available": shelf.available - quantity})
        if (quantity := taken.get((shelf.item_id, shelf.location_id)))
        else shelf
        for shelf in shelves
    ]
