"""Lots that are set aside: nothing of them is promised from then on, whatever happens at once."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from activities.inventory.serving import serve_waiting
from activities.inventory.setting_aside import free_lot, set_aside
from db.idempotency import Answer
from domain.errors import IllegalMove, OutOfStock
from domain.ids import ItemId, OrderId
from domain.lots import LotStatus
from tests.activities.bench import Bench
from tests.activities.lotted import sold_milk
from tests.lots import a_milk, in_days, lot_id, on_hand, promised, stock

Q, R, A = LotStatus.QUARANTINED, LotStatus.RECALLED, LotStatus.AVAILABLE


async def put(bench: Bench, item: ItemId, code: str, target: LotStatus = Q) -> None:
    lot = await lot_id(bench.shop, item, code)
    async with bench.shop.books.begin() as db:
        await set_aside(db, lot, target, "damp", actor="inspector")


async def free(bench: Bench, item: ItemId, code: str, target: LotStatus = A) -> None:
    lot = await lot_id(bench.shop, item, code)
    async with bench.shop.books.begin() as db:
        await free_lot(db, lot, target, "dry", actor="inspector")


async def events(bench: Bench, item: ItemId, code: str) -> list[tuple[str, Any]]:
    lot = await lot_id(bench.shop, item, code)
    rows = await bench.shop.rows(
        "SELECT type, data FROM events WHERE subject_id = :id ORDER BY sequence", id=lot
    )
    return [(row["type"].split(".")[1], row["data"]) for row in rows]


async def tasks(bench: Bench, order: UUID) -> list[Any]:
    rows = await bench.shop.rows(
        "SELECT facts FROM tasks WHERE document_id = :id AND kind = 'lot_set_aside'", id=order
    )
    return [row["facts"] for row in rows]


async def lacking(bench: Bench, order: UUID) -> bool:
    found: bool = await bench.shop.one(
        "SELECT bool_or(short_since IS NOT NULL) FROM order_lines WHERE order_id = :id", id=order
    )
    return found


async def wrong(bench: Bench) -> list[str]:
    """Return the checks of stock that fail."""
    stock = ("I1a", "I1b", "I1c", "I1d", "I1e", "I1g", "I2a", "I2b", "I2c", "I2k", "I16a", "I16b")
    return [found.id for found in await bench.broken() if found.id in stock]


async def lines(bench: Bench, order: OrderId) -> dict[str, int]:
    """Return what the living shipments of an order take along, by lot."""
    rows = await bench.shop.rows(
        "SELECT t.code, sum(x.quantity)::int AS units FROM shipment_lines x"
        " JOIN shipments s ON s.id = x.shipment_id AND s.status NOT IN ('voided', 'cancelled')"
        " JOIN reservations r ON r.id = x.reservation_id JOIN lots t ON t.id = r.lot_id"
        " WHERE s.order_id = :id GROUP BY 1",
        id=order,
    )
    return {row["code"]: row["units"] for row in rows}


@pytest.mark.parametrize("target", [Q, R])
async def test_what_orders_hold_is_swapped_for_the_next_lot_of_the_site(
    target: LotStatus, bench: Bench
) -> None:
    milk = await a_milk(bench.shop, a=(5, 10), b=(1, 20), c=(9, 30))
    order = await bench.shop.place((milk, 3))
    await bench.take("authorize_payment", order)
    [shipment] = await bench.shipments(order)
    await bench.take("book_shipment", shipment)
    for _ in range(2):
        await put(bench, milk, "a", target)
    assert await promised(bench.shop, milk) == {"b": 1, "c": 2}
    assert await lines(bench, order) == {"b": 1, "c": 2}
    assert await tasks(bench, order) == []
    await bench.scan(shipment, "PU")
    await bench.take("hand_over_shipment", shipment)
    assert await on_hand(bench.shop, milk) == {("stock", "a"): 5, ("stock", "c"): 7}
    [_, (what, told)] = await events(bench, milk, "a")
    assert (what, told["reason"], told["swapped"]) == (str(target), "damp", 3)


async def test_what_has_no_other_stock_waits_for_some_and_support_is_told(bench: Bench) -> None:
    """Stock of another site does not count: the goods would leave from elsewhere."""
    milk = await a_milk(bench.shop, a=(5, 10), b=(1, 20))
    await stock(bench.shop, milk, "c", 9, site="RNO", expires_on=in_days(30))
    order = await bench.shop.place((milk, 3))
    await bench.take("authorize_payment", order)
    await bench.shipments(order)
    await put(bench, milk, "a")
    assert await promised(bench.shop, milk) == {"b": 1}
    assert await lines(bench, order) == {"b": 1}
    assert await lacking(bench, order)
    [facts] = await tasks(bench, order)
    assert (facts["units"], facts["labelled"], facts["lot"]) == (2, 0, "a")
    assert await wrong(bench) == []


async def test_what_has_a_label_and_no_other_stock_stays_and_support_is_told(bench: Bench) -> None:
    milk = await a_milk(bench.shop, a=(5, 10))
    order = await bench.shop.place((milk, 2))
    await bench.take("authorize_payment", order)
    [shipment] = await bench.shipments(order)
    await bench.take("book_shipment", shipment)
    await put(bench, milk, "a", R)
    assert await lines(bench, order) == {"a": 2}
    [facts] = await tasks(bench, order)
    assert (facts["units"], facts["labelled"]) == (2, 2)
    assert not await lacking(bench, order)


async def test_what_has_left_stays_as_it_is(bench: Bench) -> None:
    milk = await a_milk(bench.shop, a=(5, 10))
    order, _ = await sold_milk(bench, milk, 2)
    await put(bench, milk, "a", R)
    assert await tasks(bench, order) == []
    assert await on_hand(bench.shop, milk) == {("stock", "a"): 3}


async def test_a_lot_is_freed_step_by_step_and_sold_again(bench: Bench) -> None:
    milk = await a_milk(bench.shop, a=(5, 10))
    await put(bench, milk, "a", R)
    with pytest.raises(IllegalMove):
        await free(bench, milk, "a")
    with pytest.raises(IllegalMove):
        await put(bench, milk, "a", Q)
    for _ in range(2):
        await free(bench, milk, "a", Q)
    [refused] = await bench.shop.ask([bench.shop.submission([(milk, 1)])])
    assert isinstance(refused, OutOfStock)
    for _ in range(2):
        await free(bench, milk, "a")
    with pytest.raises(IllegalMove):
        await free(bench, milk, "a", Q)
    await bench.shop.place((milk, 1))
    happened = [what for what, _ in await events(bench, milk, "a")]
    assert happened == ["created", "recalled", "recall_withdrawn", "released"]


async def test_an_expired_lot_is_not_released(bench: Bench) -> None:
    milk = await a_milk(bench.shop, old=(5, -1))
    await put(bench, milk, "old")
    with pytest.raises(IllegalMove, match="expired"):
        await free(bench, milk, "old")


@pytest.mark.parametrize("round_", range(5))
async def test_the_last_of_a_lot_is_not_promised_while_it_is_set_aside(
    round_: int, bench: Bench
) -> None:
    """Whoever is first: an order that had it is told of, and one that had not is refused."""
    milk = await a_milk(bench.shop, a=(3, 10))
    asked = [bench.shop.ask([bench.shop.submission([(milk, 1)])]) for _ in range(6)]
    both = [*asked[:round_], put(bench, milk, "a"), *asked[round_:]]
    ended = await asyncio.gather(*both)
    placed = [
        each.resource_id
        for answers in ended
        if answers is not None
        for each in answers
        if isinstance(each, Answer)
    ]
    assert len(placed) <= 3
    assert await promised(bench.shop, milk) == {}
    for order in placed:
        assert len(await tasks(bench, order)) == 1
        assert await lacking(bench, order)
    assert await wrong(bench) == []


async def told_sites(bench: Bench) -> set[UUID]:
    """Take what the outbox tells the reviews of sites, and return whose they are."""
    async with bench.shop.books.begin() as db:
        rows = await db.exec_driver_sql(
            "DELETE FROM outbox WHERE document_type = 'site' RETURNING document_id"
        )
        return {row.document_id for row in rows}


async def test_who_waits_for_a_lot_is_served_when_it_is_released(bench: Bench) -> None:
    milk = await a_milk(bench.shop, a=(5, 10))
    order = await bench.shop.place((milk, 2))
    await bench.take("authorize_payment", order)
    await put(bench, milk, "a")
    await told_sites(bench)
    await free(bench, milk, "a")
    assert bench.shop.sites["AUS"] in await told_sites(bench)
    async with bench.shop.books.begin() as db:
        await serve_waiting(db, bench.shop.sites["AUS"])
    assert await promised(bench.shop, milk) == {"a": 2}
    assert not await lacking(bench, order)


async def test_what_another_site_has_is_looked_at_for_what_is_given_up(bench: Bench) -> None:
    milk = await a_milk(bench.shop, a=(5, 10))
    order = await bench.shop.place((milk, 2))
    await bench.take("authorize_payment", order)
    await stock(bench.shop, milk, "c", 9, site="RNO", expires_on=in_days(30))
    await told_sites(bench)
    await put(bench, milk, "a")
    assert bench.shop.sites["RNO"] in await told_sites(bench)
