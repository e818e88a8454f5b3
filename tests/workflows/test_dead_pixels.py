"""Scenario B: a laptop comes back with dead pixels, and another one goes out."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.ids import ItemId, OrderId, new_id
from tests.aging import DAYS, age
from tests.workflows.asking import calling
from tests.workflows.label_stories import label_is, number_of, parcel_is
from tests.workflows.refund_stories import usd
from tests.workflows.replacement_stories import (
    arrives,
    bought,
    is_sent,
    item_at,
    replacement_of,
    replacements,
    seen,
)
from tests.workflows.return_stories import PHOTO, back_is, do, found, inspect, receive, stock_of
from tests.workflows.stage import Stage

LAPTOP, MOUSE = 129_999, 4_999


async def _as_customer(stage: Stage, path: str, body: Any) -> Any:
    async with calling(stage) as callers:
        customer = stage.shop.customer_id
        return await callers.post(path, body, role="customer", customer_id=customer)


def _wanted(order: OrderId, line: Any, units: int) -> dict[str, Any]:
    wanted = {
        "order_line_id": line["id"],
        "quantity": units,
        "reason": "defective",
        "comment": "Screen has dead pixels",
        "evidence": [PHOTO],
    }
    asked = {"order_id": str(order), "lines": [wanted], "resolution_wanted": "replacement"}
    return {**asked, "ship_back": "label"}


async def _bin(stage: Stage, back: Any, code: str) -> UUID:
    """Add a place for damaged goods to the site that a return comes to."""
    place = new_id()
    async with stage.books.begin() as db:
        await db.execute(
            text(
                "INSERT INTO locations (id, site_id, code, kind, sellable, valued)"
                " VALUES (:id, :site, :code, 'damaged', false, false)"
            ),
            {"id": place, "site": UUID(back["site_id"]), "code": code},
        )
    return place


async def _sold(stage: Stage) -> tuple[ItemId, ItemId, OrderId, Any]:
    """Deliver S2; returns the laptop, the mouse, the order, and its lines."""
    laptop, mouse = await item_at(stage, LAPTOP), await item_at(stage, MOUSE)
    await arrives(stage, laptop, 5)
    await arrives(stage, mouse, 20)
    order, lines = await bought(stage, (laptop, 1), (mouse, 2))
    assert (await seen(stage, order))["total"] == usd(139_997)
    return laptop, mouse, order, lines


async def _asked(stage: Stage, order: OrderId, line: Any) -> Any:
    """Let the customer ask for another laptop, and support agree; returns the labelled return."""
    back = (await _as_customer(stage, "/returns", _wanted(order, line, 1))).json()
    stage.shop.numbers[UUID(back["id"])] = back["number"]
    assert back["status"] == "requested"
    await stage.task("return_review", UUID(back["id"]))
    assert (await _as_customer(stage, f"/returns/{back['id']}/authorize", {})).status_code == 403
    await do(stage, back, "authorize", "support")
    return await label_is(stage, back, "booked")


async def test_a_laptop_with_dead_pixels_is_replaced(stage: Stage) -> None:
    """Scenario B, main story: 1,399.97 stay captured, and nothing is refunded."""
    laptop, mouse, order, lines = await _sold(stage)
    refused = await _as_customer(stage, "/returns", _wanted(order, lines[0], 2))
    assert (refused.status_code, refused.json()["remaining_units"]) == (409, 1)
    back = await _asked(stage, order, lines[0])
    assert back["status"] == "authorized"
    by, since = (datetime.fromisoformat(back[name]) for name in ("ship_back_by", "authorized_at"))
    assert abs(by - since - timedelta(days=30)) < timedelta(minutes=1)
    await stage.advance(number_of(back), "in_transit")
    assert (await parcel_is(stage, back, "in_transit"))["status"] == "authorized"

    await receive(stage, back, 1)
    assert await stock_of(stage, laptop) == {"stock": 4, "quarantine": 1}
    assert await stage.shop.stock(laptop) == (4, 0)
    what = "5 dead pixels upper right"
    defective = await _bin(stage, back, "DEFECTIVE-BIN-03")
    where = {"location_id": str(defective), "condition": what}
    await inspect(stage, back, found(back, 1, "return_to_supplier", **where))
    placed = await replacement_of(stage, back)
    anew = UUID(placed["id"])
    assert (await seen(stage, anew))["total"] == usd(0)
    assert await stage.shop.stock(laptop) == (4, 1)
    await back_is(stage, back, "inspected")
    await is_sent(stage, placed)
    closed = await back_is(stage, back, "closed")
    assert closed["resolution"] == "replacement"
    first = await do(stage, back, "close", "support")
    assert (first["object"], first["completed"]) == ("return", True)
    assert first == await do(stage, back, "close", "support")
    again = await _as_customer(stage, "/returns", _wanted(order, lines[0], 1))
    assert (again.status_code, again.json()["remaining_units"]) == (409, 0)

    assert await stock_of(stage, laptop) == {"stock": 3, "damaged": 1}
    in_bin = "SELECT on_hand FROM balances WHERE item_id = :item AND location_id = :place"
    assert await stage.shop.one(in_bin, item=laptop, place=defective) == 1
    assert await stage.shop.stock(laptop) == (3, 0)
    assert await stock_of(stage, mouse) == {"stock": 18}
    async with calling(stage) as callers:
        returnable = (await callers.get(f"/orders/{order}/returnable")).json()
    assert [each["returnable"] for each in returnable["lines"]] == [0, 2]
    paid = await stage.paid(order)
    assert (paid.captured, paid.refunded) == (139_997, 0)
    shown, original = await seen(stage, anew), await seen(stage, order)
    assert shown["payment_status"] == "not_required"
    assert (shown["replaces_return_id"], closed["order_id"]) == (back["id"], str(order))
    assert original["return_status"] == "partially_returned"
    assert await stage.broken() == []


async def test_a_laptop_that_is_not_sent_back_stays_with_its_customer(stage: Stage) -> None:
    """B1: expired after D+30, the unit can be asked for again, but not on D+31."""
    laptop, _, order, lines = await _sold(stage)
    back = await _asked(stage, order, lines[0])
    await stage.pass_time(stage.returning(UUID(back["id"])), timedelta(days=30, minutes=1))
    await back_is(stage, back, "expired")
    async with calling(stage) as callers:
        returnable = (await callers.get(f"/orders/{order}/returnable")).json()
    assert [each["returnable"] for each in returnable["lines"]] == [1, 2]

    await age(stage, "shipments", "delivered_at", 31 * DAYS, order_id=order)
    late = await _as_customer(stage, "/returns", _wanted(order, lines[0], 1))
    assert (late.status_code, late.json()["code"]) == (409, "window_closed")
    assert await stock_of(stage, laptop) == {"stock": 4}
    assert (await stage.paid(order)).refunded == 0


async def test_a_laptop_without_a_fault_goes_back_to_its_customer(stage: Stage) -> None:
    """B2: nothing is accepted, so there is no replacement and no money."""
    laptop, _, order, lines = await _sold(stage)
    back = await _asked(stage, order, lines[0])
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, 1, "return_to_customer", note="works"))
    await stage.decide("rejected_goods", UUID(back["id"]), "sent")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["replacement_order"]) == ("rejected", None)
    assert await replacements(stage, back) == 0
    assert await stock_of(stage, laptop) == {"stock": 4}
    paid = await stage.paid(order)
    assert (paid.captured, paid.refunded) == (139_997, 0)
