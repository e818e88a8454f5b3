"""A unit goes from one integration's order to another's: each is told of its own."""

from typing import Any

import pytest
from sqlalchemy import text

from db.engine import Database
from db.inventory.units import UnitStep, move_units
from domain.documents import Kind
from domain.units import UnitEventKind, UnitStatus
from tests.api.callers import Callers
from tests.api.two_shops import Asker, World, open_world, shipment_of
from tests.shop import Shop
from tests.units import serials, stock_saws

_LINE = text("SELECT id, item_id FROM order_lines WHERE order_id = CAST(:id AS uuid)")
_PICKED_FOR = text(
    """INSERT INTO shipment_lines (id, shipment_id, order_line_id, item_id, location_id,
        reservation_id, quantity)
    SELECT gen_random_uuid(), CAST(:shipment AS uuid), line_id, item_id, location_id, id, 1
    FROM reservations WHERE document_id = CAST(:order AS uuid) RETURNING id, order_line_id"""
)


@pytest.fixture(scope="module")
async def world(callers: Callers, books: Database) -> World:
    return await open_world(callers, books)


async def read(who: Asker, serial: str) -> dict[str, Any]:
    answer = await who.get(f"/inventory/units/{serial}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_a_unit_picked_for_one_shop_names_no_line_of_the_shop_that_had_sold_it(
    world: World, books: Database
) -> None:
    """T14; nor does its history name whose keys acted for the other one."""
    serial, spare = serials(2)
    await stock_saws(Shop(books), serial, spare)
    async with books.begin() as db:
        query = text(
            "SELECT u.*, i.sku FROM units u JOIN items i ON i.id = u.item_id WHERE serial = :serial"
        )
        unit = (await db.execute(query, {"serial": serial})).one()
    world.sku = unit.sku
    sold = await world.placed(world.rival)
    wanted = await world.placed(world.shop)
    shipment = await shipment_of(wanted["id"], books)
    async with books.begin() as db:
        line = (await db.execute(_LINE, {"id": sold["id"]})).one()
        given = {"shipment": shipment, "order": wanted["id"]}
        part = (await db.execute(_PICKED_FOR, given)).one()
        for step in (
            UnitStep(
                kind=UnitEventKind.SOLD,
                status=UnitStatus.SOLD,
                holder_customer_id=world.customer,
                order_line_id=line.id,
                document_type=Kind.ORDER,
                document_id=sold["id"],
                actor="key:rival",
            ),
            UnitStep(
                kind=UnitEventKind.PICKED,
                status=UnitStatus.IN_STOCK,
                location_id=unit.location_id,
                shipment_line_id=part.id,
                document_type=Kind.SHIPMENT,
                document_id=shipment,
                actor="key:shop",
            ),
        ):
            await move_units(db, [unit.id], step)

    mine = await read(world.shop, serial)
    assert (mine["order_id"], mine["shipment_id"]) == (wanted["id"], shipment)
    assert mine["order_line_id"] == str(part.order_line_id)
    assert [event["actor"] for event in mine["history"]] == ["key:shop", "company", "tests"]
    for secret in (str(line.id), sold["id"], "key:rival"):
        assert secret not in str(mine)
    theirs = await read(world.rival, serial)
    assert (theirs["order_id"], theirs["order_line_id"], theirs["shipment_id"]) == (None,) * 3
    assert [event["actor"] for event in theirs["history"]] == ["company", "key:rival", "tests"]
    for who in (world.erp, world.support):
        told = await read(who, serial)
        assert [event["actor"] for event in told["history"]] == ["key:shop", "key:rival", "tests"]
