"""Serving who waits for stock: in order, in parallel, and never more than there is."""

import asyncio
from datetime import date
from random import Random

import pytest

from db.inventory.demand import SERVABLE
from domain.documents import Kind
from domain.errors import DomainError
from domain.ids import OrderId
from domain.orders.requests import Cancellation
from domain.orders.status import CancelReason
from tests.activities.awaited import lacking, receive, waiting
from tests.activities.bench import Bench

STOPPED = CancelReason.CUSTOMER_REQUEST


async def told(bench: Bench) -> list[str]:
    """Return the sites whose reviews are to hear of new stock, and forget that."""
    rows = await bench.shop.rows(
        "SELECT s.code FROM outbox o JOIN sites s ON s.id = o.document_id"
        " WHERE o.document_type = :site ORDER BY o.id",
        site=Kind.SITE,
    )
    await bench.shop.rows(
        "DELETE FROM outbox WHERE document_type = :site RETURNING id", site=Kind.SITE
    )
    return [row["code"] for row in rows]


async def test_stock_is_told_of_only_where_somebody_waits_for_it(bench: Bench) -> None:
    mug, cap = await bench.shop.backorderable(), await bench.shop.backorderable(AUS=2)
    order = await waiting(bench, mug, 1)
    holder = await waiting(bench, cap, 2)
    await told(bench)
    await receive(bench.shop, cap, 5)
    assert await told(bench) == []
    await receive(bench.shop, mug, 1, "RNO")
    assert await told(bench) == ["RNO"]
    await bench.take("serve_waiting", bench.shop.sites["RNO"])
    assert await lacking(bench.shop, order) == 0
    await receive(bench.shop, mug, 1, "RNO")
    await bench.shop.cancel_units(holder, 2)
    assert await told(bench) == []


async def test_what_is_given_back_is_told_of(bench: Bench) -> None:
    mug = await bench.shop.backorderable(AUS=2)
    holder = await bench.shop.place((mug, 2), token=None)
    await waiting(bench, mug, 1)
    await told(bench)
    await bench.shop.cancel_units(holder, 1)
    assert await told(bench) == ["AUS"]


async def test_who_is_confirmed_after_the_stock_came_is_served_too(bench: Bench) -> None:
    mug = await bench.shop.backorderable()
    order = await bench.shop.place((mug, 1), waits=True)
    await receive(bench.shop, mug, 1)
    assert await told(bench) == []
    await bench.take("authorize_payment", order)
    assert await told(bench) == ["AUS"]


async def test_the_last_unit_is_given_once_to_a_new_order_or_to_who_waits(bench: Bench) -> None:
    for _ in range(8):
        mug = await bench.shop.backorderable()
        order = await waiting(bench, mug, 1)
        await receive(bench.shop, mug, 1)
        site = bench.shop.sites["AUS"]
        fresh = [bench.shop.ask([bench.shop.submission([(mug, 1)])]) for _ in range(3)]
        serving = [bench.take("serve_waiting", site) for _ in range(3)]
        *decided, _, _, _ = await asyncio.gather(*fresh, *serving)
        placed = sum(not isinstance(decision, DomainError) for [decision] in decided)
        assert placed + (1 - await lacking(bench.shop, order)) == 1
        assert await bench.shop.stock(mug) == (1, 1)


async def test_the_urgent_one_is_served_first_then_the_one_that_was_promised_earlier(
    bench: Bench,
) -> None:
    mug = await bench.shop.backorderable()
    first = await waiting(bench, mug, 1)
    later = await waiting(bench, mug, 1, promised_on=date(2031, 3, 14))
    sooner = await waiting(bench, mug, 1, promised_on=date(2031, 3, 7))
    urgent = await waiting(bench, mug, 1, priority=1)
    served = []
    while left := [o for o in (first, later, sooner, urgent) if await lacking(bench.shop, o)]:
        await receive(bench.shop, mug, 1)
        await bench.take("serve_waiting", bench.shop.sites["AUS"])
        served += [order for order in left if not await lacking(bench.shop, order)]
    assert served == [urgent, sooner, later, first]


