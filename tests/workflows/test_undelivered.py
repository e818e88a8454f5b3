"""A parcel that comes back undelivered is a return that opens by itself, and money moves once."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.ids import OrderId
from domain.tasks import TaskKind
from tests.shop import address
from tests.workflows.asking import calling
from tests.workflows.prepaid_stories import prepaid
from tests.workflows.refund_stories import ask, is_now, usd
from tests.workflows.replacement_stories import is_sent, replacement_of, seen
from tests.workflows.return_stories import back_is, do, found, inspect, receive, stock_of
from tests.workflows.stage import Stage
from tests.workflows.undelivered_stories import (
    MUG,
    POSTAGE,
    answer,
    brought_back,
    ends,
    is_here,
    opened_by,
    returns_of,
)

AGO = (datetime.now(UTC) - timedelta(hours=2)).isoformat()


async def test_a_parcel_on_its_way_back_that_is_delivered_opens_an_authorized_return(
    stage: Stage,
) -> None:
    """E4: RS, then DL, is returned, and an authorized return with its rule waits for the goods."""
    mug = await stage.shop.item(AUS=2)
    order = await stage.shop.place((mug, 2))
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "in_transit")
    await stage.scan(shipment, "RS", occurred_at=AGO)
    await stage.scan(shipment, "DL")
    back = await opened_by(stage, shipment, order)
    assert (back["kind"], back["status"], back["order_id"]) == (
        "undeliverable",
        "authorized",
        str(order),
    )
    assert (back["ship_back"], back["ship_back_by"]) == ("carrier", None)
    number = stage.shop.numbers[shipment]
    assert back["decision"] == {
        "rule": "undeliverable",
        "inputs": {
            "shipment": number,
            "status": "returned",
            "value": 2 * MUG,
            "currency": "USD",
        },
    }
    [line] = back["lines"]
    assert (line["quantity"], line["reason"], line["received"]) == (2, "undeliverable", 0)
    assert await stage.result(stage.tracking(shipment)) == "returned"
    assert await stage.result(stage.run(order)) == "completed"
    shown = await seen(stage, order)
    counted = {name: shown["lines"][0][name] for name in ("delivered", "written_off")}
    assert counted == {"delivered": 0, "written_off": 2}
    assert shown["return_status"] == "requested"
    assert await stock_of(stage, mug) == {}
    async with calling(stage) as callers:
        process = (await callers.get(f"/returns/{back['id']}/process", role="support")).json()
        returnable = (await callers.get(f"/orders/{order}/returnable", role="support")).json()
    assert [wait["who"] for wait in process["waiting_for"]] == ["a person", "the warehouse"]
    assert returnable["lines"][0]["returnable"] == 0
    assert await stage.broken() == []


async def test_what_came_back_is_inspected_and_paid_back_once(stage: Stage) -> None:
    """Goods move by receipt and inspection alone; the postage stays, as the answer says."""
    order, _, back = await brought_back(stage, 2)
    await receive(stage, back, 2)
    item = await stage.shop.one("SELECT item_id FROM order_lines WHERE order_id = :id", id=order)
    assert await stock_of(stage, item) == {"quarantine": 2}
    await inspect(stage, back, found(back, 2))
    assert await stock_of(stage, item) == {"stock": 2}
    await stage.wait_says(stage.returning(UUID(back["id"])), "the refund")
    assert (await stage.moved(order)).get("refund", 0) == 0
    await answer(stage, back, "refund")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("refund", usd(2 * MUG))
    await asyncio.gather(*(do(stage, back, "close", "support") for _ in range(5)))
    assert (await stage.moved(order))["refund"] == 2 * MUG
    assert (await seen(stage, order))["return_status"] == "returned"
    assert await stage.broken() == []


async def test_the_postage_goes_back_where_it_was_not_the_customers_fault(stage: Stage) -> None:
    """T20: nothing of the order reached the customer, so that all that was paid goes back."""
    order, _, back = await brought_back(stage)
    closed = await ends(stage, back, "refund_with_postage")
    assert closed["refunded"] == usd(MUG + POSTAGE)
    moved = await stage.moved(order)
    assert moved["refund"] == moved["capture"]
    assert await stage.broken() == []


async def test_a_returned_parcel_gives_its_own_money_and_leaves_that_of_what_arrived(
    stage: Stage,
) -> None:
    """One parcel is kept, one comes back: its goods are given back without the postage."""
    mug = await stage.shop.item(AUS=1, RNO=1)
    order = await stage.shop.place((mug, 2))
    kept, returned = await stage.shipments(order, "booked", 2)
    await stage.travel(kept, "delivered")
    await stage.travel(returned, "returned")
    back = await opened_by(stage, returned, order)
    closed = await ends(stage, back, "refund_with_postage")
    assert closed["refunded"] == usd(MUG)
    async with calling(stage) as callers:
        [line] = (await callers.get(f"/orders/{order}/returnable", role="support")).json()["lines"]
    assert (line["delivered"], line["returnable"]) == (1, 1)
    assert (await seen(stage, order))["return_status"] == "partially_returned"
    assert await stage.broken() == []


async def test_goods_are_sent_anew_to_the_address_that_support_gives(stage: Stage) -> None:
    """A replacement order for nothing; no money moves, and the return closes when it has left."""
    order, _, back = await brought_back(stage)
    await answer(stage, back, "resend", address=address("89501"))
    await is_here(stage, back)
    placed = await replacement_of(stage, back)
    shown = await seen(stage, UUID(placed["id"]))
    assert (shown["total"], shown["ship_to"]["postal_code"]) == (usd(0), "89501")
    await is_sent(stage, placed, "delivered")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("replacement", usd(0))
    await stage.order(OrderId(UUID(placed["id"])), "completed")
    assert (await stage.moved(order)).get("refund", 0) == 0
    assert await stage.broken() == []


async def test_goods_that_cannot_be_sent_anew_are_paid_back_with_the_postage(stage: Stage) -> None:
    """What came back is broken and nothing is in stock: nothing reached the customer."""
    order, _, back = await brought_back(stage)
    await answer(stage, back, "resend")
    await is_here(stage, back, "scrap")
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "the replacement")
    await stage.pass_time(run, timedelta(days=7, minutes=1))
    await stage.decide(TaskKind.NO_REPLACEMENT_STOCK, UUID(back["id"]), "refund")
    closed = await back_is(stage, back, "closed")
    assert closed["refunded"] == usd(MUG + POSTAGE)
    moved = await stage.moved(order)
    assert moved["refund"] == moved["capture"]
    assert await stage.broken() == []


async def test_what_is_settled_elsewhere_moves_goods_and_no_money(stage: Stage) -> None:
    order, _, back = await brought_back(stage)
    closed = await ends(stage, back, "write_off")
    assert (closed["resolution"], closed["refunds"]) == ("served_otherwise", [])
    assert (await stage.moved(order)).get("refund", 0) == 0
    item = await stage.shop.one("SELECT item_id FROM order_lines WHERE order_id = :id", id=order)
    assert await stock_of(stage, item) == {"stock": 1}
    assert await stage.broken() == []


async def test_units_that_the_carrier_did_not_bring_back_are_paid_back_too(stage: Stage) -> None:
    """The customer never had them, so that the books know that they are missing, and whose."""
    _, _, back = await brought_back(stage, 3)
    await answer(stage, back, "refund")
    await receive(stage, back, 1)
    await do(stage, back, "finish_receiving", "warehouse")
    await inspect(stage, back, found(back, 1))
    closed = await back_is(stage, back, "closed")
    ends = closed["lines"][0]["dispositions"]
    assert {each["disposition"]: each["quantity"] for each in ends} == {"restock": 1, "scrap": 2}
    assert closed["refunded"] == usd(3 * MUG)
    assert await stage.broken() == []


async def test_a_parcel_that_never_reaches_the_warehouse_is_paid_back(stage: Stage) -> None:
    """The carrier's word alone moves no stock: finished with nothing, nothing is in quarantine."""
    order, _, back = await brought_back(stage)
    await answer(stage, back, "refund")
    await do(stage, back, "finish_receiving", "warehouse")
    closed = await back_is(stage, back, "closed")
    assert closed["refunded"] == usd(MUG)
    item = await stage.shop.one("SELECT item_id FROM order_lines WHERE order_id = :id", id=order)
    assert await stock_of(stage, item) == {}
    assert await stage.broken() == []


