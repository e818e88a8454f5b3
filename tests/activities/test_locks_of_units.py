"""Units are locked before balances, and all at once: nothing deadlocks with a scan or a receipt."""

import asyncio
from collections.abc import Awaitable, Sequence
from uuid import UUID

from sqlalchemy import text

from activities.orders.changing import change_order
from activities.returns.accepting import request_return
from activities.returns.inspecting import inspect_return
from activities.returns.receiving import finish_receiving, receive_return
from activities.tasks import accept_answer
from db.documents import ORDERS
from db.inventory.units import lock_units
from domain.access import Role
from domain.ids import ItemId, OrderId, ReturnId, ReturnLineId, TaskId, new_id
from domain.orders.requests import Cancellation, OrderChange
from domain.orders.status import CancelReason
from domain.policy import Policy
from domain.returns.requests import (
    InspectedUnits,
    InspectReturn,
    ReceivedLine,
    ReceiveReturn,
    RequestReturn,
    ReturnLine,
)
from domain.returns.status import Disposition, ReturnReason
from domain.shipments.outcomes import BookingOutcome
from domain.tasks import Decision
from tests.activities.bench import Bench
from tests.activities.serial_returns import answer
from tests.patience import eventually
from tests.shop import address
from tests.units import adjust, pick, serials, stock_saws

UNSERVICEABLE = "00000"
BLOCKED = """SELECT count(*) FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database()"""
BALANCES = text("SELECT on_hand FROM balances WHERE item_id = :item FOR UPDATE")


async def behind(
    bench: Bench,
    does: Awaitable[object],
    first: tuple[ItemId, str],
    then: tuple[ItemId, str | None],
) -> None:
    """Lock a unit, let something begin that has to wait for it, and lock another unit or balance.

    Both come to their end, or they deadlock.
    """
    async with bench.shop.books.begin() as db:
        await lock_units(db, first[0], [first[1]])
        waiting = asyncio.ensure_future(does)
        await eventually(lambda: bench.shop.one(BLOCKED))
        item, serial = then
        if serial is None:
            await db.execute(BALANCES, {"item": item})
        else:
            await lock_units(db, item, [serial])
    await waiting


async def two_items(bench: Bench, *sites: str) -> list[tuple[ItemId, str]]:
    """Stock a unit of each of two items; the first is that whose units are locked first."""
    named = serials(2)
    stocked = [(await stock_saws(bench.shop), one) for one in named]
    for (item, serial), site in zip(stocked, sites, strict=True):
        await adjust(bench.shop, item, (serial,), site=site)
    return stocked


async def ordered(bench: Bench, *items: ItemId, postal_code: str = "78701") -> OrderId:
    order = await bench.shop.place(*((item, 1) for item in items), postal_code=postal_code)
    await bench.take("authorize_payment", order)
    return order


async def pick_all(bench: Bench, order: OrderId, stocked: Sequence[tuple[ItemId, str]]) -> None:
    query = """SELECT x.id, x.shipment_id FROM shipment_lines x
        JOIN shipments s ON s.id = x.shipment_id WHERE s.order_id = :order AND x.item_id = :item"""
    for item, serial in stocked:
        [line] = await bench.shop.rows(query, order=order, item=item)
        await pick(bench.shop, line["shipment_id"], serial, line=line["id"])


async def delivered(bench: Bench) -> tuple[list[tuple[ItemId, str]], OrderId]:
    stocked = await two_items(bench, "AUS", "AUS")
    order = await ordered(bench, *(item for item, _ in stocked))
    await pick_all(bench, order, stocked)
    [shipment] = await bench.shipments(order)
    await bench.take("book_shipment", shipment)
    for code, step in (("PU", "hand_over_shipment"), ("DL", "settle_shipment")):
        await bench.scan(shipment, code)
        await bench.take(step, shipment)
    return stocked, order


async def received(
    bench: Bench, order: OrderId, stocked: Sequence[tuple[ItemId, str]]
) -> tuple[ReturnId, list[UUID]]:
    """Return a return of both units that has come, and its lines in the order of their items."""
    lines = await bench.shop.rows(
        "SELECT id, item_id FROM order_lines WHERE order_id = :id ORDER BY item_id", id=order
    )
    wanted = tuple(
        ReturnLine(order_line_id=row["id"], quantity=1, reason=ReturnReason.CHANGED_MIND)
        for row in lines
    )
    back = ReturnId(new_id())
    async with bench.shop.books.begin() as db:
        asked = RequestReturn(order_id=order, lines=wanted)
        await request_return(db, back, asked, Policy(), actor="support", staff=True)
    rows = await bench.shop.rows(
        "SELECT r.id FROM return_lines r JOIN order_lines l ON l.id = r.order_line_id"
        " WHERE r.return_id = :id ORDER BY l.item_id",
        id=back,
    )
    ids = [row["id"] for row in rows]
    came = tuple(
        ReceivedLine(return_line_id=line, quantity=1, serials=(serial,))
        for line, (_, serial) in zip(ids, stocked, strict=True)
    )
    async with bench.shop.books.begin() as db:
        await receive_return(db, back, new_id(), ReceiveReturn(lines=came), actor="warehouse")
    return back, ids


