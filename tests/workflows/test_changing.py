"""Orders that are changed before their goods have a label, and refused afterwards."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from domain.ids import OrderId, new_id
from domain.tasks import TaskKind
from tests.api.callers import Callers
from tests.patience import eventually
from tests.shop import address
from tests.workflows.asking import calling
from tests.workflows.stage import Stage

THERE = {**address("89501").model_dump(), "name": "Grace Hopper"}


@pytest.fixture
async def callers(stage: Stage) -> AsyncIterator[Callers]:
    async with calling(stage) as callers:
        yield callers


async def _change(callers: Callers, order: OrderId, body: dict[str, Any], **rest: Any) -> Any:
    return await callers.ask("PATCH", f"/orders/{order}", json=body, **rest)


async def _changes(stage: Stage, order: OrderId) -> list[list[str]]:
    rows = await stage.shop.rows(
        "SELECT data FROM events WHERE subject_id = :id AND type = 'order.changed.v1'"
        " ORDER BY sequence",
        id=order,
    )
    return [row["data"]["fields"] for row in rows]


async def test_an_unpaid_order_goes_where_it_was_changed_to(stage: Stage, callers: Callers) -> None:
    """R8: address, service and notes change before booking, and the event says which."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=None)
    body = {"ship_to": THERE, "shipping_service": "express", "notes": "Ring twice."}
    before = (await callers.get(f"/orders/{order}")).json()
    changed = await _change(callers, order, body, role="support")
    assert changed.status_code == 200, changed.text
    view = changed.json()
    assert (view["ship_to"]["name"], view["shipping_service"]) == ("Grace Hopper", "express")
    assert (view["notes"], view["total"]) == ("Ring twice.", before["total"])
    assert view["bill_to"] == before["bill_to"]
    await stage.pay(order, "tok_ok")
    shipment = await stage.shipment(order, "booked")
    [booking] = (await stage.carrier.ask("GET", f"/bookings?reference={shipment}"))["data"]
    assert (booking["ship_to"]["name"], booking["service"]) == ("Grace Hopper", "express")
    assert await _changes(stage, order) == [["notes", "ship_to", "shipping_service"]]

    turn = {"priority": 1, "promised_on": "2031-03-14"}
    urgent = (await _change(callers, order, turn, role="support")).json()
    assert {name: urgent[name] for name in turn} == turn
    late = await _change(callers, order, {"notes": "Too late.", **turn}, role="support")
    assert (late.status_code, late.json()["code"]) == (409, "illegal_move")
    assert "travels with a label" in late.json()["detail"]
    await stage.travel(shipment, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    over = await _change(callers, order, {"notes": "Over."}, role="support")
    assert (over.status_code, over.json()["current_status"]) == (409, "completed")
    over = await _change(callers, order, {"priority": 2}, role="support")
    assert (over.status_code, over.json()["current_status"]) == (409, "completed")


async def test_a_refused_label_is_sold_once_the_order_goes_elsewhere(
    stage: Stage, callers: Callers
) -> None:
    """R8: the change ends the question, under which the label was refused."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), postal_code="00000")
    refused = await stage.shipment(order, "pending")
    task = await stage.task(TaskKind.BOOKING_REFUSED, refused)
    assert (await _change(callers, order, {"ship_to": THERE}, role="support")).status_code == 200
    fresh = await stage.shipment(order, "booked")
    assert fresh != refused
    query = "SELECT status FROM tasks WHERE id = :id"
    assert await stage.shop.one(query, id=task["id"]) == "cancelled"
    assert await stage.shop.stock(mug) == (1, 1)
    await stage.travel(fresh, "delivered")
    assert await stage.result(stage.run(order)) == "completed"


async def test_a_change_is_made_once_and_only_of_the_version_that_was_read(
    stage: Stage, callers: Callers
) -> None:
    """R8: 412 for an order that has changed meanwhile; a repeat changes nothing."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=None)
    read = await callers.get(f"/orders/{order}")
    headers = {"If-Match": read.headers["etag"], "Idempotency-Key": uuid4().hex}
    first = await _change(callers, order, {"notes": "One."}, headers=headers)
    assert first.status_code == 200, first.text
    again = await _change(callers, order, {"notes": "One."}, headers=headers)
    assert (again.status_code, again.json()) == (200, first.json())
    same = await _change(callers, order, {"notes": "One."})
    assert same.json()["version"] == first.json()["version"]
    stale = {"If-Match": read.headers["etag"]}
    late = await _change(callers, order, {"notes": "Two."}, headers=stale)
    assert (late.status_code, late.json()["code"]) == (412, "stale")
    assert late.json()["version"] == first.json()["version"]
    assert await _changes(stage, order) == [["notes"]]
    await eventually(lambda: stage.exists(stage.run(order)))
    await stage.cancel(order)


async def test_a_customer_changes_only_its_own_order_and_not_what_it_paid_for(
    stage: Stage, callers: Callers
) -> None:
    """R8: a stranger hears that there is no such order; the service is the shop's to change."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token=None)
    own = {"role": "customer", "customer_id": stage.shop.customer_id}
    faster = await _change(callers, order, {"shipping_service": "express"}, **own)
    assert (faster.status_code, faster.json()["code"]) == (403, "forbidden")
    first = await _change(callers, order, {"priority": 1}, **own)
    assert (first.status_code, first.json()["code"]) == (403, "forbidden")
    mine = await _change(callers, order, {"ship_to": THERE}, **own)
    assert mine.status_code == 200, mine.text
    stranger = await callers.post("/customers", {"name": "Someone Else"})
    other = {"role": "customer", "customer_id": stranger.json()["id"]}
    for hidden in (order, new_id()):
        refused = await _change(callers, hidden, {"notes": "Mine?"}, **other)
        assert refused.status_code == 404, refused.text
    await eventually(lambda: stage.exists(stage.run(order)))
    await stage.cancel(order)