async def test_an_order_that_is_cancelled_meanwhile_keeps_nothing(bench: Bench) -> None:
    for _ in range(8):
        mug = await bench.shop.backorderable()
        first, second = [await waiting(bench, mug, 2) for _ in range(2)]
        await receive(bench.shop, mug, 2)
        site = bench.shop.sites["AUS"]
        gone = Cancellation(order_id=first, reason=STOPPED, actor="customer")
        await asyncio.gather(
            bench.take("cancel_order", gone),
            *(bench.take("serve_waiting", site) for _ in range(3)),
        )
        await bench.take("serve_waiting", site)
        assert await lacking(bench.shop, second) == 0
        assert await bench.shop.stock(mug) == (2, 2)


async def test_reviews_of_two_sites_at_once_give_no_line_more_than_it_lacks(bench: Bench) -> None:
    for _ in range(8):
        mug, cap = await bench.shop.backorderable(), await bench.shop.backorderable()
        order = await bench.shop.place((mug, 2), (cap, 2), waits=True)
        await bench.take("authorize_payment", order)
        for site in ("AUS", "RNO"):
            await receive(bench.shop, mug, 2, site)
            await receive(bench.shop, cap, 1, site)
        await asyncio.gather(
            *(bench.take("serve_waiting", site) for site in bench.shop.sites.values())
        )
        assert await lacking(bench.shop, order) == 0
        assert await bench.shop.stock(mug) == (4, 2)
        assert await bench.shop.stock(cap) == (2, 2)


async def test_more_than_one_transaction_serves_are_served_by_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.inventory.serving.DOCUMENTS_A_TIME", 2)
    mug = await bench.shop.backorderable()
    orders = [await waiting(bench, mug, 1) for _ in range(5)]
    site = bench.shop.sites["AUS"]
    # Others that wait in the same books are served before.
    while (await bench.take("serve_waiting", site)).again:
        pass
    await receive(bench.shop, mug, 4)
    assert [(await bench.take("serve_waiting", site)).again for _ in range(2)] == [True, False]
    assert [await lacking(bench.shop, order) for order in orders] == [0, 0, 0, 0, 1]


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_nobody_is_passed_over_and_nothing_is_sold_twice(
    bench: Bench, seed: int
) -> None:
    """Orders, arrivals, cancellations and reviews in any order, several at once."""
    rng = Random(seed)
    items = [await bench.shop.backorderable(AUS=rng.randint(1, 2)) for _ in range(2)]
    orders: list[OrderId] = []

    async def place() -> None:
        lines = [(item, rng.randint(1, 4)) for item in rng.sample(items, rng.randint(1, 2))]
        order = await bench.shop.place(*lines, waits=True)
        await bench.take("authorize_payment", order)
        orders.append(order)

    async def come() -> None:
        await receive(bench.shop, rng.choice(items), rng.randint(1, 3), rng.choice(["AUS", "RNO"]))

    async def review() -> None:
        sites = bench.shop.sites.values()
        await asyncio.gather(*(bench.take("serve_waiting", site) for site in sites))

    async def cancel_units() -> None:
        if orders:
            try:
                await bench.shop.cancel_units(rng.choice(orders), 1)
            except DomainError:
                return

    async def cancel() -> None:
        if orders:
            gone = Cancellation(order_id=rng.choice(orders), reason=STOPPED, actor="customer")
            await bench.take("cancel_order", gone)

    moves = [place, place, come, come, review, cancel_units, cancel]
    for _ in range(12):
        await asyncio.gather(*(rng.choice(moves)() for _ in range(rng.randint(1, 3))))
    await review()
    await review()
    # Whoever lacks something of an item lacks what nobody has.
    assert await bench.shop.rows(SERVABLE) == []
    for item in items:
        rows = await bench.shop.rows(
            "SELECT l.short_since IS NOT NULL AS short FROM order_lines l"
            " JOIN orders o ON o.id = l.order_id"
            " WHERE l.item_id = :item AND o.status = 'confirmed'"
            " AND o.cancel_requested_at IS NULL",
            item=item,
        )
        on_hand, reserved = await bench.shop.stock(item)
        assert reserved <= on_hand
        assert reserved == on_hand or not any(row["short"] for row in rows)
