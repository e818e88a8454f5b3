"""Goods are moved inside a site by hand: put away, set aside into quarantine, and released."""

from typing import Any
from uuid import UUID, uuid4

from activities.inventory.serving import serve_waiting
from domain.ids import ItemId
from tests.activities.bench import Bench
from tests.activities.promised import calling
from tests.api.callers import Callers
from tests.lots import a_milk
from tests.units import history, pick, serials, sold_saws, stock_saws, unit

PATH = "/inventory/moves"
STOCK = ("I1a", "I1b", "I2a", "I2b", "I2d")


async def place(bench: Bench, kind: str, site: str = "AUS") -> str:
    query = """SELECT l.id FROM locations l JOIN sites s ON s.id = l.site_id
        WHERE s.code = :site AND l.kind = :kind ORDER BY l.code LIMIT 1"""
    return str(await bench.shop.one(query, site=site, kind=kind))


async def move(
    bench: Bench, callers: Callers, item: ItemId, units: str, way: tuple[str, str], **given: Any
) -> Any:
    """Move units of an item between kinds of places in Austin, or elsewhere."""
    source, target = way
    body = {"item_id": str(item), "quantity": units, "reason": "damp"}
    body["from_location_id"] = await place(bench, source)
    body["to_location_id"] = await place(bench, target, given.pop("site", "AUS"))
    role = given.pop("role", "admin")
    return await callers.post(PATH, body | given, role=role, key=uuid4().hex)


IN, OUT = ("stock", "quarantine"), ("quarantine", "stock")


async def test_counted_goods_are_set_aside_and_who_waits_gets_them_when_they_are_released(
    bench: Bench,
) -> None:
    mug = await bench.shop.backorderable(AUS=5)
    async with calling(bench) as callers:
        made = await move(bench, callers, mug, "4", IN, role="warehouse")
        assert made.status_code == 201, made.text
        assert (made.json()["kind"], made.json()["reason"]) == ("transfer", "damp")
        assert await bench.shop.stock(mug) == (1, 0)
        order = await bench.shop.place((mug, 3), waits=True)
        await bench.take("authorize_payment", order)
        assert (await move(bench, callers, mug, "4", OUT, role="warehouse")).status_code == 403
        assert (await move(bench, callers, mug, "4", OUT, role="inspector")).status_code == 201
    async with bench.shop.books.begin() as db:
        await serve_waiting(db, bench.shop.sites["AUS"])
    assert await bench.shop.stock(mug) == (5, 3)
    told = await bench.shop.rows(
        "SELECT type FROM events WHERE data ->> 'item_id' = :item ORDER BY position, id",
        item=str(mug),
    )
    assert [row["type"] for row in told if "inventory" in row["type"]] == [
        "inventory.quarantined.v1",
        "inventory.released.v1",
    ]
    assert [found.id for found in await bench.broken() if found.id in STOCK] == []


async def test_what_is_promised_stays_where_it_is_and_its_holders_are_named(bench: Bench) -> None:
    """R5: nothing is moved below what is reserved."""
    mug = await bench.shop.item(AUS=5)
    order = await bench.shop.place((mug, 3))
    async with calling(bench) as callers:
        refused = await move(bench, callers, mug, "3", IN)
        assert refused.status_code == 409
        [holder] = refused.json()["holders"]
        assert (holder["document_id"], holder["quantity"]) == (str(order), 3)
        assert (await move(bench, callers, mug, "2", IN)).status_code == 201
    assert await bench.shop.stock(mug) == (3, 3)


async def test_goods_are_moved_inside_a_site_only_and_between_places_for_them(
    bench: Bench,
) -> None:
    mug = await bench.shop.item(AUS=5)
    async with calling(bench) as callers:
        for way, more in (
            (("stock", "stock"), {}),
            (("stock", "quarantine"), {"site": "RNO"}),
            (("stock", "repair"), {}),
            (IN, {"to_location_id": str(uuid4())}),
            (IN, {"quantity": "0"}),
            (IN, {"reason": ""}),
        ):
            refused = await move(bench, callers, mug, "1", way, **more)
            assert refused.status_code in (404, 422), (way, more, refused.text)
    assert await bench.shop.stock(mug) == (5, 0)


async def test_of_lots_the_one_that_is_named_goes(bench: Bench) -> None:
    milk = await a_milk(bench.shop, a=(2, 10), b=(5, 20))
    async with calling(bench) as callers:
        assert (await move(bench, callers, milk, "2", IN)).status_code == 422
        assert (await move(bench, callers, milk, "2", IN, lot="B")).status_code == 201
        assert (await move(bench, callers, milk, "4", IN, lot="b")).status_code == 409


async def test_units_go_by_their_serials_and_come_out_by_their_inspection(bench: Bench) -> None:
    one, picked, other = serials(3)
    saw = await stock_saws(bench.shop, one, picked, other)
    order = await bench.shop.place((saw, 2))
    await bench.take("authorize_payment", order)
    [shipment] = await bench.shipments(order)
    await pick(bench.shop, shipment, picked)
    async with calling(bench) as callers:
        assert (await move(bench, callers, saw, "1", IN)).status_code == 422
        assert (await move(bench, callers, saw, "1", IN, serials=[picked])).status_code == 409
        made = await move(bench, callers, saw, "1", IN, serials=[one])
        assert made.status_code == 201, made.text
        assert (await unit(bench.shop, one))["status"] == "quarantined"
        refused = await move(bench, callers, saw, "1", OUT, serials=[one])
        assert refused.status_code == 409
        assert "inspect" in refused.json()["detail"]
        body = {"serial": one, "item_id": str(saw), "to": "stock", "reason": "dry"}
        done = await callers.post("/inventory/units/inspect", body, role="inspector")
        assert done.status_code == 200, done.text
    assert await history(bench.shop, one) == ["entered", "moved", "moved"]


async def test_goods_that_a_return_is_not_done_with_are_not_released(bench: Bench) -> None:
    mug = await bench.shop.item(AUS=4)
    async with calling(bench) as callers:
        assert (await move(bench, callers, mug, "1", IN)).status_code == 201
        back = await bench.authorized_return()
        [line] = await bench.shop.rows(
            "SELECT l.id, o.item_id FROM return_lines l"
            " JOIN order_lines o ON o.id = l.order_line_id WHERE l.return_id = :id",
            id=back,
        )
        came = {"lines": [{"return_line_id": str(line["id"]), "quantity": 1}]}
        await callers.post(f"/returns/{back}/receive", came, role="warehouse")
        refused = await move(bench, callers, line["item_id"], "1", OUT)
        assert refused.status_code == 409
        assert refused.json()["holders"][0]["document_id"] == str(back)


async def test_a_sold_unit_is_nowhere_to_be_moved_from(bench: Bench) -> None:
    [serial] = serials(1)
    await sold_saws(bench, serial)
    item = ItemId(UUID(str((await unit(bench.shop, serial))["item_id"])))
    async with calling(bench) as callers:
        refused = await move(bench, callers, item, "1", IN, serials=[serial])
    assert refused.status_code == 409
