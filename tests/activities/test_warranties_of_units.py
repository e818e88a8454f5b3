"""Warranties on units that are known by their serials: one for each of them."""

from decimal import Decimal
from uuid import UUID

from activities.warranties.registering import register_delivered
from db.inventory.receiving import Arrival, open_stock
from db.inventory.units import UnitStep, move_units
from domain.units import UnitEventKind, UnitStatus
from tests.activities.bench import Bench
from tests.activities.promised import calling, sent, sold, term, told, warranties
from tests.units import unit


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
    shelf = bench.shop.shelves["AUS"]
    back = UnitStep(UnitEventKind.RETURNED, UnitStatus.IN_STOCK, "tests", location_id=shelf)
    async with bench.shop.books.begin() as db:
        await move_units(db, [(await unit(bench.shop, serial))["id"]], back)
        arrival = Arrival(f"back/{item}", item, shelf, Decimal(1))
        await open_stock(db, [arrival], actor="tests")
    second = await sold(bench, item, [serial], "2031-05-10")
    [old] = await warranties(bench, first)
    [new] = await warranties(bench, second)
    assert (old["status"], new["status"], new["unit_id"]) == ("cancelled", "active", old["unit_id"])
    [_, (what, data, _)] = await told(bench, old["id"])
    assert (what, data["delivered_anew"]) == ("cancelled", str(new["shipment_id"]))


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
