"""Exactly the right money goes back for what is returned, whatever came before."""

import asyncio
from typing import Any
from uuid import UUID

from domain.tasks import TaskKind
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.exact import Sold, sold
from tests.workflows.money_stories import paid_with_two_cards, until
from tests.workflows.refund_stories import ask, is_now, usd
from tests.workflows.return_stories import (
    ask_all_back,
    ask_back,
    back_is,
    comes_back,
    do,
    found,
    inspect,
    receive,
    stock_of,
    would_give,
)
from tests.workflows.stage import Stage


async def test_a_discount_comes_back_by_shares(stage: Stage) -> None:
    """RET-01: 150.00 and 60.00 with 42.00 off: 120.00, then 48.00, as the estimates say."""
    order, [first, second] = await sold(stage, Sold(1, 15000, 3000), Sold(1, 6000, 1200))
    assert (await would_give(stage, order, (first, 1, "wrong_size")))["amount"] == usd(12000)
    assert (await comes_back(stage, order, first, 1, "wrong_size"))["refunded"] == usd(12000)
    assert (await would_give(stage, order, (second, 1, "wrong_size")))["amount"] == usd(4800)
    assert (await comes_back(stage, order, second, 1, "wrong_size"))["refunded"] == usd(4800)
    assert (await stage.paid(order)).refunded == 16800


async def test_the_other_order_of_the_same_returns_gives_the_same(stage: Stage) -> None:
    """RET-01: 48.00, then 120.00."""
    order, [first, second] = await sold(stage, Sold(1, 15000, 3000), Sold(1, 6000, 1200))
    assert (await comes_back(stage, order, second, 1, "wrong_size"))["refunded"] == usd(4800)
    assert (await comes_back(stage, order, first, 1, "wrong_size"))["refunded"] == usd(12000)


async def test_postage_comes_back_with_everything_that_was_our_fault(stage: Stage) -> None:
    """RET-03: 1 × 10.00 and 2.10 tax, shipping 5.00 and 1.05 tax: 18.15, order refunded."""
    order, [line] = await sold(stage, Sold(1, 1000, tax=210), shipping=500, shipping_tax=105)
    back = await ask_back(stage, order, line, 1, "defective")
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, 1, "scrap"))
    assert (await back_is(stage, back, "closed"))["refunded"] == usd(1815)
    async with calling(stage) as callers:
        seen = (await callers.get(f"/orders/{order}")).json()
        [refund] = (await callers.get(f"/refunds?order_id={order}")).json()["items"]
    assert (seen["payment_status"], seen["return_status"]) == ("refunded", "returned")
    assert (refund["shipping"], refund["tax"]) == (usd(605), usd(315))


async def test_postage_stays_when_the_customer_changed_its_mind(stage: Stage) -> None:
    """RET-03: returns R9 gives 12.10."""
    order, [line] = await sold(stage, Sold(1, 1000, tax=210), shipping=500, shipping_tax=105)
    assert (await comes_back(stage, order, line, 1, "changed_mind"))["refunded"] == usd(1210)


async def test_postage_comes_back_once_with_the_last_of_two_lines(stage: Stage) -> None:
    """RET-03: no postage with the first one, all of it with the second."""
    order, [one, two] = await sold(
        stage, Sold(1, 1000, tax=210), Sold(1, 2000, tax=420), shipping=500, shipping_tax=105
    )
    first = await ask_back(stage, order, one, 1, "defective")
    await receive(stage, first, 1)
    await inspect(stage, first, found(first, 1, "scrap"))
    assert (await back_is(stage, first, "closed"))["refunded"] == usd(1210)
    assert (await would_give(stage, order, (two, 1, "defective")))["amount"] == usd(2420 + 605)
    assert (await comes_back(stage, order, two, 1, "defective"))["refunded"] == usd(3025)
    assert (await stage.paid(order)).refunded == 1210 + 2420 + 605


async def test_goodwill_before_a_return_lowers_what_is_due(stage: Stage) -> None:
    """RET-05: of 4 × 25.00, with 30.00 given before, two and two bring 50.00 and 20.00."""
    order, [line] = await sold(stage, Sold(4, 2500))
    await is_now(stage, await ask(stage, order_id=str(order), goodwill=usd(3000)), "succeeded")
    assert (await comes_back(stage, order, line, 2, "changed_mind"))["refunded"] == usd(5000)
    estimate = await would_give(stage, order, (line, 2, "changed_mind"))
    assert (estimate["amount"], estimate["orders"][0]["limited"]) == (usd(2000), True)
    assert (await comes_back(stage, order, line, 2, "changed_mind"))["refunded"] == usd(2000)
    await until(stage, order, refunded=10000)
    query = "SELECT refunded_units FROM order_lines WHERE order_id = :order"
    assert await stage.shop.one(query, order=order) == 4
    async with calling(stage) as callers:
        assert (await callers.get(f"/orders/{order}")).json()["payment_status"] == "refunded"


async def test_goodwill_between_two_returns_lowers_the_second(stage: Stage) -> None:
    """RET-05: 50.00, 30.00, 20.00."""
    order, [line] = await sold(stage, Sold(4, 2500))
    assert (await comes_back(stage, order, line, 2, "changed_mind"))["refunded"] == usd(5000)
    await is_now(stage, await ask(stage, order_id=str(order), goodwill=usd(3000)), "succeeded")
    assert (await comes_back(stage, order, line, 2, "changed_mind"))["refunded"] == usd(2000)


