"""Refunds from asked for to given back, on real servers."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

from domain.ids import OrderId
from domain.policy import Policy
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.money_stories import K, until
from tests.workflows.stage import Stage

LIMIT = Policy().refund_limit["USD"]


async def delivered(stage: Stage, units: int = 1) -> tuple[OrderId, Any]:
    """Deliver an order of one line; returns it with the line."""
    mug = await stage.shop.item(AUS=units)
    order = await stage.shop.place((mug, units))
    shipment = await stage.shipment(order, "booked")
    await stage.travel(shipment, "delivered")
    await stage.order(order, "completed")
    async with calling(stage) as callers:
        [line] = (await callers.get(f"/orders/{order}")).json()["lines"]
    return order, line


async def ask(stage: Stage, role: str = "support", *, status: int = 201, **body: Any) -> Any:
    async with calling(stage) as callers:
        answer = await callers.post("/refunds", {"reason": "asked", **body}, role=role)
    assert answer.status_code == status, answer.text
    return answer.json()


async def is_now(stage: Stage, refund: Any, status: str) -> Any:
    """Wait until a refund is in this state, and return it."""

    async def there() -> Any:
        async with calling(stage) as callers:
            found = (await callers.get(f"/refunds/{refund['id']}", role="finance")).json()
        return found if found["status"] == status else None

    return await eventually(there)


def usd(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


async def test_units_of_a_line_go_back_with_their_share_and_are_counted(stage: Stage) -> None:
    """The provider moves the money once; order, line and ledger agree."""
    order, line = await delivered(stage, 3)
    asked = await ask(stage, order_id=str(order), lines=[{"order_line_id": line["id"], "units": 1}])
    third = round(line["total"]["amount"] / 3)
    assert (asked["status"], asked["amount"]) == ("approved", usd(third))
    done = await is_now(stage, asked, "succeeded")
    assert done["number"].startswith("REF-")
    await until(stage, order, refunded=third, refunding=0)
    assert (await stage.moved(order))["refund"] == third
    rest = await ask(stage, order_id=str(order), lines=[{"order_line_id": line["id"], "units": 2}])
    await is_now(stage, rest, "succeeded")
    assert rest["amount"]["amount"] + third == line["total"]["amount"]
    more = await ask(
        stage, order_id=str(order), lines=[{"order_line_id": line["id"], "units": 1}], status=409
    )
    assert (more["code"], more["remaining"]) == ("quantity_exceeded", 0)
    assert await stage.broken() == []


async def test_goodwill_needs_no_goods_and_stays_within_what_was_paid(stage: Stage) -> None:
    order, _ = await delivered(stage)
    taken = (await stage.paid(order)).captured
    refund = await ask(stage, order_id=str(order), goodwill=usd(taken - 1))
    await is_now(stage, refund, "succeeded")
    more = await ask(stage, order_id=str(order), goodwill=usd(2), status=409)
    assert (more["code"], more["remaining"]) == ("amount_exceeded", usd(1))
    assert await stage.broken() == []


async def dear(stage: Stage) -> tuple[OrderId, int]:
    """Deliver an order above the limit; returns it with the money that was taken."""
    order, _ = await delivered(stage, 40)
    taken = await stage.captured(order)
    assert taken > LIMIT + 100
    return order, taken


async def test_above_the_limit_another_person_approves(stage: Stage) -> None:
    """Who asked may not approve; what is promised meanwhile is kept from every other refund."""
    order, taken = await dear(stage)
    asked = await ask(stage, "finance", order_id=str(order), goodwill=usd(LIMIT + 1))
    assert asked["status"] == "requested"
    task = await stage.task(K.REFUND_APPROVAL, UUID(asked["id"]))
    assert asked["number"] in task["question"]
    left_over = taken - LIMIT - 1
    async with calling(stage) as callers:
        own = await callers.post(f"/refunds/{asked['id']}/approve", {}, role="finance")
        assert (own.status_code, own.json()["code"]) == (403, "forbidden")
        body = {"order_id": str(order), "goodwill": usd(left_over + 1)}
        answer = await callers.post("/refunds/preview", body, role="finance")
        assert answer.json()["remaining"] == usd(left_over)
        assert (await stage.paid(order)).refunding == 0
        other = await callers.post(f"/refunds/{asked['id']}/approve", {}, role="admin")
        assert other.status_code == 200, other.text
        again = await callers.post(f"/refunds/{asked['id']}/approve", {}, role="admin")
        assert again.status_code == 200, again.text
    done = await is_now(stage, asked, "succeeded")
    assert (done["requested_by"], done["approved_by"]) == ("key:finance", "key:admin")
    await until(stage, order, refunded=LIMIT + 1)


async def test_the_answer_to_the_task_approves_or_ends_a_refund(stage: Stage) -> None:
    order, _ = await dear(stage)
    first = await ask(stage, "support", order_id=str(order), goodwill=usd(LIMIT + 1))
    await stage.decide(K.REFUND_APPROVAL, UUID(first["id"]), "reject")
    given_up = await is_now(stage, first, "cancelled")
    assert given_up["cancel_reason"]
    # Nothing keeps the money any more.
    second = await ask(stage, "support", order_id=str(order), goodwill=usd(LIMIT + 2))
    await stage.decide(K.REFUND_APPROVAL, UUID(second["id"]), "approve")
    await is_now(stage, second, "succeeded")
    assert (await stage.moved(order))["refund"] == LIMIT + 2


async def test_a_refund_that_has_moved_cannot_be_cancelled(stage: Stage) -> None:
    order, _ = await delivered(stage)
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    await is_now(stage, asked, "succeeded")
    async with calling(stage) as callers:
        body = {"reason": "too late"}
        answer = await callers.post(f"/refunds/{asked['id']}/cancel", body, role="finance")
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_move")


async def test_a_refund_that_fails_days_later_is_finances_question_and_is_retried_under_a_new_key(
    stage: Stage,
) -> None:
    """RET-09: refunded is 0 again, the order counts as captured, the retry moves it once."""
    order, line = await delivered(stage, 2)
    asked = await ask(stage, order_id=str(order), lines=[{"order_line_id": line["id"], "units": 2}])
    await is_now(stage, asked, "succeeded")
    await stage.fails_late(order, "refund")
    failed = await is_now(stage, asked, "failed")
    assert failed["failure_code"] == "card_closed"
    assert (await stage.paid(order)).refunded == 0
    async with calling(stage) as callers:
        shown = (await callers.get(f"/orders/{order}")).json()
    assert shown["payment_status"] == "captured"
    task = await stage.task(K.REFUND_FAILED, UUID(asked["id"]))
    assert asked["number"] in task["question"]
    async with calling(stage) as callers:
        again = await callers.post(f"/refunds/{asked['id']}/retry", {}, role="finance")
        assert again.status_code == 200, again.text
    await is_now(stage, asked, "succeeded")
    keys = await stage.shop.rows(
        "SELECT DISTINCT key FROM payment_entries WHERE refund_id = :id ORDER BY key",
        id=UUID(asked["id"]),
    )
    assert [row["key"] for row in keys] == [f"refund/{asked['id']}/{nth}" for nth in (1, 2)]
    await until(stage, order, refunded=line["total"]["amount"])
    assert await stage.broken() == []


async def test_a_failed_refund_ends_when_the_customer_was_paid_otherwise(stage: Stage) -> None:
    order, _ = await delivered(stage)
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    await is_now(stage, asked, "succeeded")
    await stage.fails_late(order, "refund")
    await is_now(stage, asked, "failed")
    await stage.decide(K.REFUND_FAILED, UUID(asked["id"]), "given_otherwise")
    await is_now(stage, asked, "cancelled")
    assert (await stage.paid(order)).refunded == 0


async def test_of_twenty_refunds_of_everything_at_once_one_is_taken(stage: Stage) -> None:
    """Under different keys: the others are told that nothing remains."""
    order, _ = await delivered(stage)
    taken = await stage.captured(order)
    body = {"order_id": str(order), "goodwill": usd(taken), "reason": "all of it"}
    async with calling(stage) as callers:
        asked = (callers.post("/refunds", body, role="support") for _ in range(20))
        answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"amount_exceeded"}
    await until(stage, order, refunded=taken)
    assert (await stage.moved(order))["refund"] == taken


async def test_one_key_makes_one_refund_and_an_unknown_order_none(stage: Stage) -> None:
    order, _ = await delivered(stage)
    body = {"order_id": str(order), "goodwill": usd(100), "reason": "sorry"}
    async with calling(stage) as callers:
        asked = (callers.post("/refunds", body, role="support", key="one") for _ in range(20))
        answers = await asyncio.gather(*asked)
        assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
        body["order_id"] = str(uuid4())
        nothing = await callers.post("/refunds", body, role="support")
        assert (nothing.status_code, nothing.json()["code"]) == (404, "not_found")
    await until(stage, order, refunded=100)
    assert (await stage.moved(order))["refund"] == 100


async def test_a_refund_whose_money_a_chargeback_took_meanwhile_fails_before_it_is_asked_for(
    stage: Stage,
) -> None:
    order, taken = await dear(stage)
    asked = await ask(stage, "support", order_id=str(order), goodwill=usd(taken))
    await stage.by_itself(order, "chargebacks", taken)
    await until(stage, order, charged_back=taken)
    await stage.decide(K.REFUND_APPROVAL, UUID(asked["id"]), "approve")
    failed = await is_now(stage, asked, "failed")
    assert failed["failure_code"] == "amount_exceeded"
    assert "refund" not in await stage.moved(order)
    async with calling(stage) as callers:
        again = await callers.post(f"/refunds/{asked['id']}/retry", {}, role="finance")
        assert (again.status_code, again.json()["code"]) == (409, "amount_exceeded")
    await stage.decide(K.REFUND_FAILED, UUID(asked["id"]), "given_otherwise")
    await is_now(stage, asked, "cancelled")
