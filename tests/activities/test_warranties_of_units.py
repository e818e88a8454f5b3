"""Warranties on units that are known by their serials: one for each of them."""

from uuid import UUID

import pytest

from activities.warranties.registering import register_delivered
from db.inventory.units import lock_to_pick
from domain.units import serial_key
from domain.warranties.terms import WarrantyStart
from tests.activities.bench import Bench
from tests.activities.promised import (
    calling,
    comes_again,
    line_of,
    sell_with,
    sent,
    sold,
    term,
    told,
    warranties,
)
from tests.units import serials, stock_saws


async def test_each_unit_has_one_warranty_whatever_the_carrier_repeats(bench: Bench) -> None:
    """WAR-03: three units, three warranties, each found by its serial."""
    order, _, named = await sent(bench, await term(bench, 3), 3)
    [shipment] = await bench.shipments(order)
    await bench.scan(shipment, "DL")
    await bench.take("settle_shipment", shipment)
    async with bench.shop.books.begin() as db:
        await register_delivered(db, shipment)
    found = await warranties(bench, order)
    assert [(row["quantity"], str(row["ends_on"])) for row in found] == [(1, "2031-06-10")] * 3
    assert len({row["unit_id"] for row in found}) == 3
    async with calling(bench) as callers:
        for serial in named:
            path = f"/warranties/check?serial={serial.lower()}&on=2031-06-10"
            said = (await callers.get(path)).json()
            assert (said["covered"], said["by"]["serial"]) == (True, serial)
            listed = (await callers.get(f"/warranties?serial={serial}")).json()["items"]
            assert [each["id"] for each in listed] == [said["by"]["id"]]
        assert (await callers.get("/warranties/check?serial=S-UNKNOWN")).status_code == 404


async def test_a_unit_that_is_sold_anew_is_under_warranty_for_its_new_owner_alone(
    bench: Bench,
) -> None:
    first, item, [serial] = await sent(bench, await term(bench, 3), 1)
    await comes_again(bench, item, serial)
    second = await sold(bench, item, [serial], "2031-05-10")
    [old] = await warranties(bench, first)
    [new] = await warranties(bench, second)
    assert (old["status"], new["status"], new["unit_id"]) == ("cancelled", "active", old["unit_id"])
    [_, (what, data, _)] = await told(bench, old["id"])
    assert (what, data["delivered_anew"]) == ("cancelled", str(new["shipment_id"]))


@pytest.mark.parametrize("starts", [None, WarrantyStart.REGISTRATION])
async def test_a_unit_that_is_sold_anew_without_a_warranty_keeps_none_of_its_former_owner(
    bench: Bench, starts: WarrantyStart | None
) -> None:
    """With no term any more, or with one that its new owner has to register first."""
    code = await term(bench, 3)
    first, item, [serial] = await sent(bench, code, 1)
    await comes_again(bench, item, serial)
    await sell_with(bench, item, starts and await term(bench, 3, code, starts=starts))
    second = await sold(bench, item, [serial])
    assert [row["status"] for row in await warranties(bench, first)] == ["cancelled"]
    assert await warranties(bench, second) == []
    if starts:
        body = {"order_line_id": str(await line_of(bench, second)), "serial": serial}
        async with calling(bench) as callers:
            made = await callers.post(
                "/warranties", body, role="customer", customer_id=bench.shop.customer_id
            )
        assert made.status_code == 201, made.text


async def test_a_unit_is_registered_by_hand_once_and_for_who_has_it(bench: Bench) -> None:
    """Warranties R2: a known unit that no other customer has."""
    order, item, [serial] = await sent(bench, await term(bench, 3), 1)
    [found] = await warranties(bench, order)
    body = {
        "item_id": str(item),
        "customer_id": str(bench.shop.customer_id),
        "serial": serial,
        "proof_of_purchase": "receipt 1187",
        "starts_on": "2031-01-31",
    }
    async with calling(bench) as callers:
        twice = await callers.post("/warranties", body, role="support")
        assert (twice.status_code, twice.json()["id"]) == (409, str(found["id"]))
        other = (await callers.post("/customers", {"name": "Grace Hopper"})).json()["id"]
        theirs = await callers.post("/warranties", body | {"customer_id": other}, role="support")
        assert (theirs.status_code, theirs.json()["code"]) == (409, "illegal_move")
        unknown = await callers.post("/warranties", body | {"serial": "S-UNKNOWN"}, role="support")
        assert unknown.status_code == 404
        await callers.post(f"/warranties/{found['id']}/void", {"reason": "a mistake"})
        line = {"order_line_id": str(found["order_line_id"]), "serial": serial}
        made = await callers.post("/warranties", line, role="support")
        assert (made.status_code, made.json()["serial"]) == (201, serial)
        assert UUID(made.json()["id"]) != found["id"]


async def test_a_delivery_of_thousands_of_units_registers_each_of_them(bench: Bench) -> None:
    """More of them than a statement of the database has parameters for."""
    order, _, _ = await sent(bench, await term(bench, 3), 2100)
    found = await warranties(bench, order)
    assert len(found) == 2100
    assert len({row["unit_id"] for row in found}) == 2100


async def test_as_many_units_are_scanned_at_once_as_a_request_may_name(bench: Bench) -> None:
    """Two lines of 10,000 units: all that are there are found, and no others."""
    [there] = serials(1)
    item = await stock_saws(bench.shop, there)
    keys = [serial_key(there), *(f"sn-{number}" for number in range(19_999))]
    async with bench.shop.books.begin() as db:
        found = await lock_to_pick(db, [], [(item, key) for key in keys])
    assert [row.serial for row in found] == [there]
