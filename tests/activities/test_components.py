"""Components of units: whose they are once they are taken out, and when they were where."""

import pytest
from sqlalchemy import text

from activities.work_orders.releasing import cancel_work_order
from db.documents import WORK_ORDERS
from domain.errors import IllegalMove
from domain.ids import ItemId
from domain.returns.status import Disposition
from domain.work_orders.requests import CancelWork
from domain.work_orders.status import Removed, UnitTo
from tests.activities.at_bench import begin, begun, finish, planned, put_in, take_out
from tests.activities.bench import Bench
from tests.activities.serial_returns import ask_back, inspect, receive
from tests.activities.supplied_lives import OVERLAPPING
from tests.units import serials, sold_saws, stock_saws, unit


async def theirs(bench: Bench, saw: str, component: str) -> ItemId:
    """Sell a unit, and put a component into it."""
    await sold_saws(bench, saw)
    hinge = await stock_saws(bench.shop, component)
    work = await begun(bench.shop, saw, hinge)
    async with bench.shop.books.begin() as db:
        await put_in(db, work, component)
    await finish(bench.shop, work)
    return hinge


async def test_what_is_taken_out_of_a_customers_unit_is_not_put_up_for_sale(bench: Bench) -> None:
    """Work orders R4: it stays the customer's."""
    saw, component = serials(2)
    await theirs(bench, saw, component)
    work = await begun(bench.shop, saw)
    with pytest.raises(IllegalMove, match="customer"):
        async with bench.shop.books.begin() as db:
            await take_out(db, work, component, Removed.RESTOCK)
    async with bench.shop.books.begin() as db:
        await take_out(db, work, component)
    await finish(bench.shop, work)
    kept = await unit(bench.shop, component)
    assert (kept["status"], kept["ownership"]) == ("quarantined", "customer")


async def test_a_customers_component_that_is_mended_is_not_put_up_for_sale(bench: Bench) -> None:
    saw, component = serials(2)
    await theirs(bench, saw, component)
    work = await begun(bench.shop, saw)
    async with bench.shop.books.begin() as db:
        await take_out(db, work, component)
    await finish(bench.shop, work)
    await finish(bench.shop, await begun(bench.shop, component))
    assert (await unit(bench.shop, component))["status"] == "quarantined"
    given_up = await begun(bench.shop, component)
    cancel = CancelWork(reason="too dear", unit_to=UnitTo.STOCK)
    async with bench.shop.books.begin() as db:
        await cancel_work_order(db, await WORK_ORDERS.lock(db, given_up), cancel, actor="planner")
    kept = await unit(bench.shop, component)
    assert (kept["status"], kept["ownership"]) == ("quarantined", "customer")


async def test_a_component_of_a_unit_that_was_bought_back_is_the_houses_own(bench: Bench) -> None:
    """The work was planned while a customer had the unit; whose it is now counts."""
    saw, old, new = serials(3)
    order, _ = await sold_saws(bench, saw)
    hinge = await stock_saws(bench.shop, old, new)
    work = await begun(bench.shop, saw, hinge)
    async with bench.shop.books.begin() as db:
        await put_in(db, work, old)
    await finish(bench.shop, work)
    later = await planned(bench.shop, saw)
    back, line = await ask_back(bench, order, 1, saw)
    await receive(bench, back, line, saw)
    await inspect(bench, back, line, Disposition.RESTOCK, saw)
    await bench.take("settle_return", back)
    await begin(bench.shop, later)
    async with bench.shop.books.begin() as db:
        await take_out(db, later, old)
    await finish(bench.shop, later)
    assert (await unit(bench.shop, old))["ownership"] == "own"


async def test_a_place_in_a_unit_has_one_component_at_any_moment(bench: Bench) -> None:
    """Also if the request that puts one in began before that which takes the other out."""
    saw, old, new = serials(3)
    await stock_saws(bench.shop, saw)
    hinge = await stock_saws(bench.shop, old, new)
    work = await begun(bench.shop, saw, hinge, hinge)
    async with bench.shop.books.begin() as db:
        await put_in(db, work, old)
    async with bench.shop.books.begin() as early:
        await early.execute(text("SELECT now()"))
        async with bench.shop.books.begin() as late:
            await take_out(late, work, old)
        await put_in(early, work, new)
    await finish(bench.shop, work)
    assert await bench.shop.rows(OVERLAPPING) == []