async def test_scenario_b3_pays_exactly_once_whatever_is_pressed_twenty_times(
    stage: Stage,
) -> None:
    """Variant B3: laptop 1,299.99 with 113.75 tax: 1,413.74 once, finance having approved it."""
    order, [laptop, mice] = await sold(stage, Sold(1, 129999, tax=11375), Sold(2, 4999))
    more = await ask_back(
        stage, order, laptop, 2, "defective", evidence=["https://x.eu"], status=409
    )
    assert (more["code"], more["remaining_units"]) == ("quantity_exceeded", 1)
    photo = ["https://photos.example.com/dead-pixels.jpg"]
    back = await ask_back(stage, order, laptop, 1, "defective", evidence=photo)
    assert back["status"] == "requested"
    await do(stage, back, "authorize", "support")
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, 1, "return_to_supplier", note="5 dead pixels"))

    async def close() -> None:
        async with calling(stage) as callers:
            await callers.post(f"/returns/{back['id']}/close", {}, role="support")

    async def refund() -> int:
        async with calling(stage) as callers:
            units = [{"order_line_id": laptop["id"], "units": 1}]
            body = {"order_id": str(order), "lines": units, "reason": "back"}
            return (await callers.post("/refunds", body, role="support")).status_code

    await asyncio.gather(*(close() for _ in range(20)))

    async def promises() -> Any:
        # Its run settles it; the requests to close it may all have been answered before.
        return (await back_is(stage, back, "inspected"))["refunds"]

    [promised] = await eventually(promises)
    assert promised["amount"] == usd(141374)
    assert await asyncio.gather(*(refund() for _ in range(20))) == [409] * 20
    await stage.decide("refund_approval", UUID(promised["id"]), "approve")
    assert (await back_is(stage, back, "closed"))["refunded"] == usd(141374)
    assert (await stage.moved(order))["refund"] == 141374
    gone = await ask_back(stage, order, laptop, 1, "changed_mind", status=409)
    assert (gone["code"], gone["remaining_units"]) == ("quantity_exceeded", 0)
    assert await stock_of(stage, UUID(laptop["item_id"])) == {"damaged": 1}
    await ask_back(stage, order, mice, 2)


async def test_of_one_line_only_the_accepted_units_are_paid_back(stage: Stage) -> None:
    """Of three that came one goes back to the customer, unpaid: 50.00 of 75.00."""
    order, [line] = await sold(stage, Sold(3, 2500))
    back = await ask_back(stage, order, line, 3)
    await receive(stage, back, 3)
    kept, lost = found(back), found(back, 1, "scrap")
    await inspect(stage, back, kept, lost, found(back, 1, "return_to_customer"))
    await stage.decide("rejected_goods", UUID(back["id"]), "sent")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("refund", usd(5000))
    assert (await stage.moved(order))["refund"] == 5000
    assert await stock_of(stage, UUID(line["item_id"])) == {"stock": 1}


async def test_one_return_holds_lines_of_several_orders(stage: Stage) -> None:
    """Each line is judged, counted and paid back on its own order."""
    first, [mug] = await sold(stage, Sold(2, 2500))
    second, [pot] = await sold(stage, Sold(1, 4000))
    wanted = [
        {"order_line_id": line["id"], "quantity": 1, "reason": "changed_mind"}
        for line in (mug, pot)
    ]
    back = await ask_all_back(stage, first, wanted)
    await receive(stage, back, 1, 1)
    await inspect(stage, back, found(back), found(back, 1, "scrap", line=1))
    closed = await back_is(stage, back, "closed")
    assert closed["refunded"] == usd(6500)
    assert len(closed["refunds"]) == 2
    assert (await stage.paid(first)).refunded == 2500
    assert (await stage.paid(second)).refunded == 4000


async def test_what_is_asked_for_again_of_one_refund_of_several_has_the_postage_too(
    stage: Stage,
) -> None:
    """Finance gives one of two cards' refunds up, which has the postage: all goes back at last."""
    mug, pot = await stage.shop.item(AUS=10), await stage.shop.item(RNO=10)
    order, total, _ = await paid_with_two_cards(stage, (mug, 10), (pot, 10))
    async with calling(stage) as callers:
        lines = (await callers.get(f"/orders/{order}")).json()["lines"]
    wanted = [
        {"order_line_id": line["id"], "quantity": 10, "reason": "not_as_described"}
        for line in lines
    ]
    back = await ask_all_back(stage, order, wanted)
    await stage.decide(TaskKind.RETURN_REVIEW, UUID(back["id"]), "authorize")
    await receive(stage, back, 10, 10)
    await inspect(stage, back, found(back, 10), found(back, 10, line=1))
    async with calling(stage) as callers:

        async def asked() -> Any:
            path = f"/refunds?order_id={order}"
            refunds = (await callers.get(path, role="finance")).json()["items"]
            return refunds if len(refunds) == 2 else None

        refunds = await eventually(asked)
    for refund in refunds:
        answer = "reject" if refund["parent_id"] else "approve"
        await stage.decide(TaskKind.REFUND_APPROVAL, UUID(refund["id"]), answer)
    await stage.decide(TaskKind.RETURN_UNSERVED, UUID(back["id"]), "refund_again")
    assert (await back_is(stage, back, "closed"))["refunded"] == usd(total)
    assert (await stage.moved(order))["refund"] == total
    assert await stage.broken() == []
