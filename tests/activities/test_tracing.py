"""Traces: a lot or unit leads to its orders and customers, and an order to the receipts."""

from decimal import Decimal
from typing import Any

from activities.work_orders.issuing import issue_parts
from db.documents import WORK_ORDERS
from db.inventory.tracing import Trace, Traced, goods_of_order, trace_back, trace_forward
from db.work_orders.writes import parts_of
from domain.access import Reach
from domain.ids import new_id
from domain.policy import Policy
from domain.work_orders.requests import IssuedPart, IssueParts
from tests.activities.at_bench import begun, finish, put_in, take_out
from tests.activities.bench import Bench
from tests.activities.lotted import sold_milk
from tests.lots import a_milk, lot_id
from tests.units import serials, sold_saws, stock_saws, unit

ELSEWHERE = Reach(source="another")


async def forward(bench: Bench, goods: Traced, reach: Reach | None = None) -> Trace:
    async with bench.shop.books.read() as db:
        return await trace_forward(db, goods, *([reach] if reach else []))


async def back(bench: Bench, goods: Traced) -> list[tuple[Any, ...]]:
    async with bench.shop.books.read() as db:
        found = await trace_back(db, goods)
    return [(row.lot, row.serial, int(row.quantity), row.kind) for row in found.received]


async def test_a_lot_leads_to_what_is_left_of_it_and_to_the_orders_it_left_with(
    bench: Bench,
) -> None:
    milk = await a_milk(bench.shop, a=(5, 30), b=(5, 60))
    first, _ = await sold_milk(bench, milk, 2)
    second, shipment = await sold_milk(bench, milk, 4)
    lot = Traced(lots=[await lot_id(bench.shop, milk, "a")])
    found = await forward(bench, lot)
    told = [(row.order_id, int(row.units), row.lot) for row in found.shipped]
    assert told == [(second, 3, "a"), (first, 2, "a")]
    assert (found.shipped[0].shipment_id, found.shipped[0].customer_id) == (
        shipment,
        bench.shop.customer_id,
    )
    assert (found.stock, found.more) == ([], False)
    other = await forward(bench, Traced(lots=[await lot_id(bench.shop, milk, "b")]))
    assert [(row.site, int(row.on_hand)) for row in other.stock] == [("AUS", 4)]
    hidden = await forward(bench, lot, ELSEWHERE)
    assert hidden.shipped == []


async def test_an_order_leads_to_the_receipts_of_the_lots_that_left_with_it(bench: Bench) -> None:
    milk = await a_milk(bench.shop, a=(2, 30), b=(5, 60), c=(5, 90))
    order, _ = await sold_milk(bench, milk, 3)
    async with bench.shop.books.read() as db:
        goods = await goods_of_order(db, order)
        assert await goods_of_order(db, new_id()) is None
        assert await goods_of_order(db, order, ELSEWHERE) is None
    assert goods is not None
    assert sorted(await back(bench, goods), key=str) == [
        ("a", None, 2, "adjustment"),
        ("b", None, 5, "adjustment"),
    ]


async def test_a_unit_leads_to_its_order_and_an_order_to_its_units(bench: Bench) -> None:
    named = serials(2)
    order, shipment = await sold_saws(bench, *named)
    row = await unit(bench.shop, named[0])
    found = await forward(bench, Traced(units=[row["id"]]))
    assert [(one.order_id, one.shipment_id, one.serial) for one in found.shipped] == [
        (order, shipment, named[0])
    ]
    async with bench.shop.books.read() as db:
        goods = await goods_of_order(db, order)
    assert goods is not None
    received = await back(bench, goods)
    assert {serial for _, serial, _, _ in received} == set(named)


async def test_an_order_leads_to_the_lots_and_components_that_are_built_into_its_units(
    bench: Bench,
) -> None:
    saw, hinge, screw, taken = serials(4)
    glue = await a_milk(bench.shop, used=(5, 30), unused=(5, 60))
    hinges = await stock_saws(bench.shop, hinge, taken)
    screws = await stock_saws(bench.shop, screw)
    on_hinge = await begun(bench.shop, hinge, screws)
    async with bench.shop.books.begin() as db:
        await put_in(db, on_hinge, screw)
    await finish(bench.shop, on_hinge)
    order, _ = await sold_saws(bench, saw)
    work = await begun(bench.shop, saw, hinges, glue)
    async with bench.shop.books.begin() as db:
        await put_in(db, work, taken)
    async with bench.shop.books.begin() as db:
        await take_out(db, work, taken)
        [part] = [each for each in await parts_of(db, work) if not each.issued]
        issued = IssueParts(parts=(IssuedPart(part_id=part.id, quantity=Decimal(1), lot="used"),))
        found = await WORK_ORDERS.lock(db, work)
        await issue_parts(db, found, issued, Policy(), actor="operator")
    await finish(bench.shop, work)
    again = await begun(bench.shop, saw, hinges)
    async with bench.shop.books.begin() as db:
        await put_in(db, again, hinge)
    await finish(bench.shop, again)
    async with bench.shop.books.read() as db:
        goods = await goods_of_order(db, order)
    assert goods is not None
    came = await back(bench, goods)
    assert {serial for _, serial, _, _ in came if serial} == {saw, hinge, screw}
    assert {lot for lot, _, _, _ in came if lot} == {"used"}
