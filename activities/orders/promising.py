"""Promising stock to orders that are being accepted: first come, first served, each or none of it.

What was held by hand for too long is let go before an order is refused for it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.orders.rows import Submission, reserve
from db.idempotency import Answer, Claim
from db.inventory.reservations import end_expired, lock_expired
from db.orders.accept import OrderRows, lock_shelves
from domain.errors import AlreadyExists, DomainError, OutOfStock
from domain.ids import ItemId
from domain.inventory import Shelf, allocate
from domain.orders.placing import PlaceOrder
from domain.orders.pricing import PricedOrder

Decision = Answer | DomainError
Writer = Callable[[OrderRows, Submission], str]
"""Writes the answer of a fresh order; called before its stock is reserved."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An order that lacks nothing but its stock."""

    submission: Submission
    priced: PricedOrder
    rows: OrderRows
    answer: Answer
    may_wait: frozenset[ItemId]
    """The items of which it waits for what is missing."""

    @property
    def demand(self) -> dict[ItemId, int]:
        """How many units of each item it wants."""
        return self.priced.demand

    @property
    def key(self) -> dict[str, Any] | None:
        """The request's row of the idempotency record, if it has a claim."""
        claim = self.submission.claim
        return None if claim is None else _key(claim, self.answer)


@dataclass(frozen=True, slots=True)
class _Lacking:
    """An order that there is no stock for, as it seems."""

    draft: Draft
    refusal: OutOfStock


Outcome = Decision | Draft | _Lacking


async def promise_stock(
    db: AsyncConnection,
    decided: Sequence[Decision | Draft],
    known: dict[tuple[str, str], UUID],
    write: Writer,
) -> list[Decision | Draft]:
    """Reserve the stock of each order, or refuse it, in their turn; the shelves are locked."""
    drafts = [one for one in decided if isinstance(one, Draft)]
    # As little as possible is left to be done while others wait for the shelves.
    skus = {line.item_id: line.sku for draft in drafts for line in draft.priced.lines}
    shelves = await lock_shelves(db, skus)
    found = [_reserve_or_refuse(one, shelves, known, write) for one in decided]
    lacking = [one.draft for one in found if isinstance(one, _Lacking)]
    if lacking and await _end_expired(db, lacking, shelves):
        shelves = await lock_shelves(db, skus)
        _take_again(shelves, found)
        found = [_try_again(one, shelves, known, write) for one in found]
    return [one.refusal if isinstance(one, _Lacking) else one for one in found]


async def _end_expired(
    db: AsyncConnection, lacking: Iterable[Draft], shelves: Mapping[ItemId, Iterable[Shelf]]
) -> bool:
    """End what is held too long at the locked shelves, not elsewhere: that would lock more."""
    items = {item for draft in lacking for item in draft.demand}
    places = {shelf.location_id for each in shelves.values() for shelf in each}
    expired = await lock_expired(db, items, places)
    await end_expired(db, expired)
    return bool(expired)


def _reserve_or_refuse(
    one: Decision | Draft,
    shelves: dict[ItemId, list[Shelf]],
    known: dict[tuple[str, str], UUID],
    write: Writer,
) -> Outcome:
    if not isinstance(one, Draft):
        return one
    try:
        return _reserve_stock(one, shelves, known, write)
    except OutOfStock as refusal:
        return _Lacking(one, refusal)
    except DomainError as refusal:
        return refusal


def _try_again(
    one: Outcome,
    shelves: dict[ItemId, list[Shelf]],
    known: dict[tuple[str, str], UUID],
    write: Writer,
) -> Outcome:
    if not isinstance(one, _Lacking):
        return one
    return _reserve_or_refuse(one.draft, shelves, known, write)


def _take_again(shelves: dict[ItemId, list[Shelf]], found: Iterable[Outcome]) -> None:
    """Take off fresh shelves what orders were promised that are not written yet."""
    for one in found:
        for each in one.rows.reservations if isinstance(one, Draft) else ():
            shelves[each["item_id"]] = _less(shelves[each["item_id"]], [each])


def _reserve_stock(
    draft: Draft,
    shelves: dict[ItemId, list[Shelf]],
    known: dict[tuple[str, str], UUID],
    write: Writer,
) -> Draft:
    """Reserve the stock of one order, which the next ones then no longer find.

    Where some of it has to wait, its answer says so.
    """
    order = draft.submission.order
    check_fresh(order, known)
    demand = draft.demand
    offered = [shelf for item in demand for shelf in shelves[item]]
    skus = {line.item_id: line.sku for line in draft.priced.lines}
    plan = allocate(demand, offered, skus, draft.may_wait)
    reserve(draft.rows, draft.priced, plan, offered)
    for item in demand:
        shelves[item] = _less(shelves[item], draft.rows.reservations)
    if order.external_reference:
        known[order.origin, order.external_reference] = draft.submission.order_id
    if draft.may_wait and any(line["short_since"] for line in draft.rows.lines):
        body = write(draft.rows, draft.submission)
        return replace(draft, answer=replace(draft.answer, body=body))
    return draft


def check_fresh(order: PlaceOrder, known: Mapping[tuple[str, str], UUID]) -> None:
    """Raise AlreadyExists for an order that its source has placed before."""
    earlier = known.get((order.origin, order.external_reference or ""))
    if earlier is not None:
        raise AlreadyExists(
            f"{order.origin} has placed {order.external_reference} before", id=str(earlier)
        )


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


def _less(shelves: Sequence[Shelf], reserved: Iterable[Mapping[str, Any]]) -> list[Shelf]:
    """Take what one order was promised off one item's shelves."""
    taken: Counter[tuple[UUID, UUID, UUID | None]] = Counter()
    for each in reserved:
        taken[each["item_id"], each["location_id"], each.get("lot_id")] += each["quantity"]
    return [
        replace(shelf, available=shelf.available - quantity)
        if (quantity := taken[shelf.item_id, shelf.location_id, shelf.lot_id])
        else shelf
        for shelf in shelves
    ]
