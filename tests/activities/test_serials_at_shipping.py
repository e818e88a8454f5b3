"""Goods that are only counted in stock have serials from when they leave, for their warranties."""

from typing import Any
from uuid import UUID

import pytest

from db.items import change_item
from domain.errors import IllegalMove, Malformed
from domain.ids import ItemId, OrderId, ShipmentId
from domain.returns.status import Disposition
from domain.shipments.outcomes import BookingOutcome
from domain.warranties.terms import Settlement
from tests.activities.bench import Bench
from tests.activities.claimed import REPLACES, approve, file, replaced, return_of
from tests.activities.promised import (
    arrive,
    calling,
    sell_with,
    settle,
    term,
    warranties,
)
from tests.activities.promised import line_of as ordered
from tests.activities.serial_returns import ask_back, inspect, line_of, receive
from tests.units import history, lines_of, pick, serials, unit


async def scanned_item(bench: Bench, units: int, **rest: Any) -> ItemId:
    """Stock units that are only counted, and scanned when they leave."""
    item = await bench.shop.item(AUS=units)
    await sell_with(bench, item, await term(bench, **rest))
    async with bench.shop.books.begin() as db:
        await change_item(db, item, {"serial_at_shipping": True})
    return item


async def to_scan(bench: Bench, item: ItemId, units: int) -> tuple[OrderId, ShipmentId]:
    order = await bench.shop.place((item, units))
    await bench.take("authorize_payment", order)
    [shipment] = await bench.shipments(order)
    return order, shipment


async def sold(bench: Bench, item: ItemId, *named: str) -> tuple[OrderId, ShipmentId]:
    """Deliver units of an item that are scanned as they leave."""
    order, shipment = await to_scan(bench, item, len(named))
    await pick(bench.shop, shipment, *named)
    await arrive(bench, shipment)
    return order, shipment


async def in_stock(bench: Bench, item: ItemId) -> list[tuple[str, int]]:
    """Return how many units of an item lie where, by the kind of the place."""
    rows = await bench.shop.rows(
        "SELECT l.kind, b.on_hand::int AS units FROM balances b JOIN locations l"
        " ON l.id = b.location_id WHERE b.item_id = :id AND b.on_hand > 0 ORDER BY 1",
        id=item,
    )
    return [(row["kind"], row["units"]) for row in rows]


async def test_no_label_is_bought_before_the_serials_are_scanned(bench: Bench) -> None:
    item = await scanned_item(bench, 3)
    order, shipment = await to_scan(bench, item, 2)
    one, other = serials(2)
    assert await bench.take("book_shipment", shipment) is BookingOutcome.HELD
    await pick(bench.shop, shipment, one)
    assert await bench.take("book_shipment", shipment) is BookingOutcome.HELD
    await pick(bench.shop, shipment, one, other)
    async with calling(bench) as callers:
        shown = (await callers.get(f"/shipments/{shipment}")).json()["lines"]
        assert [(line["tracking"], line["serials"]) for line in shown] == [
            ("serial", sorted((one, other)))
        ]
        assert await in_stock(bench, item) == [("stock", 3)]
    await arrive(bench, shipment)
    assert await in_stock(bench, item) == [("stock", 1)]
    assert [row["quantity"] for row in await warranties(bench, order)] == [1, 1]
    async with calling(bench) as callers:
        path = f"/warranties/check?serial={other.lower()}"
        said = (await callers.get(path)).json()
        assert (said["covered"], said["by"]["serial"]) == (True, other)
    assert await history(bench.shop, one) == ["picked", "sold"]
    assert await bench.broken() == []


async def test_a_serial_that_a_customer_has_is_not_scanned_for_another_order(bench: Bench) -> None:
    item = await scanned_item(bench, 4)
    [serial] = serials(1)
    await sold(bench, item, serial)
    _, shipment = await to_scan(bench, item, 1)
    with pytest.raises(IllegalMove, match="is sold: it comes back by its return"):
        await pick(bench.shop, shipment, serial)
    [other] = serials(1)
    await pick(bench.shop, shipment, other)
    _, third = await to_scan(bench, item, 1)
    with pytest.raises(IllegalMove, match="picked for another line or shipment"):
        await pick(bench.shop, third, other)
    # What was scanned by mistake goes back, and another order may have it.
    await pick(bench.shop, shipment, *serials(1))
    await pick(bench.shop, third, other)
    assert await bench.broken() == []


async def test_what_comes_back_is_counted_stock_again_and_its_warranty_ends(bench: Bench) -> None:
    item = await scanned_item(bench, 2)
    one, other = serials(2)
    order, _ = await sold(bench, item, one, other)
    back, line = await ask_back(bench, order, 1, other)
    with pytest.raises(Malformed, match="name each of the 1 units"):
        await receive(bench, back, line, units=1)
    await receive(bench, back, line, other)
    await inspect(bench, back, line, Disposition.RESTOCK, other)
    await settle(bench, back)
    ended = {row["unit_id"]: row["status"] for row in await warranties(bench, order)}
    assert ended[(await unit(bench.shop, other))["id"]] == "cancelled"
    assert ended[(await unit(bench.shop, one))["id"]] == "active"
    assert await in_stock(bench, item) == [("stock", 1)]
    # The next customer may get this piece, which is known by its serial once more.
    second, _ = await sold(bench, item, other)
    assert [row["status"] for row in await warranties(bench, second)] == ["active"]
    assert await bench.broken() == []


