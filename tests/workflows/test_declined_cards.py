"""Card after card is declined for one order: a pause, then a person, and small answers."""

from typing import Any
from uuid import UUID

from httpx2 import Response

from domain.ids import CustomerId, OrderId
from domain.orders.attempts import DECLINES_WITHIN, PAUSE, PAUSE_FROM, REVIEW_FROM
from domain.orders.placing import PaymentMethod
from domain.tasks import TaskKind
from tests.aging import age, age_declines
from tests.workflows.asking import calling, set_to
from tests.workflows.stage import Stage


async def test_declined_cards_are_slowed_down_and_then_looked_at_by_a_person(stage: Stage) -> None:
    """T18: after 5 declines 429 with Retry-After, after 15 a hold, a task, and no more cards."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token="tok_declined")
    path = f"/orders/{order}/payments"
    async with calling(stage) as callers:
        for attempt in range(2, PAUSE_FROM + 1):
            await stage.declined(order, attempt - 1)
            tried = await callers.post(path, {"token": "tok_declined"})
            assert tried.status_code == 201, tried.text
        await stage.declined(order, PAUSE_FROM)
        slowed = await callers.post(path, {"token": "tok_declined"})
        assert (slowed.status_code, slowed.json()["code"]) == (429, "too_many_attempts")
        assert 0 < int(slowed.headers["retry-after"]) <= PAUSE.total_seconds()
        assert slowed.json()["retry_after"] == int(slowed.headers["retry-after"])

        for attempt in range(PAUSE_FROM + 1, REVIEW_FROM + 1):
            await age_declines(stage, order, PAUSE)
            tried = await callers.post(path, {"token": "tok_declined"})
            assert tried.status_code == 201, tried.text
            await stage.declined(order, attempt)
        task = await stage.task(TaskKind.FRAUD_REVIEW, order)
        assert task["facts"]["declined"] == REVIEW_FROM
        view = (await callers.get(f"/orders/{order}")).json()
        assert [hold["reason"] for hold in view["holds"]] == ["fraud_review"]
        assert len(view["payments"]) == 10
        await age_declines(stage, order, PAUSE)
        refused = await callers.post(path, {"token": "tok_ok"})
        assert (refused.status_code, refused.json()["current_status"]) == (409, "on_hold")

        decided = await callers.post(
            f"/tasks/{task['id']}/decide", {"choice": "cancel"}, role="finance"
        )
        assert decided.status_code == 200, decided.text
    assert await stage.result(stage.run(order)) == "cancelled"
    assert (await stage.order(order, "cancelled"))["cancel_reason"] == "fraud"
    assert await stage.shop.stock(mug) == (1, 0)


async def test_cards_are_not_tried_out_one_order_each(stage: Stage) -> None:
    """So many of one customer are declined within an hour over all orders; others go on paying."""
    mug = await stage.shop.item(AUS=20)
    made: dict[str, CustomerId] = {}

    async def buy(name: str, **how: Any) -> Response:
        asked = stage.shop.submission([(mug, 1)], customer_id=made[name], **how)
        return await callers.post("/orders", asked.order.model_dump(mode="json"))

    with set_to(stage, declines_per_customer=2):
        async with calling(stage) as callers:
            for name in ("ada", "grace"):
                customer = await callers.post("/customers", {"name": name})
                made[name] = CustomerId(UUID(customer.json()["id"]))
            orders = []
            for _ in range(2):
                tried = await buy("ada", token="tok_declined")
                assert tried.status_code == 201, tried.text
                orders.append(OrderId(UUID(tried.json()["id"])))
                await stage.declined(orders[-1], 1)
            pay = (f"/orders/{orders[0]}/payments", {"token": "tok_ok"})
            for refused in (await buy("ada"), await callers.post(*pay)):
                assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
                assert 3000 < int(refused.headers["retry-after"]) <= 3600
            later = await buy("ada", token=None, method=PaymentMethod.BANK_TRANSFER)
            assert later.status_code == 201, later.text
            assert (await buy("grace")).status_code == 201
            await age(stage, "customers", "declines_from", DECLINES_WITHIN, id=made["ada"])
            paid = await callers.post(*pay)
            assert paid.status_code == 201, paid.text
    await stage.order(orders[0], "confirmed")


async def test_a_hold_that_support_releases_takes_the_question_back(stage: Stage) -> None:
    """T18: the question goes with its hold, and comes again with the next declined card."""
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1), token="tok_declined")
    for attempt in range(2, REVIEW_FROM + 1):
        await stage.declined(order, attempt - 1)
        await age_declines(stage, order, PAUSE)
        await stage.pay(order, "tok_declined")
    first = await stage.task(TaskKind.FRAUD_REVIEW, order)
    query = "SELECT id FROM holds WHERE document_id = :id AND released_at IS NULL"
    await stage.release(order, await stage.shop.one(query, id=order))
    status = "SELECT status FROM tasks WHERE id = :id"
    assert await stage.shop.one(status, id=first["id"]) == "cancelled"
    await age_declines(stage, order, PAUSE)
    await stage.pay(order, "tok_declined")
    again = await stage.task(TaskKind.FRAUD_REVIEW, order)
    assert again["facts"]["declined"] == REVIEW_FROM + 1
    await stage.cancel(order)
    assert await stage.result(stage.run(order)) == "cancelled"
    assert await stage.shop.one(status, id=again["id"]) == "cancelled"
