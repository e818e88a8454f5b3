"""Warranties end with goods that go back: by unit where it is known, else by their count."""

from dataclasses import replace
from datetime import date
from uuid import UUID

from activities.returns.accepting import request_return
from activities.returns.inspecting import inspect_return
from activities.returns.receiving import receive_return
from activities.warranties.changing import void_warranty
from db.documents import RETURNS
from db.events import add_events
from db.tasks import open_task
from db.warranties.writes import lock_warranty
from domain.documents import Kind
from domain.ids import LineId, OrderId, ReturnId, ReturnLineId, new_id
from domain.policy import Policy
from domain.returns.requests import (
    InspectedUnits,
    InspectReturn,
    ReceivedLine,
    ReceiveReturn,
    RequestReturn,
    ReturnLine,
)
from domain.returns.status import Disposition, ResolutionWanted, ReturnReason, ReturnStatus
from domain.tasks import TaskKind
from domain.warranties.requests import VoidWarranty
from tests.activities.bench import Bench
from tests.activities.promised import (
    arrive,
    days,
    line_of,
    placed,
    sent,
    settle,
    sold,
    term,
    told,
    warranties,
)
from tests.activities.serial_returns import answer, ask_back, inspect, receive

R = Disposition.RESTOCK


async def comes_back(
    bench: Bench, line: UUID, units: int, wants: ResolutionWanted = ResolutionWanted.REFUND
) -> ReturnId:
    """Take units back, all but the last one of them accepted, and settle their return."""
    back = ReturnId(new_id())
    order = await bench.shop.one("SELECT order_id FROM order_lines WHERE id = :id", id=line)
    wanted = ReturnLine(
        order_line_id=LineId(line), quantity=units, reason=ReturnReason.NOT_AS_DESCRIBED
    )
    asked = RequestReturn(order_id=order, lines=(wanted,), resolution_wanted=wants)
    async with bench.shop.books.begin() as db:
        await request_return(db, back, asked, Policy(), actor="support", staff=True)
    row = ReturnLineId(
        await bench.shop.one("SELECT id FROM return_lines WHERE return_id = :id", id=back)
    )
    came = ReceiveReturn(lines=(ReceivedLine(return_line_id=row, quantity=units),))
    async with bench.shop.books.begin() as db:
        await receive_return(db, back, new_id(), came, actor="warehouse")
    seen = [(Disposition.RESTOCK, units - 1), (Disposition.SCRAP, 1)]
    lines = tuple(
        InspectedUnits(
            return_line_id=row,
            quantity=count,
            disposition=disposition,
            accepted=disposition is Disposition.RESTOCK,
        )
        for disposition, count in seen
        if count
    )
    async with bench.shop.books.begin() as db:
        await inspect_return(db, back, InspectReturn(lines=lines), actor="inspector")
    await settle(bench, back)
    return back


async def reopen(bench: Bench, back: UUID) -> None:
    """Open a closed return once more, as goods that turn up do."""
    async with bench.shop.books.begin() as db:
        found = await RETURNS.lock(db, back)
        reopened = RETURNS.moved(found, ReturnStatus.INSPECTED, "tests")
        await RETURNS.change(db, found, status=ReturnStatus.INSPECTED, closed_at=None)
        await add_events(db, [replace(reopened, kind="return.reopened")])


async def test_units_that_went_back_are_under_warranty_no_more(bench: Bench) -> None:
    """Accepted ones alone, once, and of goods without serial numbers what ends first."""
    order, _ = await placed(bench, await term(bench, 3), AUS=2, RNO=3)
    for nth, shipment in enumerate(await bench.shipments(order)):
        await arrive(bench, shipment, f"2031-03-1{nth}")
    first, second = await warranties(bench, order)
    back = await comes_back(bench, await line_of(bench, order), first["quantity"] + 2)
    status = await bench.shop.one("SELECT status FROM returns WHERE id = :id", id=back)
    assert status == "closed"
    assert [
        (row["status"], row["quantity"], row["cancelled"]) for row in await warranties(bench, order)
    ] == [
        ("cancelled", first["quantity"], first["quantity"]),
        ("active", second["quantity"], 1),
    ]
    [_, (what, data, _)] = await told(bench, second["id"])
    assert (what, data["units"], data["return_id"]) == ("cancelled", 1, str(back))
    await reopen(bench, back)
    await settle(bench, back)
    assert [row["cancelled"] for row in await warranties(bench, order)] == [first["quantity"], 1]


async def test_what_replaces_returned_goods_has_a_warranty_of_its_own(bench: Bench) -> None:
    """From its own delivery on; the returned unit has none any more."""
    code = await term(bench, 12)
    order, item = await placed(bench, code, AUS=3)
    [shipment] = await bench.shipments(order)
    await arrive(bench, shipment, "2031-03-10")
    line = await line_of(bench, order)
    await comes_back(bench, line, 2, ResolutionWanted.REPLACEMENT)
    anew = await bench.shop.one(
        "SELECT o.id FROM orders o JOIN order_lines l ON l.order_id = o.id"
        " WHERE o.kind = 'replacement' AND l.item_id = :item",
        item=item,
    )
    await bench.take("authorize_payment", anew)
    [sent] = await bench.shipments(anew)
    await arrive(bench, sent, "2031-05-31")
    back = await bench.shop.one("SELECT replaces_return_id FROM orders WHERE id = :id", id=anew)
    await settle(bench, ReturnId(back))
    [old] = await warranties(bench, order)
    assert (old["status"], old["cancelled"], old["ends_on"]) == ("active", 1, date(2032, 3, 10))
    assert days(await warranties(bench, anew)) == [(1, date(2031, 5, 31), date(2032, 5, 31))]


