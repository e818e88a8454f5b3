"""Warranties begin with a delivery, once, and end with goods that go back."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from activities.returns.accepting import request_return
from activities.returns.inspecting import inspect_return
from activities.returns.receiving import receive_return
from db.documents import RETURNS
from db.events import add_events
from domain.ids import LineId, ReturnId, ReturnLineId, new_id
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
from domain.warranties.terms import WarrantyStart
from tests.activities.bench import Bench
from tests.activities.promised import (
    arrive,
    delivered,
    line_of,
    placed,
    sell_with,
    term,
    told,
    warranties,
)
from tests.aging import sweep_once

TODAY = datetime.now(UTC).date()


def days(rows: Iterable[Mapping[str, Any]]) -> list[Any]:
    return [(row["quantity"], row["starts_on"], row["ends_on"]) for row in rows]


async def test_each_delivery_of_a_line_registers_one_warranty_however_often_it_is_told(
    bench: Bench,
) -> None:
    """WAR-03: two units on the 10th, one on the 12th; the carrier repeats itself."""
    order, _ = await placed(bench, await term(bench, 3), AUS=2, RNO=1)
    rows = await bench.shop.rows(
        "SELECT l.shipment_id AS id FROM shipment_lines l JOIN shipments s ON s.id = l.shipment_id"
        " WHERE s.order_id = :id ORDER BY l.quantity DESC",
        id=order,
    )
    first, second = (row["id"] for row in rows)
    await arrive(bench, first, "2031-03-10")
    await arrive(bench, second, "2031-03-12")
    for shipment in (first, second, first):
        await bench.scan(shipment, "DL")
        await bench.take("settle_shipment", shipment)
    found = await warranties(bench, order)
    assert days(found) == [
        (2, date(2031, 3, 10), date(2031, 6, 10)),
        (1, date(2031, 3, 12), date(2031, 6, 12)),
    ]
    for row in found:
        [(what, data, actor)] = await told(bench, row["id"])
        assert (what, actor, data["quantity"]) == ("registered", "system", row["quantity"])
        assert data["ends_on"] == str(row["ends_on"])


@pytest.mark.parametrize(
    ("on", "months", "end"),
    [
        ("2031-01-31", 1, "2031-02-28"),
        ("2032-01-31", 1, "2032-02-29"),
        ("2032-02-29", 12, "2033-02-28"),
        ("2032-02-29", 48, "2036-02-29"),
    ],
)
async def test_a_warranty_ends_where_its_last_month_ends(
    bench: Bench, on: str, months: int, end: str
) -> None:
    """WAR-01."""
    order, _ = await delivered(bench, await term(bench, months), on)
    [found] = await warranties(bench, order)
    assert str(found["ends_on"]) == end


async def test_a_lifetime_has_no_last_day(bench: Bench) -> None:
    order, _ = await delivered(bench, await term(bench, None))
    assert days(await warranties(bench, order)) == [(1, TODAY, None)]


async def test_what_is_sold_keeps_the_version_of_its_delivery(bench: Bench) -> None:
    """Neither a later version nor another term of the item changes it."""
    code = await term(bench, 12)
    order, item = await placed(bench, code, AUS=1)
    [shipment] = await bench.shipments(order)
    await bench.take("book_shipment", shipment)
    await bench.scan(shipment, "PU")
    await bench.take("hand_over_shipment", shipment)
    before = await term(bench, 24, code)
    await bench.scan(shipment, "DL")
    async with bench.shop.books.begin() as db:
        delivered_now = text("UPDATE shipments SET delivered_at = now() WHERE id = :id")
        await db.execute(delivered_now, {"id": shipment})
    await term(bench, 36, before)
    await sell_with(bench, item, None)
    await bench.take("settle_shipment", shipment)
    [found] = await warranties(bench, order)
    assert found["duration_months"] == 24


async def test_what_was_delivered_before_its_item_had_a_term_has_no_warranty(bench: Bench) -> None:
    order, item = await placed(bench, None, AUS=1)
    [shipment] = await bench.shipments(order)
    await arrive(bench, shipment)
    await sell_with(bench, item, await term(bench))
    await bench.take("settle_shipment", shipment)
    assert await warranties(bench, order) == []


@pytest.mark.parametrize(
    ("starts", "first"), [(WarrantyStart.SHIPMENT, TODAY), (WarrantyStart.REGISTRATION, None)]
)
async def test_a_term_may_begin_with_the_departure_or_with_the_registration(
    bench: Bench, starts: WarrantyStart, first: date | None
) -> None:
    code = await term(bench, 12, starts=starts)
    order, _ = await delivered(bench, code, "2031-03-10")
    assert [row["starts_on"] for row in await warranties(bench, order)] == [first] * bool(first)


async def test_a_delivery_that_was_a_lie_leaves_its_warranty_to_people(bench: Bench) -> None:
    """As it leaves units and money: task `parcel_exception` asks, and the answer may be a void."""
    order, [shipment] = await delivered(bench, await term(bench))
    await bench.scan(shipment, "RS")
    await bench.take("settle_shipment", shipment)
    [found] = await warranties(bench, order)
    assert (found["status"], found["version"]) == ("active", 1)


async def test_a_parcel_that_turns_up_before_it_is_written_off_is_under_warranty(
    bench: Bench,
) -> None:
    order, _ = await placed(bench, await term(bench))
    [shipment] = await bench.shipments(order)
    await bench.take("book_shipment", shipment)
    await bench.scan(shipment, "PU")
    await bench.take("hand_over_shipment", shipment)
    await bench.scan(shipment, "LO")
    await bench.take("settle_shipment", shipment)
    assert await warranties(bench, order) == []
    await bench.scan(shipment, "DL")
    await bench.take("settle_shipment", shipment)
    assert [row["status"] for row in await warranties(bench, order)] == ["active"]


# Goods that go back.


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


async def settle(bench: Bench, back: ReturnId) -> None:
    """Let the runs of a return and of its refunds take their steps, more than once."""
    for _ in range(2):
        await bench.take("settle_return", back)
        for row in await bench.shop.rows("SELECT id FROM refunds WHERE return_id = :id", id=back):
            await bench.take("submit_refund", row["id"])
    await bench.take("settle_return", back)


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
    async with bench.shop.books.begin() as db:
        found = await RETURNS.lock(db, back)
        reopened = RETURNS.moved(found, ReturnStatus.INSPECTED, "tests")
        await RETURNS.change(db, found, status=ReturnStatus.INSPECTED, closed_at=None)
        await add_events(db, [replace(reopened, kind="return.reopened")])
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


# Its end.


async def test_that_a_warranty_ends_soon_is_told_once(bench: Bench) -> None:
    """30 days before, by the sweep, in two workers at once; not of one that is over."""
    order, _ = await delivered(bench, await term(bench, 12))
    [found] = await warranties(bench, order)

    async def ends(in_days: int) -> list[Any]:
        """Let it end about then, sweep, and return what was told since."""
        before = len(await told(bench, found["id"]))
        async with bench.shop.books.begin() as db:
            moved = text(
                "UPDATE warranties SET starts_on = s.day, ends_on = s.day + interval '12 months'"
                " FROM (SELECT (CAST(:end AS date) - interval '12 months')::date AS day) s"
                " WHERE id = :id"
            )
            end = TODAY + timedelta(days=in_days)
            await db.execute(moved, {"id": found["id"], "end": end})
        await sweep_once(bench, "ending_warranties")
        return (await told(bench, found["id"]))[before:]

    assert await ends(33) == []
    [(what, data, actor)] = await ends(28)
    [now] = await warranties(bench, order)
    assert (what, actor, data["ends_on"]) == ("ending", "system", str(now["ends_on"]))
    assert await ends(28) == []
    assert await ends(-2) == []
    assert len(await ends(5)) == 1
    assert (await warranties(bench, order))[0]["version"] == 1
