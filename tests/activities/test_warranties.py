"""Warranties begin with a delivery, once, and their end is told once."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from domain.warranties.terms import WarrantyStart
from tests.activities.bench import Bench
from tests.activities.promised import (
    arrive,
    days,
    delivered,
    placed,
    sell_with,
    term,
    told,
    warranties,
)
from tests.aging import sweep_once

TODAY = datetime.now(UTC).date()


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