async def test_units_that_are_not_accepted_end_the_return_without_a_question(
    stage: Stage,
) -> None:
    """A box of bricks: nothing is due for it, whatever would have been answered."""
    order, _, back = await brought_back(stage)
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, 1, "scrap", accepted=False))
    closed = await back_is(stage, back, "closed")
    assert closed["resolution"] == "rejected"
    assert (await stage.moved(order)).get("refund", 0) == 0
    query = "SELECT status FROM tasks WHERE kind = 'undeliverable' AND document_id = :id"
    assert await stage.shop.one(query, id=UUID(back["id"])) == "cancelled"
    assert await stage.broken() == []


async def test_money_that_could_not_be_taken_is_given_up_with_the_answer(stage: Stage) -> None:
    """Nothing was paid: nothing goes back, finance need not ask for it, and the order completes."""
    order, shipment, back = await brought_back(stage, token="tok_capture_declined")
    await stage.task(TaskKind.CAPTURE_FAILED, shipment)
    assert (await stage.order(order, "confirmed"))["completed_at"] is None
    closed = await ends(stage, back, "refund_with_postage")
    assert closed["refunded"] == usd(0)
    assert await stage.result(stage.tracking(shipment)) == "returned"
    assert await stage.result(stage.run(order)) == "completed"
    moved = await stage.moved(order)
    assert (moved["capture"], moved.get("refund", 0)) == (0, 0)
    assert await stage.broken() == []