async def test_what_has_waited_to_be_inspected_is_in_no_parcel(bench: Bench) -> None:
    item = await scanned_item(bench, 2)
    [serial] = serials(1)
    order, _ = await sold(bench, item, serial)
    back, line = await ask_back(bench, order, 1, serial)
    await receive(bench, back, line, serial)
    _, shipment = await to_scan(bench, item, 1)
    with pytest.raises(IllegalMove, match="came back with"):
        await pick(bench.shop, shipment, serial)
    assert await bench.broken() == []


async def test_the_old_serial_of_what_was_replaced_is_denied(bench: Bench) -> None:
    """Warranties R9: the rest of the promise goes on with the serial of what replaces it."""
    item = await scanned_item(bench, 2, **REPLACES)
    one, other = serials(2)
    order, _ = await sold(bench, item, one)
    [old] = await warranties(bench, order)
    claim, new = await replaced(bench, old, one, other)
    assert (new["status"], new["replaces_id"]) == ("active", old["id"])
    async with calling(bench) as callers:
        body = {"serial": one, "failed_on": "2026-01-01", "symptom": "motor"}
        denied = (await callers.post("/warranties/claims", body, role="support")).json()
        assert (denied["status"], denied["rule"]) == ("denied", "replaced")
        told = (await callers.get(f"/warranties/claims/{claim}")).json()
        assert (told["serial"], told["replaced_by"][0]["serials"]) == (one, [other])
        assert (await callers.get(f"/warranties/check?serial={other}")).json()["covered"]
    assert await bench.broken() == []


async def test_a_claim_names_the_serial_and_its_unit_comes_in(bench: Bench) -> None:
    item = await scanned_item(bench, 2)
    one, other = serials(2)
    order, _ = await sold(bench, item, one, other)
    owned = {row["unit_id"]: row for row in await warranties(bench, order)}
    mine = owned[(await unit(bench.shop, other))["id"]]
    claim = await file(bench, mine, warranty_id=None, serial=other)
    await approve(bench, claim, Settlement.REFUND)
    back = await return_of(bench, claim)
    line = await line_of(bench, back)
    with pytest.raises(IllegalMove, match="is no unit that is still expected"):
        await receive(bench, back, line, one)
    await receive(bench, back, line, other)
    await inspect(bench, back, line, Disposition.SCRAP, other)
    await settle(bench, back)
    assert [row["status"] for row in await warranties(bench, order) if row["id"] == mine["id"]] == [
        "cancelled"
    ]
    assert await bench.broken() == []


async def test_orders_that_were_placed_before_leave_without_a_scan(bench: Bench) -> None:
    """And come back so: the line says whether its units are known by serials."""
    item = await bench.shop.item(AUS=2)
    code = await term(bench)
    await sell_with(bench, item, code)
    order, shipment = await to_scan(bench, item, 1)
    async with calling(bench) as callers:
        path, asked = f"/items/{item}", {"serial_at_shipping": True}
        changed = await callers.ask("PATCH", path, json=asked)
        assert changed.json()["serial_at_shipping"] is True
        for wrong in ({"warranty_term": None}, {"tracking": "lot"}):
            refused = await callers.ask("PATCH", path, json=wrong)
            assert (refused.status_code, refused.json()["code"]) == (422, "malformed")
    await arrive(bench, shipment)
    assert [row["unit_id"] for row in await warranties(bench, order)] == [None]
    _, scanned = await to_scan(bench, item, 1)
    assert await bench.take("book_shipment", scanned) is BookingOutcome.HELD
    back, line = await ask_back(bench, order, 1)
    await receive(bench, back, line, units=1)
    assert await bench.broken() == []


async def test_units_that_were_scanned_are_registered_one_by_one(bench: Bench) -> None:
    item = await scanned_item(bench, 1, starts="registration")
    [serial] = serials(1)
    order, shipment = await sold(bench, item, serial)
    body: dict[str, Any] = {"order_line_id": str(await ordered(bench, order))}
    async with calling(bench) as callers:
        assert (await callers.post("/warranties", body, role="support")).status_code == 422
        made = await callers.post("/warranties", body | {"serial": serial}, role="support")
        assert (made.status_code, made.json()["serial"]) == (201, serial)
    assert await lines_of(bench.shop, UUID(str(shipment)))
    assert await bench.broken() == []


@pytest.mark.parametrize(
    "wrong", [{"tracking": "serial", "warranty_term": "T"}, {"tracking": "lot"}, {}]
)
async def test_only_counted_goods_with_a_warranty_are_scanned_when_they_leave(
    bench: Bench, wrong: dict[str, str]
) -> None:
    body = {"sku": f"SCAN-{serials(1)[0]}", "name": "Lantern", "serial_at_shipping": True}
    async with calling(bench) as callers:
        refused = await callers.post("/items", body | wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "malformed")
        assert refused.json()["errors"][0]["pointer"] == "/serial_at_shipping"
