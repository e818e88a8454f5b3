"""Who registers warranties by hand, and on what: units that their customer has, and none twice."""

from typing import Any
from uuid import uuid4

from sqlalchemy import text

from domain.returns.status import Disposition
from domain.warranties.terms import WarrantyStart
from tests.activities.bench import Bench
from tests.activities.promised import (
    arrive,
    calling,
    delivered,
    line_of,
    placed,
    sell_with,
    sent,
    term,
    warranties,
)
from tests.activities.serial_returns import ask_back, inspect, receive
from tests.api.callers import new_key
from tests.units import pick, serials, stock_saws

FROM_REGISTRATION = {"starts": WarrantyStart.REGISTRATION}


def own(bench: Bench) -> dict[str, Any]:
    """Return who the customer is whose orders these are."""
    return {"role": "customer", "customer_id": bench.shop.customer_id}


async def test_a_customer_does_not_undo_a_void_by_registering_again(bench: Bench) -> None:
    """Nor does the shop that sold the goods: staff alone does."""
    order, _ = await delivered(bench, await term(bench, 3), AUS=2)
    [found] = await warranties(bench, order)
    body = {"order_line_id": str(found["order_line_id"])}
    async with calling(bench) as callers:
        voided = await callers.post(f"/warranties/{found['id']}/void", {"reason": "altered"})
        assert voided.status_code == 200
        again = await callers.post("/warranties", body, **own(bench))
        assert (again.status_code, again.json()["code"]) == (409, "quantity_exceeded")
        assert again.json()["remaining_units"] == 0
        assert (await callers.post("/warranties", body, role="support")).status_code == 201


async def test_a_unit_whose_warranty_is_void_is_registered_by_staff_alone(bench: Bench) -> None:
    """Another unit of the same line the customer still registers."""
    order, _, [one, other] = await sent(bench, await term(bench, 3, **FROM_REGISTRATION), 2)
    line = str(await line_of(bench, order))
    async with calling(bench) as callers:

        async def register(serial: str, **who: Any) -> Any:
            return await callers.post(
                "/warranties", {"order_line_id": line, "serial": serial}, **who
            )

        made = (await register(one, **own(bench))).json()
        await callers.post(f"/warranties/{made['id']}/void", {"reason": "altered"})
        refused = await register(one, **own(bench))
        assert (refused.status_code, refused.json()["current_status"]) == (409, "void")
        assert (await register(other, **own(bench))).status_code == 201
        assert (await register(one, role="support")).status_code == 201


async def test_a_unit_that_is_back_with_us_is_not_registered_with_its_former_order(
    bench: Bench,
) -> None:
    """The one that the customer has kept is."""
    order, _, [back, kept] = await sent(bench, await term(bench, 3, **FROM_REGISTRATION), 2)
    opened, line = await ask_back(bench, order, 1, back)
    await receive(bench, opened, line, back)
    await inspect(bench, opened, line, Disposition.RESTOCK, back)
    body = {"order_line_id": str(await line_of(bench, order))}
    async with calling(bench) as callers:
        for who in (own(bench), {"role": "support"}):
            refused = await callers.post("/warranties", {**body, "serial": back}, **who)
            assert (refused.status_code, refused.json()["current_status"]) == (409, "in_stock")
        made = await callers.post("/warranties", {**body, "serial": kept}, **own(bench))
        assert made.status_code == 201


async def test_a_unit_that_is_still_on_its_way_is_not_registered(bench: Bench) -> None:
    """Though another one of its line has come, and has no warranty."""
    [one], [other] = serials(1), serials(1)
    item = await stock_saws(bench.shop, one)
    await stock_saws(bench.shop, other, site="RNO", item=item)
    await sell_with(bench, item, await term(bench, 3, **FROM_REGISTRATION))
    order = await bench.shop.place((item, 2))
    await bench.take("authorize_payment", order)
    for shipment in await bench.shipments(order):
        lines = await bench.shop.rows(
            "SELECT u.serial FROM shipment_lines x JOIN units u ON u.location_id = x.location_id"
            " WHERE x.shipment_id = :id AND u.item_id = x.item_id",
            id=shipment,
        )
        await pick(bench.shop, shipment, lines[0]["serial"])
        if lines[0]["serial"] == one:
            await arrive(bench, shipment)
        else:
            await bench.take("book_shipment", shipment)
            await bench.scan(shipment, "PU")
            await bench.take("hand_over_shipment", shipment)
    body = {"order_line_id": str(await line_of(bench, order))}
    async with calling(bench) as callers:
        refused = await callers.post("/warranties", {**body, "serial": other}, **own(bench))
        assert (refused.status_code, refused.json()["code"]) == (409, "illegal_move")
        made = await callers.post("/warranties", {**body, "serial": one}, **own(bench))
        assert made.status_code == 201


async def test_units_with_serials_are_registered_by_their_serials_alone(bench: Bench) -> None:
    """With an order's line, and with a proof of purchase; other goods without any."""
    code = await term(bench, 3, **FROM_REGISTRATION)
    order, item, _ = await sent(bench, code, 2)
    mugs, mug = await placed(bench, code)
    [shipment] = await bench.shipments(mugs)
    await arrive(bench, shipment)
    elsewhere = {
        "customer_id": str(bench.shop.customer_id),
        "proof_of_purchase": "receipt 1187",
        "starts_on": "2031-01-31",
    }
    async with calling(bench) as callers:
        for body in (
            {"order_line_id": str(await line_of(bench, order))},
            {"order_line_id": str(await line_of(bench, order)), "quantity": 2},
            {"order_line_id": str(await line_of(bench, mugs)), "serial": "S-1"},
            {"item_id": str(item), **elsewhere},
            {"item_id": str(mug), "serial": "S-1", **elsewhere},
        ):
            refused = await callers.post("/warranties", body, role="support")
            assert refused.status_code == 422, body
            assert [each["pointer"] for each in refused.json()["errors"]] == ["/serial"]


async def test_which_warranty_a_unit_is_under_is_told_to_those_who_may_see_it(bench: Bench) -> None:
    """Support has registered the unit with a proof, which the shop that sold it is not shown."""
    shop = f"shop-{uuid4().hex[:8]}"
    code = await term(bench, 3, **FROM_REGISTRATION)
    order, item, [serial] = await sent(bench, code, 1)
    async with bench.shop.books.begin() as db:
        await db.execute(
            text("UPDATE orders SET source = :shop WHERE id = :id"), {"shop": shop, "id": order}
        )
    proven = {
        "item_id": str(item),
        "customer_id": str(bench.shop.customer_id),
        "serial": serial,
        "proof_of_purchase": "receipt 1187",
        "starts_on": "2031-01-31",
    }
    body = {"order_line_id": str(await line_of(bench, order)), "serial": serial}
    async with calling(bench) as callers:
        made = (await callers.post("/warranties", proven, role="support")).json()
        told = await callers.post("/warranties", body, **own(bench))
        assert (told.status_code, told.json()["id"]) == (409, made["id"])
        key = await new_key(bench.shop.books, "integration", name=shop)
        sent_with = {"Authorization": f"Bearer {key}"}
        refused = await callers.post("/warranties", body, headers=sent_with)
        assert (refused.status_code, refused.json()["code"]) == (409, "already_exists")
        assert "id" not in refused.json()
