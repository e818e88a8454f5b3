"""Refunds from asked for to given back, on real servers."""

import asyncio
from uuid import UUID, uuid4

from db.customers import add_customer
from domain.customers import CreateCustomer
from domain.ids import CustomerId, new_id
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.money_stories import K, paid_with_two_cards, until
from tests.workflows.refund_stories import LIMIT, ask, dear, delivered, is_now, usd
from tests.workflows.stage import Stage


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
    assert (more["code"], more["remaining_units"]) == ("quantity_exceeded", 0)
    assert await stage.broken() == []


async def test_goodwill_needs_no_goods_and_stays_within_what_was_paid(stage: Stage) -> None:
    order, _ = await delivered(stage)
    taken = (await stage.paid(order)).captured
    refund = await ask(stage, order_id=str(order), goodwill=usd(taken - 1))
    await is_now(stage, refund, "succeeded")
    more = await ask(stage, order_id=str(order), goodwill=usd(2), status=409)
    assert (more["code"], more["remaining"]) == ("amount_exceeded", usd(1))
    assert await stage.broken() == []


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
        assert (own.status_code, own.json()["code"]) == (403, "same_person")
        assert own.json()["rule"] == "refund_limit"
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


async def test_what_one_payment_cannot_give_the_one_before_it_gives(stage: Stage) -> None:
    """Payments R8: the newest capture first; the parts name the first of them as parent."""
    order, total, taken = await paid_with_two_cards(stage)
    newest = total - taken
    asked = await ask(stage, order_id=str(order), goodwill=usd(newest + 1))
    assert (asked["amount"], asked["parent_id"]) == (usd(newest), None)
    async with calling(stage) as callers:
        found = (await callers.get(f"/refunds?order_id={order}", role="finance")).json()["items"]
    [other] = [each for each in found if each["id"] != asked["id"]]
    assert (other["amount"], other["parent_id"]) == (usd(1), asked["id"])
    assert other["payment_id"] != asked["payment_id"]
    for refund in (asked, other):
        await is_now(stage, refund, "succeeded")
    await until(stage, order, refunded=newest + 1)


async def test_a_customer_sees_its_refund_and_not_what_colleagues_say_of_it(stage: Stage) -> None:
    order, _ = await delivered(stage)
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    owner = (await stage.order(order, "completed"))["customer_id"]
    async with calling(stage) as callers:
        path = f"/refunds/{asked['id']}"
        seen = (await callers.get(path, role="customer", customer_id=owner)).json()
        assert (seen["amount"], seen["number"]) == (usd(100), asked["number"])
        assert (seen["reason"], seen["requested_by"]) == (None, "company")
        other = CustomerId(new_id())
        async with stage.books.begin() as db:
            await add_customer(db, other, CreateCustomer(name="Grace Hopper"))
        stranger = await callers.get(path, role="customer", customer_id=other)
        assert stranger.status_code == 404
        for call in ("approve", "retry"):
            refused = await callers.post(f"{path}/{call}", {}, role="customer", customer_id=owner)
            assert refused.status_code == 403
    await is_now(stage, asked, "succeeded")


async def test_of_ten_decisions_at_once_by_task_and_by_route_the_first_counts(
    stage: Stage,
) -> None:
    """Nobody waits for another's lock, and the money moves once or not at all."""
    order, _ = await dear(stage)
    asked = await ask(stage, order_id=str(order), goodwill=usd(LIMIT + 1))
    task = await stage.task(K.REFUND_APPROVAL, UUID(asked["id"]))
    answer, path = f"/tasks/{task['id']}/decide", f"/refunds/{asked['id']}"
    async with calling(stage) as callers:
        for role in ("finance", "admin"):
            await callers.key(role)
        answers = await asyncio.gather(
            *(callers.post(answer, {"choice": "approve"}, role="finance") for _ in range(3)),
            *(callers.post(f"{path}/approve", {}, role="admin") for _ in range(4)),
            *(callers.post(f"{path}/cancel", {"reason": "no"}, role="admin") for _ in range(3)),
        )
        codes = {each.status_code for each in answers}
        assert codes <= {200, 409}, [each.text for each in answers]
        assert 200 in codes

        async def ended() -> str:
            status = (await callers.get(path)).json()["status"]
            return status if status in ("succeeded", "cancelled") else ""

        status = await eventually(ended)
    moved = (await stage.moved(order)).get("refund", 0)
    assert moved == (LIMIT + 1 if status == "succeeded" else 0)
