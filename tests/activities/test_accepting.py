"""What is accepted below HTTP: by a step of a run in its own transaction, and once."""

import asyncio

import pytest
from sqlalchemy.exc import IntegrityError
from temporalio import activity
from temporalio.testing import ActivityEnvironment

from activities.inventory.accepting import create_site
from activities.orders.accepting import place_order
from activities.orders.rows import Submission
from db.engine import Database
from domain.errors import AlreadyExists, Malformed, OutOfStock
from domain.ids import CustomerId, ItemId, OrderId, derived_id, new_id
from domain.inventory import CreateSite
from domain.money import Money
from domain.orders.placing import LineRequest, PlaceOrder
from domain.orders.status import OrderStatus
from domain.policy import Policy
from domain.value import Value
from tests.activities.bench import Bench
from tests.shop import address
from tests.storefront import PLACES

NOTHING = Money(amount=0, currency="USD")


class Replacement(Value):
    parent: OrderId
    customer_id: CustomerId
    item_id: ItemId
    may_set_prices: bool = True

    @property
    def order_id(self) -> OrderId:
        return OrderId(derived_id(self.parent, "replacement"))


class Replacing:
    """Sends an item once more, at no price."""

    def __init__(self, books: Database) -> None:
        self._books = books

    @activity.defn
    async def replace_item(self, wanted: Replacement) -> str:
        order = PlaceOrder(
            customer_id=wanted.customer_id,
            lines=(LineRequest(item_id=wanted.item_id, quantity=1, unit_price=NOTHING),),
            ship_to=address(),
            tax=NOTHING,
            shipping=NOTHING,
        )
        submission = Submission(
            wanted.order_id, order, actor="system", may_set_prices=wanted.may_set_prices
        )
        async with self._books.begin() as db:
            return await place_order(db, submission, Policy())


async def taken(bench: Bench, wanted: Replacement) -> str:
    """Take the step as a worker would."""
    number: str = await ActivityEnvironment().run(Replacing(bench.shop.books).replace_item, wanted)
    return number


async def a_replacement(bench: Bench, **stock: int) -> Replacement:
    item = await bench.shop.item(**stock)
    parent = await bench.placed()
    return Replacement(parent=parent, customer_id=bench.shop.customer_id, item_id=item)


async def rows_of(bench: Bench, order: OrderId) -> dict[str, int]:
    """Return how many rows an order has where it must have exactly one."""
    [found] = await bench.shop.rows(
        "SELECT (SELECT count(*) FROM orders WHERE id = :id) AS orders,"
        " (SELECT count(*) FROM order_lines WHERE order_id = :id) AS lines,"
        " (SELECT count(*) FROM reservations WHERE document_id = :id) AS reservations,"
        " (SELECT count(*) FROM events WHERE subject_id = :id AND type = 'order.placed.v1')"
        " AS events, (SELECT count(*) FROM outbox WHERE document_id = :id) AS starts",
        id=order,
    )
    return dict(found)


async def test_a_step_that_is_taken_twice_places_one_order(bench: Bench) -> None:
    wanted = await a_replacement(bench, AUS=5)
    first = await taken(bench, wanted)
    assert await taken(bench, wanted) == first
    assert set((await rows_of(bench, wanted.order_id)).values()) == {1}
    assert await bench.shop.stock(wanted.item_id) == (5, 1)
    keys = "SELECT count(*) FROM idempotency_keys WHERE resource_id = :id"
    assert await bench.shop.one(keys, id=wanted.order_id) == 0


async def test_of_attempts_in_a_race_one_places_the_order_and_the_retries_find_it(
    bench: Bench,
) -> None:
    wanted = await a_replacement(bench, AUS=9)
    answers = await asyncio.gather(
        *(taken(bench, wanted) for _ in range(6)), return_exceptions=True
    )
    numbers = {answer for answer in answers if isinstance(answer, str)}
    assert len(numbers) == 1
    assert all(isinstance(answer, str | IntegrityError) for answer in answers)
    assert {await taken(bench, wanted)} == numbers
    assert set((await rows_of(bench, wanted.order_id)).values()) == {1}
    assert await bench.shop.stock(wanted.item_id) == (9, 1)


async def test_an_order_that_costs_nothing_is_confirmed_without_a_payment(bench: Bench) -> None:
    wanted = await a_replacement(bench, AUS=1)
    await taken(bench, wanted)
    [row] = await bench.shop.rows(
        "SELECT total_amount, payment_method FROM orders WHERE id = :id", id=wanted.order_id
    )
    assert row == {"total_amount": 0, "payment_method": "none"}
    progress = await bench.take("authorize_payment", wanted.order_id)
    assert progress.status is OrderStatus.CONFIRMED
    assert await bench.moved(wanted.order_id) == {}


async def test_a_step_that_may_not_set_prices_is_refused_and_leaves_nothing(bench: Bench) -> None:
    wanted = await a_replacement(bench, AUS=1)
    with pytest.raises(Malformed):
        await taken(bench, wanted.model_copy(update={"may_set_prices": False}))
    assert set((await rows_of(bench, wanted.order_id)).values()) == {0}


async def test_a_step_is_told_that_there_is_no_stock_and_may_try_again_later(bench: Bench) -> None:
    wanted = await a_replacement(bench)
    with pytest.raises(OutOfStock):
        await taken(bench, wanted)
    assert set((await rows_of(bench, wanted.order_id)).values()) == {0}


async def test_a_site_is_created_with_its_event_and_its_code_belongs_to_it_alone(
    bench: Bench,
) -> None:
    site = CreateSite(code="NEW", name="New", address=address(), locations=PLACES)
    first = new_id()
    async with bench.shop.books.begin() as db:
        await create_site(db, first, site, actor="planner")
    with pytest.raises(AlreadyExists) as refused:
        async with bench.shop.books.begin() as db:
            await create_site(db, new_id(), site, actor="planner")
    assert refused.value.extensions == {"id": str(first)}
    events = await bench.shop.rows("SELECT type, actor FROM events WHERE subject = 'NEW'")
    assert events == [{"type": "site.created.v1", "actor": "planner"}]
    [sold_from] = await bench.shop.rows(
        "SELECT code FROM locations WHERE site_id = :id AND sellable", id=first
    )
    assert sold_from == {"code": "A-1"}