async def units_back(bench: Bench, order: OrderId, *named: str) -> tuple[ReturnId, UUID]:
    """Let units of an order arrive as a return of their own; nobody has looked at them yet."""
    back, line = await ask_back(bench, order, len(named), *named)
    await receive(bench, back, line, *named)
    return back, line


async def by_serial(bench: Bench, order: OrderId) -> dict[str, str]:
    """Return the status of the warranty on each unit that an order brought."""
    rows = await bench.shop.rows(
        "SELECT u.serial, w.status FROM warranties w JOIN units u ON u.id = w.unit_id"
        " WHERE w.order_id = :id ORDER BY w.id",
        id=order,
    )
    return {row["serial"]: row["status"] for row in rows}


async def test_a_closed_return_ends_the_warranty_of_the_unit_that_it_took(bench: Bench) -> None:
    """Not that of a unit whose own return is still to be inspected."""
    order, _, _ = await sent(bench, await term(bench, 3), 3)
    waiting, kept, taken = await by_serial(bench, order)
    await units_back(bench, order, waiting)
    back, line = await units_back(bench, order, taken)
    await inspect(bench, back, line, R, taken)
    await settle(bench, back)
    assert await by_serial(bench, order) == {waiting: "active", kept: "active", taken: "cancelled"}


async def test_a_unit_that_was_sold_anew_before_its_return_is_closed_ends_its_own_warranty(
    bench: Bench,
) -> None:
    """Its customer bought it once more; that of the unit which was never sent back goes on."""
    order, item, _ = await sent(bench, await term(bench, 3), 2)
    kept, taken = await by_serial(bench, order)
    back, line = await units_back(bench, order, taken)
    await inspect(bench, back, line, R, taken)
    again = await sold(bench, item, [taken], "2031-05-10")
    await settle(bench, back)
    assert await by_serial(bench, order) == {kept: "active", taken: "cancelled"}
    assert await by_serial(bench, again) == {taken: "active"}


async def test_a_unit_that_was_sent_back_rejected_keeps_its_warranty(bench: Bench) -> None:
    """Also where another return of its line has taken a unit."""
    order, _, _ = await sent(bench, await term(bench, 3), 2)
    rejected, taken = await by_serial(bench, order)
    back, line = await units_back(bench, order, rejected, taken)
    await inspect(bench, back, line, Disposition.RETURN_TO_CUSTOMER, rejected)
    await inspect(bench, back, line, R, taken)
    await settle(bench, back)
    await answer(bench, back, "rejected_goods", "sent")
    await settle(bench, back)
    assert await by_serial(bench, order) == {rejected: "active", taken: "cancelled"}
    await reopen(bench, back)
    await settle(bench, back)
    assert await by_serial(bench, order) == {rejected: "active", taken: "cancelled"}


async def test_which_of_several_units_got_lost_is_not_guessed(bench: Bench) -> None:
    """Where it is known, as all of them are gone, their warranties end."""
    for units, became in ((1, "active"), (2, "cancelled")):
        order, _, _ = await sent(bench, await term(bench, 3), 2)
        back, _ = await ask_back(bench, order, units)
        async with bench.shop.books.begin() as db:
            facts = {"order_id": order}
            await open_task(db, TaskKind.RETURN_PARCEL_LOST, Kind.RETURN, back, facts)
        await answer(bench, back, "return_parcel_lost", "refund")
        await settle(bench, back)
        assert list((await by_serial(bench, order)).values()) == [became] * 2
        assert await bench.shop.one("SELECT status FROM returns WHERE id = :id", id=back) == (
            "closed"
        )


async def test_units_whose_warranty_was_void_go_back_before_those_under_a_valid_one(
    bench: Bench,
) -> None:
    """Nobody knows which of two mugs came back: the customer has one, and one valid warranty."""
    order, _ = await placed(bench, await term(bench, 3), AUS=1, RNO=1)
    for nth, shipment in enumerate(await bench.shipments(order)):
        await arrive(bench, shipment, f"2031-03-1{nth}")
    [_, second] = await warranties(bench, order)
    async with bench.shop.books.begin() as db:
        row = await lock_warranty(db, second["id"])
        await void_warranty(db, row, VoidWarranty(reason="altered"), actor="support")
    for status in ("active", "cancelled"):
        back, line = await ask_back(bench, order, 1)
        await receive(bench, back, line, units=1)
        await inspect(bench, back, line, R, units=1)
        await settle(bench, back)
        assert [row["status"] for row in await warranties(bench, order)] == [status, "void"]
