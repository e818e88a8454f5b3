"""A label that the carrier refuses: every answer ends it, in the books and at the partners."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from activities.orders.changing import wake
from db.shipments.replacing import replace_shipment
from db.shipments.writes import lock_with_order
from domain.errors import Malformed
from domain.ids import ItemId, OrderId, ShipmentId, new_id
from domain.shipments.booking import AnswerDetails, OwnLabel
from domain.tasks import TaskKind
from tests.patience import eventually
from tests.shop import address
from tests.workflows.asking import calling
from tests.workflows.stage import Stage

REFUSED = TaskKind.BOOKING_REFUSED
UNSERVICEABLE, EXPRESS_ONLY, LIGHT_ONLY, ONE_PARCEL = "00000", "00004", "00005", "00006"


async def _refused(
    stage: Stage, postal_code: str, units: int = 1, grams: int = 400, **stock: int
) -> tuple[ItemId, OrderId, ShipmentId]:
    """Return an order whose label the carrier refuses."""
    item = await stage.shop.item(**(stock or {"AUS": units}))
    async with stage.books.begin() as db:
        weigh = text("UPDATE items SET weight_grams = :grams WHERE id = :id")
        await db.execute(weigh, {"grams": grams, "id": item})
    order = await stage.shop.place((item, units), postal_code=postal_code)
    shipment = await stage.shipment(order, "pending")
    await stage.task(REFUSED, shipment)
    return item, order, shipment


async def _delivered(stage: Stage, order: OrderId, item: ItemId, count: int = 1) -> None:
    """The order's labels are live, and its goods and money move as for any other."""
    for shipment in await stage.shipments(order, "booked", count):
        for number in await stage.numbers(shipment):
            await stage.advance(number, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.shop.stock(item) == (0, 0)
    moved = await stage.moved(order)
    assert moved["capture"] == moved["authorization"]


async def test_the_carriers_refusal_stands_in_the_question(stage: Stage) -> None:
    _, order, shipment = await _refused(stage, EXPRESS_ONLY)
    task = await stage.task(REFUSED, shipment)
    assert task["facts"]["code"] == "service_not_offered"
    assert "ground is not offered there: express, overnight is" in task["question"]
    await stage.cancel(order)


async def test_another_address_gets_the_label_and_becomes_the_orders(stage: Stage) -> None:
    item, order, shipment = await _refused(stage, UNSERVICEABLE)
    with pytest.raises(Malformed) as refused:
        await stage.decide(REFUSED, shipment, "change_address")
    assert refused.value.extensions["errors"][0]["pointer"] == "/address"
    there = address("89501").model_copy(update={"name": "Grace Hopper"})
    await stage.decide(REFUSED, shipment, "change_address", AnswerDetails(address=there))
    fresh = await stage.shipment(order, "booked")
    [booking] = (await stage.carrier.ask("GET", f"/bookings?reference={fresh}"))["data"]
    assert booking["ship_to"]["name"] == "Grace Hopper"
    row = await stage.order(order, "confirmed")
    assert row["ship_to"]["postal_code"] == "89501"
    history = await stage.run(order).fetch_history()
    assert "Grace Hopper" not in history.to_json()
    await _delivered(stage, order, item)


async def test_another_service_gets_the_label_and_the_price_stays(stage: Stage) -> None:
    item, order, shipment = await _refused(stage, EXPRESS_ONLY)
    total = (await stage.order(order, "confirmed"))["total_amount"]
    await stage.decide(REFUSED, shipment, "change_service", AnswerDetails(service="express"))
    fresh = await stage.shipment(order, "booked")
    [booking] = (await stage.carrier.ask("GET", f"/bookings?reference={fresh}"))["data"]
    assert booking["service"] == "express"
    await _delivered(stage, order, item)
    assert (await stage.order(order, "completed"))["total_amount"] == total


async def test_smaller_boxes_get_the_label(stage: Stage) -> None:
    item, order, shipment = await _refused(stage, LIGHT_ONLY, units=4, grams=5_000)
    assert (await stage.task(REFUSED, shipment))["facts"]["code"] == "parcel_too_heavy"
    details = AnswerDetails(heaviest_box_grams=10_000)
    await stage.decide(REFUSED, shipment, "smaller_boxes", details)
    fresh = await stage.shipment(order, "booked")
    assert len(await stage.numbers(fresh)) == 2
    await _delivered(stage, order, item)


async def test_a_split_shipment_has_a_label_for_each_part(stage: Stage) -> None:
    item, order, shipment = await _refused(stage, ONE_PARCEL, units=3, grams=40_000)
    assert (await stage.task(REFUSED, shipment))["facts"]["code"] == "too_many_parcels"
    with pytest.raises(Malformed):
        await stage.decide(REFUSED, shipment, "split", AnswerDetails(shipments=4))
    await stage.decide(REFUSED, shipment, "split", AnswerDetails(shipments=3))
    parts = await stage.shipments(order, "booked", 3)
    assert [len(await stage.numbers(part)) for part in parts] == [1, 1, 1]
    assert await stage.shop.stock(item) == (3, 3)
    await _delivered(stage, order, item, 3)


async def test_what_was_split_is_promised_no_longer_once_the_order_is_cancelled(
    stage: Stage,
) -> None:
    item, order, shipment = await _refused(stage, ONE_PARCEL, units=3, grams=40_000)
    await stage.decide(REFUSED, shipment, "split", AnswerDetails(shipments=2))
    # One of the parts is still two boxes, and refused again.
    part = await stage.shipment(order, "pending")
    await stage.task(REFUSED, part)
    await stage.shipment(order, "booked")
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"
    assert await stage.shop.stock(item) == (3, 0)
    assert True not in await stage.labels(order)


async def _bought(stage: Stage) -> str:
    """Buy a label at the carrier's counter; return its tracking number."""
    home = address().model_dump()
    asked = {
        "reference": f"counter/{new_id()}",
        "service": "ground",
        "ship_from": home,
        "ship_to": home,
        "parcels": [{"weight_grams": 400}],
    }
    booking = await stage.carrier.ask("POST", "/bookings", asked)
    return str(booking["parcels"][0]["tracking_number"])


async def test_a_label_that_a_person_bought_is_followed_like_any_other(stage: Stage) -> None:
    item, order, shipment = await _refused(stage, UNSERVICEABLE)
    label = OwnLabel(tracking_numbers=(await _bought(stage),))
    await stage.decide(REFUSED, shipment, "own_label", AnswerDetails(label=label))
    assert await stage.shipment(order, "booked") == shipment
    await _delivered(stage, order, item)


async def test_goods_with_a_carrier_that_tells_us_nothing_are_followed_by_people(
    stage: Stage,
) -> None:
    item, order, shipment = await _refused(stage, UNSERVICEABLE)
    label = OwnLabel(carrier="Freight & Sons", tracking_numbers=("FS-1", "FS-2"))
    await stage.decide(REFUSED, shipment, "own_label", AnswerDetails(label=label))
    await stage.shipment(order, "booked")
    path = f"/shipments/{shipment}/tracking"
    async with calling(stage) as callers:

        async def report(number: str, status: str, **rest: str) -> tuple[int, str]:
            body = {"tracking_number": number, "status": status, **rest}
            answer = await callers.post(path, body, role="warehouse")
            assert answer.headers.get("location") == (path if answer.is_success else None)
            return answer.status_code, answer.json().get("code", answer.json().get("status"))

        assert await report("FS-3", "picked_up") == (422, "malformed")
        for never in ("9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+14:00"):
            assert await report("FS-1", "picked_up", occurred_at=never) == (422, "malformed")
        assert (await report("FS-1", "picked_up"))[0] == 201
        await stage.shipment(order, "picked_up")
        assert await stage.shop.stock(item) == (0, 0)
        assert await report("FS-1", "delivered", signed_by="Ada") == (201, "picked_up")
        assert await report("FS-2", "delivered") == (201, "delivered")
        events = (await callers.get(path)).json()["events"]
        assert {event["source"] for event in events} == {"manual"}
    assert await stage.result(stage.run(order)) == "completed"
    moved = await stage.moved(order)
    assert moved["capture"] == moved["authorization"]


async def test_a_label_that_a_person_bought_is_given_back_by_one(stage: Stage) -> None:
    item, order, shipment = await _refused(stage, UNSERVICEABLE)
    label = OwnLabel(tracking_numbers=(await _bought(stage),))
    await stage.decide(REFUSED, shipment, "own_label", AnswerDetails(label=label))
    await stage.shipment(order, "booked")
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"
    assert (await stage.task(TaskKind.UNDO_FAILED, shipment))["facts"]["code"] == "own_label"
    assert await stage.shop.stock(item) == (1, 0)


async def test_goods_that_are_not_sent_end_the_order_when_nothing_else_is(stage: Stage) -> None:
    item, order, shipment = await _refused(stage, UNSERVICEABLE)
    await stage.decide(REFUSED, shipment, "cancel")
    assert await stage.result(stage.run(order)) == "cancelled"
    assert await stage.shop.stock(item) == (1, 0)
    moved = await stage.moved(order)
    assert moved["void"] == moved["authorization"]


async def test_goods_that_are_not_sent_are_left_out_of_an_order_that_goes_on(
    stage: Stage,
) -> None:
    item, order, shipment = await _refused(stage, ONE_PARCEL, 3, 40_000, AUS=1, RNO=2)
    async with calling(stage) as callers:
        task = await stage.task(REFUSED, shipment)
        view = (await callers.get(f"/tasks/{task['id']}", role="warehouse")).json()
    offered = {option["choice"]: option["amount"] for option in view["options"]}
    assert offered["cancel"] == {"amount": 2 * 2700, "currency": "USD"}
    await stage.decide(REFUSED, shipment, "cancel")
    assert await stage.shop.stock(item) == (3, 1)
    [sent] = await stage.shipments(order, "booked")
    await stage.travel(sent, "delivered")
    assert await stage.result(stage.run(order)) == "completed"
    assert await stage.shop.stock(item) == (2, 0)
    [line] = await stage.shop.rows("SELECT * FROM order_lines WHERE order_id = :id", id=order)
    assert (line["cancelled"], line["delivered"]) == (2, 1)
    moved = await stage.moved(order)
    assert moved["capture"] == line["total_amount"] // 3 + 500
    assert moved["void"] == moved["authorization"] - moved["capture"]


async def test_a_carrier_that_comes_round_sells_the_label_when_it_is_asked_again(
    stage: Stage,
) -> None:
    postal_code = "20500"
    await _set_area(stage, postal_code, {"serviced": False})
    item, order, shipment = await _refused(stage, postal_code)
    first = await stage.task(REFUSED, shipment)
    await stage.decide(REFUSED, shipment, "retry")
    await stage.asked_again(REFUSED, shipment, first)
    await _set_area(stage, postal_code, {})
    await stage.decide(REFUSED, shipment, "retry")
    await _delivered(stage, order, item)


async def test_more_boxes_than_a_shipment_may_have_are_a_question_and_no_burden(
    stage: Stage,
) -> None:
    """A million heavy units are refused before a million boxes are made of them."""
    _, order, shipment = await _refused(stage, "78701", units=1_000_000, grams=60_000)
    task = await stage.task(REFUSED, shipment)
    assert task["facts"]["code"] == "too_many_boxes"
    await stage.decide(REFUSED, shipment, "cancel")
    assert await stage.result(stage.run(order)) == "cancelled"


async def test_a_label_sold_for_a_pick_list_that_was_replaced_meanwhile_is_given_back(
    stage: Stage,
) -> None:
    postal_code = "20501"
    await _set_area(stage, postal_code, {"services": ["express"]})
    item, order, shipment = await _refused(stage, postal_code)
    await _set_area(stage, postal_code, {})
    # The carrier sells the label, but its answer is lost; meanwhile a person decides.
    await stage.carrier.fault("timeout_after_success", "book")
    await stage.decide(REFUSED, shipment, "retry")
    await eventually(lambda: _sold(stage, shipment))
    async with stage.books.begin() as db:
        order_row, row = await lock_with_order(db, shipment)
        await replace_shipment(db, row, "support", service="express")
        await wake(db, order_row)
    await _delivered(stage, order, item)
    assert sorted(await stage.labels(order)) == [False, True]


async def _sold(stage: Stage, shipment: UUID) -> bool:
    return bool((await stage.carrier.ask("GET", f"/bookings?reference={shipment}"))["data"])


async def _set_area(stage: Stage, postal_code: str, rules: dict[str, Any]) -> None:
    await stage.carrier.ask("PUT", f"/sandbox/areas/{postal_code}", rules)