async def refused(bench: Bench) -> tuple[ItemId, str, TaskId]:
    """Return a picked unit whose label is refused, and the question; another parcel goes on."""
    here, there = serials(2)
    item = await stock_saws(bench.shop, here)
    await adjust(bench.shop, item, (there,), site="RNO")
    order = await bench.shop.place((item, 2), postal_code=UNSERVICEABLE)
    await bench.take("authorize_payment", order)
    where = "SELECT s.id FROM shipments s JOIN sites t ON t.id = s.site_id WHERE s.order_id = :id"
    shipment = await bench.shop.one(f"{where} AND t.code = 'AUS'", id=order)
    await pick(bench.shop, shipment, here)
    assert await bench.take("book_shipment", shipment) is BookingOutcome.REFUSED
    task = await bench.shop.one("SELECT id FROM tasks WHERE document_id = :id", id=shipment)
    return item, here, TaskId(task)


async def test_giving_up_a_refused_parcel_waits_for_a_unit_before_it_holds_the_balance(
    bench: Bench,
) -> None:
    item, serial, task = await refused(bench)

    async def give_up() -> None:
        decision = Decision(task_id=task, choice="cancel", note="", actor="staff")
        async with bench.shop.books.begin() as db:
            await accept_answer(db, decision, Role.ADMIN)

    await behind(bench, give_up(), (item, serial), (item, None))


async def test_units_cancelled_on_two_pick_lists_are_all_waited_for_before_any_balance(
    bench: Bench,
) -> None:
    stocked = await two_items(bench, "AUS", "RNO")
    mug = await bench.shop.item(AUS=1)
    order = await ordered(bench, *(item for item, _ in stocked), mug)
    await pick_all(bench, order, stocked)
    for line in (0, 1):
        await bench.shop.cancel_units(order, 1, line)
    await bench.take("withdraw_labels", order)
    (first, _), last = stocked
    await behind(bench, bench.take("cancel_order_lines", order), last, (first, None))


async def test_a_cancelled_order_waits_for_its_units_in_the_order_of_their_items(
    bench: Bench,
) -> None:
    stocked = await two_items(bench, "RNO", "AUS")
    order = await ordered(bench, *(item for item, _ in stocked))
    await pick_all(bench, order, stocked)
    cancellation = Cancellation(
        order_id=order, reason=CancelReason.CUSTOMER_REQUEST, actor="customer"
    )
    assert await bench.take("recall_shipments", order)
    await behind(bench, bench.take("cancel_order", cancellation), *stocked)
    await bench.take("void_payment", order)


async def test_another_address_waits_for_units_in_the_order_of_their_items(bench: Bench) -> None:
    stocked = await two_items(bench, "RNO", "AUS")
    order = await ordered(bench, *(item for item, _ in stocked))
    await pick_all(bench, order, stocked)

    async def redirect() -> None:
        async with bench.shop.books.begin() as db:
            row = await ORDERS.lock(db, order)
            await change_order(db, row, OrderChange(ship_to=address("89501")), "support")

    await behind(bench, redirect(), *stocked)


async def test_an_inspection_waits_for_units_in_the_order_of_their_items(bench: Bench) -> None:
    stocked, order = await delivered(bench)
    back, lines = await received(bench, order, stocked)

    async def inspect() -> None:
        units = tuple(
            InspectedUnits(
                return_line_id=ReturnLineId(line),
                quantity=1,
                disposition=Disposition.REFURBISH,
                accepted=True,
                serials=(serial,),
            )
            for line, (_, serial) in zip(lines[::-1], stocked[::-1], strict=True)
        )
        async with bench.shop.books.begin() as db:
            await inspect_return(db, back, InspectReturn(lines=units), actor="inspector")

    await behind(bench, inspect(), *stocked)
    await bench.take("settle_return", back)
    await behind(bench, answer(bench, back, "refurbishment", "restock"), *stocked)


async def test_goods_lost_on_their_way_are_waited_for_in_the_order_of_their_items(
    bench: Bench,
) -> None:
    stocked = await two_items(bench, "AUS", "AUS")
    order = await ordered(bench, *(item for item, _ in stocked[::-1]))
    await pick_all(bench, order, stocked)
    [shipment] = await bench.shipments(order)
    await bench.take("book_shipment", shipment)
    for code, step in (("PU", "hand_over_shipment"), ("RT", "settle_shipment")):
        await bench.scan(shipment, code)
        await bench.take(step, shipment)
    query = "SELECT id FROM returns WHERE shipment_id = :id"
    back = ReturnId(await bench.shop.one(query, id=shipment))

    async def finish() -> None:
        async with bench.shop.books.begin() as db:
            await finish_receiving(db, back, actor="warehouse")

    await behind(bench, finish(), *stocked)
