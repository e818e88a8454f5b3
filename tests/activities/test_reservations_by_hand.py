"""Stock is held by hand for a reference until a day, and let go by its id or by that day."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from activities.inventory.serving import serve_waiting
from activities.inventory.setting_aside import set_aside
from domain.ids import ItemId
from domain.lots import LotStatus
from tests.activities.bench import Bench
from tests.activities.promised import calling
from tests.activities.test_locks_of_units import BLOCKED
from tests.aging import DAYS, age, sweep_once
from tests.api.callers import Callers
from tests.lots import a_milk, lot_id
from tests.patience import eventually

PATH = "/inventory/reservations"
LOCK = text(
    "SELECT FROM balances WHERE item_id = :item AND location_id = :location FOR UPDATE NOWAIT"
)


def until(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


async def hold(callers: Callers, item: ItemId, units: int, **given: Any) -> Any:
    """Hold units in Austin for a week, and return the answer."""
    body = {"item_id": str(item), "site": "AUS", "quantity": units, "reference": "fair"}
    body |= {"expires_at": until(7)} | given
    role = body.pop("role", "warehouse")
    return await callers.post(PATH, body, role=role, key=uuid4().hex)


async def ended(bench: Bench, item: ItemId) -> None:
    """Let what is held of an item by hand have reached its end."""
    await age(bench, "reservations", "expires_at", 8 * DAYS, item_id=item)


async def status_of(bench: Bench, item: ItemId) -> list[str]:
    query = "SELECT status FROM reservations WHERE item_id = :item ORDER BY id"
    return [row["status"] for row in await bench.shop.rows(query, item=item)]


async def test_what_is_held_cannot_be_sold_until_it_is_let_go_and_who_waits_is_served(
    bench: Bench,
) -> None:
    mug = await bench.shop.backorderable(AUS=3)
    async with calling(bench) as callers:
        made = await hold(callers, mug, 2)
        assert made.status_code == 201, made.text
        [held] = made.json()["items"]
        assert (held["quantity"], held["status"], held["reference"]) == (2, "active", "fair")
        assert await bench.shop.stock(mug) == (3, 2)
        [order] = [await bench.shop.place((mug, 2), waits=True)]
        await bench.take("authorize_payment", order)
        listed = (await callers.get(f"{PATH}?item_id={mug}&document_type=manual")).json()["items"]
        assert [one["id"] for one in listed] == [held["id"]]
        for _ in range(2):
            path = f"{PATH}/{held['id']}/release"
            let_go = await callers.post(path, {"reason": "The fair is over."}, role="planner")
            assert (let_go.status_code, let_go.json()["status"]) == (200, "released")
        async with bench.shop.books.begin() as db:
            await serve_waiting(db, bench.shop.sites["AUS"])
        assert await bench.shop.stock(mug) == (3, 2)
        told = await bench.shop.rows(
            "SELECT type FROM events WHERE subject_id = :id ORDER BY sequence", id=UUID(held["id"])
        )
    assert [row["type"] for row in told] == [
        "inventory.reserved.v1",
        "inventory.reservation_released.v1",
    ]


async def test_what_an_order_holds_is_let_go_by_the_order_alone(bench: Bench) -> None:
    mug = await bench.shop.item(AUS=1)
    order = await bench.shop.place((mug, 1))
    async with calling(bench) as callers:
        [held] = (await callers.get(f"{PATH}?document_id={order}")).json()["items"]
        assert (held["document_type"], held["reference"]) == ("order", None)
        refused = await callers.post(f"{PATH}/{held['id']}/release", {"reason": "x"}, role="admin")
        number = bench.shop.numbers[order]
        assert refused.status_code == 409
        assert number in refused.json()["detail"]
        assert (await callers.post(f"{PATH}/{uuid4()}/release", {"reason": "x"})).status_code == 404


@pytest.mark.parametrize(
    ("given", "status", "pointer"),
    [
        ({"expires_at": until(31)}, 422, "/expires_at"),
        ({"expires_at": until(-1)}, 422, "/expires_at"),
        ({"site": "NOWHERE"}, 422, "/site"),
        ({"reference": ""}, 422, "/reference"),
        ({"quantity": 4}, 409, None),
        ({"role": "operator"}, 403, None),
    ],
)
async def test_no_more_is_held_than_is_there_nor_for_longer_than_thirty_days(
    bench: Bench, given: dict[str, Any], status: int, pointer: str | None
) -> None:
    mug = await bench.shop.item(AUS=3)
    async with calling(bench) as callers:
        refused = await hold(callers, mug, 1, **given)
    assert refused.status_code == status, refused.text
    if pointer:
        assert pointer in [one["pointer"] for one in refused.json()["errors"]]
    assert await bench.shop.stock(mug) == (3, 0)


async def test_what_is_held_ends_by_itself_and_is_told(bench: Bench) -> None:
    mug = await bench.shop.item(AUS=3)
    async with calling(bench) as callers:
        await hold(callers, mug, 2)
        await sweep_once(bench, "expired_reservations")
        assert await status_of(bench, mug) == ["active"]
        await ended(bench, mug)
        await sweep_once(bench, "expired_reservations")
        listed = (await callers.get(f"{PATH}?item_id={mug}&status=expired")).json()["items"]
        late = await callers.post(f"{PATH}/{listed[0]['id']}/release", {"reason": "x"})
    assert await status_of(bench, mug) == ["expired"]
    assert late.status_code == 409
    assert await bench.shop.stock(mug) == (3, 0)


async def test_an_order_gets_what_was_held_too_long_before_it_is_refused(bench: Bench) -> None:
    """R1: before refusing, what has expired of the same items is let go."""
    mug, pot = await bench.shop.item(AUS=3), await bench.shop.item(AUS=9)
    async with calling(bench) as callers:
        await hold(callers, mug, 3)
    await ended(bench, mug)
    order = await bench.shop.place((pot, 2), (mug, 3))
    assert await bench.shop.stock(mug) == (3, 3)
    assert await status_of(bench, mug) == ["expired", "active"]
    assert order


async def test_goods_of_several_shelves_are_held_in_several_parts(bench: Bench) -> None:
    milk = await a_milk(bench.shop, a=(2, 10), b=(5, 20))
    async with calling(bench) as callers:
        made = (await hold(callers, milk, 3)).json()
    assert [(one["lot"], one["quantity"]) for one in made["items"]] == [("a", 2), ("b", 1)]
    assert len({one["document_id"] for one in made["items"]}) == 1


async def test_what_is_held_of_a_lot_that_is_set_aside_is_let_go(bench: Bench) -> None:
    milk = await a_milk(bench.shop, a=(2, 10), b=(5, 20))
    async with calling(bench) as callers:
        await hold(callers, milk, 3)
    lot = await lot_id(bench.shop, milk, "a")
    async with bench.shop.books.begin() as db:
        await set_aside(db, lot, LotStatus.RECALLED, "bad", actor="inspector")
    assert sorted(await status_of(bench, milk)) == ["active", "released"]
    stock = ("I1a", "I1h", "I1i", "I2a", "I2b")
    assert [found.id for found in await bench.broken() if found.id in stock] == []


@pytest.mark.parametrize("way", ["move", "hold", "order"])
async def test_what_ends_at_several_shelves_is_locked_in_the_order_of_shelves(
    bench: Bench, way: str
) -> None:
    """While the first shelf is locked by another, no later one is: no deadlock."""
    mug = await bench.shop.item(AUS=2, RNO=2)
    query = "SELECT location_id FROM balances WHERE item_id = :item ORDER BY location_id"
    first, last = [row["location_id"] for row in await bench.shop.rows(query, item=mug)]
    sites = {bench.shop.shelves[site]: site for site in ("AUS", "RNO")}
    async with calling(bench) as callers:
        for place in (last, first):
            assert (await hold(callers, mug, 2, site=sites[place])).status_code == 201
        await ended(bench, mug)
        async with bench.shop.books.begin() as db:
            await db.execute(LOCK, {"item": mug, "location": first})
            going = asyncio.create_task(_take(bench, callers, way, mug, first, sites[first]))
            await eventually(lambda: bench.shop.one(BLOCKED))
            await db.execute(LOCK, {"item": mug, "location": last})
        await asyncio.wait_for(going, 20)
    assert (await status_of(bench, mug))[:2] == ["expired", "expired"]


async def _take(
    bench: Bench, callers: Callers, way: str, item: ItemId, place: UUID, site: str
) -> None:
    if way == "order":
        await bench.shop.place((item, 2))
    elif way == "hold":
        assert (await hold(callers, item, 1, site=site)).status_code == 201
    else:
        target = await bench.shop.one(
            "SELECT q.id FROM locations l JOIN locations q USING (site_id)"
            " WHERE l.id = :id AND q.kind = 'quarantine'",
            id=place,
        )
        moved = {"item_id": str(item), "from_location_id": str(place), "quantity": 1}
        moved |= {"to_location_id": str(target), "reason": "damp"}
        made = await callers.post("/inventory/moves", moved, role="warehouse")
        assert made.status_code == 201, made.text
