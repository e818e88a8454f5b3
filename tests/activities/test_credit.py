"""Credit under competition: confirmed at once, changed meanwhile, tried again, never lost."""

import asyncio

from sqlalchemy import text

from activities.customers.changing import apply_change
from db.customers import get_customer
from domain.customers import CustomerChange, CustomerStatus
from domain.ids import CustomerId
from domain.money import Money
from tests.activities.bench import Bench
from tests.aging import sweep

TOTAL = 3200


async def _change(bench: Bench, customer: CustomerId, change: CustomerChange) -> None:
    async with bench.shop.books.begin() as db:
        row = await get_customer(db, customer, to_change=True)
        await apply_change(db, row, change, actor="finance")


async def _count(bench: Bench, customer: CustomerId, status: str) -> int:
    query = "SELECT count(*) FROM orders WHERE customer_id = :id AND status = :status"
    return int(await bench.shop.one(query, id=customer, status=status))


async def test_of_many_orders_at_once_as_many_are_confirmed_as_the_limit_covers(
    bench: Bench,
) -> None:
    """Customers 6: each on a connection of its own; the others are held, with the numbers."""
    customer = await bench.shop.buyer(3 * TOTAL)
    orders = [await bench.shop.on_terms(customer) for _ in range(8)]
    await asyncio.gather(*(bench.take("authorize_payment", order) for order in orders))
    assert await _count(bench, customer, "confirmed") == 3
    notes = await bench.shop.rows(
        "SELECT h.note FROM holds h JOIN orders o ON o.id = h.document_id"
        " WHERE o.customer_id = :id AND h.reason = 'credit_limit'",
        id=customer,
    )
    assert len(notes) == 5
    assert all("the limit is 96.00 USD" in each["note"] for each in notes)


async def test_no_detour_over_a_cancellation_and_a_new_order_gets_around_the_limit(
    bench: Bench,
) -> None:
    """Customers 6."""
    customer = await bench.shop.buyer(TOTAL)
    first, second = [await bench.shop.on_terms(customer) for _ in range(2)]
    for order in (first, second):
        await bench.take("authorize_payment", order)
    await bench.shop.cancel_units(second, 1)
    third = await bench.shop.on_terms(customer)
    await bench.take("authorize_payment", third)
    assert await _count(bench, customer, "confirmed") == 1


async def test_a_step_that_is_taken_again_confirms_and_holds_once(bench: Bench) -> None:
    customer = await bench.shop.buyer(TOTAL)
    for _ in range(2):
        order = await bench.shop.on_terms(customer)
        await bench.take("authorize_payment", order)
        once = await bench.everything()
        await bench.take("authorize_payment", order, attempt=2)
        assert await bench.everything() == once


async def test_a_customer_is_suspended_while_its_orders_are_confirmed(bench: Bench) -> None:
    """Both lock the customer first: no deadlock, and what was not confirmed stays."""
    customer = await bench.shop.buyer(9 * TOTAL)
    orders = [await bench.shop.on_terms(customer) for _ in range(4)]
    suspended = CustomerChange(status=CustomerStatus.SUSPENDED)
    await asyncio.gather(
        *(bench.take("authorize_payment", order) for order in orders),
        _change(bench, customer, suspended),
    )
    query = (
        "SELECT count(*) FROM holds h JOIN orders o ON o.id = h.document_id"
        " WHERE o.customer_id = :id AND h.reason = 'manual'"
    )
    assert await bench.shop.one(query, id=customer) == 4


async def test_credit_that_became_free_unheard_is_found_by_the_sweep(bench: Bench) -> None:
    """A signal that met a check which had begun before: the order is not forgotten."""
    customer = await bench.shop.buyer(0)
    small, large = await bench.shop.on_terms(customer), await bench.shop.on_terms(customer, 2)
    for order in (small, large):
        await bench.take("authorize_payment", order)
    more = Money(amount=TOTAL, currency="USD")
    await _change(bench, customer, CustomerChange(credit_limit=more))
    waiting = "DELETE FROM outbox WHERE document_id IN (:small, :large) RETURNING document_id"
    async with bench.shop.books.begin() as db:
        await db.execute(text(waiting), {"small": small, "large": large})
    await sweep(bench, "credit")
    query = "SELECT count(*) FROM outbox WHERE document_id = :id AND kind = 'signal'"
    assert await bench.shop.one(query, id=small) >= 1
    assert await bench.shop.one(query, id=large) == 0
    await bench.take("authorize_payment", small)
    assert await _count(bench, customer, "confirmed") == 1