async def test_of_an_order_paid_when_confirmed_each_unit_goes_back_once(stage: Stage) -> None:
    """One unit of two was given back before: the return gives the other, and the postage."""
    order = await prepaid(stage, AUS=2)
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "returned")
    back = await opened_by(stage, shipment, order)
    unit = {"order_line_id": back["lines"][0]["order_line_id"], "units": 1}
    first = await ask(stage, order_id=str(order), lines=[unit])
    await is_now(stage, first, "succeeded")
    closed = await ends(stage, back, "refund_with_postage")
    assert closed["refunded"] == usd(MUG + POSTAGE)
    moved = await stage.moved(order)
    assert moved["refund"] == moved["capture"]
    assert await stage.broken() == []


async def test_nobody_asks_for_such_a_return_or_gives_it_up(stage: Stage) -> None:
    """It opens by itself, and its customer is not left with nothing by a cancellation."""
    order, _, back = await brought_back(stage)
    await do(stage, back, "cancel", "support", status=409)
    line = {"order_line_id": back["lines"][0]["order_line_id"], "quantity": 1}
    async with calling(stage) as callers:
        for given in (
            {"kind": "undeliverable", "lines": [{**line, "reason": "defective"}]},
            {"lines": [{**line, "reason": "undeliverable"}]},
            {"lines": [{**line, "reason": "defective"}], "ship_back": "carrier"},
        ):
            body = {"order_id": str(order), **given}
            refused = await callers.post("/returns", body, role="support")
            assert refused.status_code == 422, refused.text
    assert [one["id"] for one in await returns_of(stage, order_id=order)] == [back["id"]]


async def test_the_first_answer_about_a_returned_parcel_counts(stage: Stage) -> None:
    """Ten answers at once, of two kinds: one of them is carried out, and only that."""
    order, _, back = await brought_back(stage, stock=1)
    task = await stage.task(TaskKind.UNDELIVERABLE, UUID(back["id"]))
    async with calling(stage) as callers:
        given = [
            callers.post(f"/tasks/{task['id']}/decide", {"choice": choice}, role="support")
            for choice in ("refund", "resend") * 5
        ]
        answers = await asyncio.gather(*given)
    assert {each.status_code for each in answers} == {200, 409}
    await is_here(stage, back)
    chosen = await stage.shop.one("SELECT outcome FROM tasks WHERE id = :id", id=task["id"])
    if chosen == "resend":
        await is_sent(stage, await replacement_of(stage, back))
    closed = await back_is(stage, back, "closed")
    assert closed["parcel_answer"] == chosen
    refunded = (await stage.moved(order)).get("refund", 0)
    assert refunded == (MUG if chosen == "refund" else 0)
    assert await stage.broken() == []
