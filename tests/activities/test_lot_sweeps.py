"""Lots that expire: told of before, set aside afterwards, each once."""

from typing import Any

import pytest
from sqlalchemy import text
from temporalio.client import Client

from activities.inventory.setting_aside import set_aside
from db.inventory.lot_sweeps import find_expiring, find_to_set_aside, tell_expiring
from domain.ids import ItemId
from domain.lots import LotStatus
from relay.sweeps import SWEEPS, Sweeper
from tests.activities.bench import Bench
from tests.lots import a_milk, in_days, lot_id, promised


@pytest.fixture
def sweeper(bench: Bench) -> Sweeper:
    """Sweeps that ask no Temporal."""
    client: Any = object.__new__(Client)
    return Sweeper(bench.shop.books, client)


async def sweep(sweeper: Sweeper, name: str) -> None:
    row = SWEEPS[name]
    found = await row.find(sweeper)
    if found:
        await row.act(sweeper, found)


async def events(bench: Bench, item: ItemId, code: str) -> list[tuple[str, Any]]:
    lot = await lot_id(bench.shop, item, code)
    rows = await bench.shop.rows(
        "SELECT type, data FROM events WHERE subject_id = :id ORDER BY sequence", id=lot
    )
    return [(row["type"], row["data"]) for row in rows][1:]


async def age(bench: Bench, item: ItemId, code: str, days: int) -> None:
    """Let a lot have so many days left."""
    lot = await lot_id(bench.shop, item, code)
    async with bench.shop.books.begin() as db:
        given = {"lot": lot, "day": in_days(days)}
        await db.execute(text("UPDATE lots SET expires_on = :day WHERE id = :lot"), given)


async def test_an_expired_lot_is_quarantined_and_its_promises_go_to_others(
    bench: Bench, sweeper: Sweeper
) -> None:
    milk = await a_milk(bench.shop, a=(5, 0), b=(5, 20))
    await bench.shop.place((milk, 2))
    await sweep(sweeper, "expired_lots")
    assert await promised(bench.shop, milk) == {"a": 2}
    await age(bench, milk, "a", -1)
    for _ in range(2):
        await sweep(sweeper, "expired_lots")
    assert await promised(bench.shop, milk) == {"b": 2}
    [(kind, data)] = await events(bench, milk, "a")
    assert (kind, data["reason"], data["swapped"]) == ("lot.quarantined.v1", "expired", 2)


async def test_what_a_label_held_of_a_recalled_lot_is_given_up_when_it_is_given_back(
    bench: Bench, sweeper: Sweeper
) -> None:
    milk = await a_milk(bench.shop, a=(5, 20))
    order = await bench.shop.place((milk, 2))
    await bench.take("authorize_payment", order)
    [shipment] = await bench.shipments(order)
    await bench.take("book_shipment", shipment)
    lot = await lot_id(bench.shop, milk, "a")
    async with bench.shop.books.begin() as db:
        await set_aside(db, lot, LotStatus.RECALLED, "bad", actor="inspector")
    async with bench.shop.books.read() as db:
        assert lot not in [one for one, _ in await find_to_set_aside(db, 100)]
    await bench.take("recall_shipments", order)
    await sweep(sweeper, "expired_lots")
    assert await promised(bench.shop, milk) == {}
    assert await bench.shop.one("SELECT status FROM lots WHERE id = :id", id=lot) == "recalled"


async def test_a_lot_that_expires_soon_is_told_of_once_for_each_last_day(
    bench: Bench, sweeper: Sweeper
) -> None:
    milk = await a_milk(bench.shop, soon=(5, 30), later=(5, 31))
    for _ in range(2):
        await sweep(sweeper, "expiring_lots")
    [(kind, data)] = await events(bench, milk, "soon")
    assert (kind, data["expires_on"]) == ("inventory.expiring.v1", str(in_days(30)))
    assert await events(bench, milk, "later") == []
    await age(bench, milk, "soon", 20)
    soon = await lot_id(bench.shop, milk, "soon")
    async with bench.shop.books.begin() as db:
        assert soon in await find_expiring(db, 100)
        assert await tell_expiring(db, [soon]) == 1
        assert await tell_expiring(db, [soon]) == 0
