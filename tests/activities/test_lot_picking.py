"""Picking by scan of lots: what is scanned leaves, and the reservation moves to it."""

from typing import Any
from uuid import UUID

import pytest

from activities.shipments.picking import pick_shipment
from domain.errors import IllegalMove, Malformed, OutOfStock, QuantityExceeded
from domain.ids import ItemId, OrderId, ShipmentId
from domain.shipments.missing import MissingUnits
from domain.shipments.picking import PickedUnits, PickShipment
from tests.activities.bench import Bench
from tests.lots import a_milk, in_days, on_hand, promised, stock
from tests.units import lines_of


async def scan(bench: Bench, shipment: ShipmentId, lot: str, units: int | None = None) -> None:
    [line, *_] = await lines_of(bench.shop, shipment)
    asked = PickShipment(lines=(PickedUnits(line_id=line, lot=lot, quantity=units),))
    async with bench.shop.books.begin() as db:
        await pick_shipment(db, shipment, asked, actor="picker")


async def to_pick(bench: Bench, units: int) -> tuple[ItemId, OrderId, ShipmentId]:
    """Order units of a milk, of which there are two good lots, a short-lived and an expired one."""
    milk = await a_milk(bench.shop, a=(5, 10), b=(5, 20), gone=(5, -1))
    await stock(bench.shop, milk, "away", 5, site="RNO", expires_on=in_days(30))
    order = await bench.shop.place((milk, units))
    await bench.take("authorize_payment", order)
    [shipment] = await bench.shipments(order)
    return milk, order, shipment


async def parts(bench: Bench, shipment: UUID) -> dict[str, int]:
    rows = await bench.shop.rows(
        "SELECT t.code, x.quantity, x.location_id = r.location_id AS there FROM shipment_lines x"
        " JOIN reservations r ON r.id = x.reservation_id JOIN lots t ON t.id = r.lot_id"
        " WHERE x.shipment_id = :id",
        id=shipment,
    )
    assert all(row["there"] for row in rows)
    return {row["code"]: row["quantity"] for row in rows}


async def leaves(bench: Bench, shipment: ShipmentId) -> None:
    await bench.take("book_shipment", shipment)
    await bench.scan(shipment, "PU")
    await bench.take("hand_over_shipment", shipment)


async def events(bench: Bench, shipment: UUID) -> list[Any]:
    rows = await bench.shop.rows(
        "SELECT data FROM events WHERE subject_id = :id AND type = 'shipment.lots_swapped.v1'",
        id=shipment,
    )
    return [row["data"] for row in rows]


async def test_without_a_scan_the_reserved_lot_leaves(bench: Bench) -> None:
    milk, _, shipment = await to_pick(bench, 2)
    await leaves(bench, shipment)
    assert await on_hand(bench.shop, milk) == {
        ("stock", "a"): 3,
        ("stock", "b"): 5,
        ("stock", "gone"): 5,
        ("stock", "away"): 5,
    }
    [moved] = await bench.shop.rows(
        "SELECT t.code FROM movements m JOIN lots t ON t.id = m.lot_id WHERE m.kind = 'issue'"
        " AND m.document_id = :id",
        id=shipment,
    )
    assert moved["code"] == "a"


async def test_another_lot_that_is_scanned_leaves_in_its_place(bench: Bench) -> None:
    """The reservation moves to it, also when the label is bought; again it is no news."""
    milk, _, shipment = await to_pick(bench, 2)
    await bench.take("book_shipment", shipment)
    for _ in range(2):
        await scan(bench, shipment, "B")
    assert await promised(bench.shop, milk) == {"b": 2}
    assert await parts(bench, shipment) == {"b": 2}
    assert len(await events(bench, shipment)) == 1
    await bench.scan(shipment, "PU")
    await bench.take("hand_over_shipment", shipment)
    assert (await on_hand(bench.shop, milk))["stock", "b"] == 3
    assert await bench.broken() == []


async def test_some_units_of_a_line_may_be_of_another_lot(bench: Bench) -> None:
    milk, _, shipment = await to_pick(bench, 3)
    for _ in range(2):
        await scan(bench, shipment, "b", 1)
    assert await parts(bench, shipment) == {"a": 2, "b": 1}
    assert await promised(bench.shop, milk) == {"a": 2, "b": 1}
    with pytest.raises(QuantityExceeded):
        await scan(bench, shipment, "b", 4)
    await leaves(bench, shipment)
    here = await on_hand(bench.shop, milk)
    assert (here["stock", "a"], here["stock", "b"]) == (3, 4)
    assert await bench.broken() == []


@pytest.mark.parametrize("lot", ["gone", "away", "none"])
async def test_a_lot_that_is_not_free_at_the_site_cannot_be_picked(lot: str, bench: Bench) -> None:
    milk, _, shipment = await to_pick(bench, 2)
    with pytest.raises(OutOfStock):
        await scan(bench, shipment, lot)
    assert await promised(bench.shop, milk) == {"a": 2}


async def test_no_more_of_a_lot_is_picked_than_is_free_of_it(bench: Bench) -> None:
    milk, _, shipment = await to_pick(bench, 2)
    await stock(bench.shop, milk, "b", -4)
    with pytest.raises(OutOfStock) as short:
        await scan(bench, shipment, "b")
    assert [one["available"] for one in short.value.extensions["shortages"]] == [1]


async def test_what_has_left_stays_of_its_lot(bench: Bench) -> None:
    _, _, shipment = await to_pick(bench, 2)
    await leaves(bench, shipment)
    with pytest.raises(IllegalMove):
        await scan(bench, shipment, "b")


async def test_goods_without_lots_are_not_scanned_by_lot(bench: Bench) -> None:
    _, [shipment] = await bench.booked()
    with pytest.raises(Malformed, match="not tracked by lot"):
        await scan(bench, shipment, "a")


async def test_what_two_lots_lack_of_one_item_is_compared_as_one_with_what_is_free(
    bench: Bench,
) -> None:
    milk, order, shipment = await to_pick(bench, 10)
    assert await parts(bench, shipment) == {"a": 5, "b": 5}
    missing = tuple(
        MissingUnits(line_id=line, quantity=5) for line in await lines_of(bench.shop, shipment)
    )
    async with bench.shop.books.begin() as db:
        await pick_shipment(db, shipment, PickShipment(shortages=missing), actor="picker")
    # Five units elsewhere would do for either lot, but not for both.
    assert (await on_hand(bench.shop, milk))["stock", "away"] == 5
    asked = "SELECT count(*) FROM tasks WHERE document_id = :id AND kind = 'shortage_review'"
    assert await bench.shop.one(asked, id=order) == 1
