"""Returns from asked for to closed, on real servers."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from db.customers import add_customer
from domain.customers import CreateCustomer
from domain.ids import CustomerId, new_id
from domain.policy import Policy
from tests.workflows.asking import calling
from tests.workflows.label_stories import told
from tests.workflows.money_stories import until
from tests.workflows.refund_stories import delivered, usd
from tests.workflows.return_stories import (
    ask_back,
    back_is,
    comes_back,
    do,
    found,
    inspect,
    receive,
    stock_of,
)
from tests.workflows.stage import Stage


async def test_what_was_accepted_is_paid_back_once_and_can_be_sold_again(stage: Stage) -> None:
    """Authorized 2, received 1: refund of exactly 1 (spree/spree PR 14678)."""
    order, line = await delivered(stage, 2)
    each = line["total"]["amount"] // 2
    back = await ask_back(stage, order, line, 2)
    assert (back["status"], back["decision"]["rule"]) == ("authorized", "within_limit")
    assert back["number"].startswith("RMA-")
    part = await receive(stage, back, 1)
    assert (part["status"], part["lines"][0]["received"]) == ("authorized", 1)
    assert await stock_of(stage, UUID(line["item_id"])) == {"quarantine": 1}
    await do(stage, back, "finish_receiving", "warehouse")
    await inspect(stage, back, found(back))
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("refund", usd(each))
    await until(stage, order, refunded=each, refunding=0)
    assert (await stage.moved(order))["refund"] == each
    assert await stock_of(stage, UUID(line["item_id"])) == {"stock": 1}
    async with calling(stage) as callers:
        seen = (await callers.get(f"/orders/{order}")).json()
    counted = {name: seen["lines"][0][name] for name in ("delivered", "coming_back", "returned")}
    assert counted == {"delivered": 2, "coming_back": 0, "returned": 1}
    assert seen["return_status"] == "partially_returned"
    again = await comes_back(stage, order, line, 1, "changed_mind")
    assert again["refunded"] == usd(line["total"]["amount"] - each)
    assert await stage.broken() == []


async def test_no_more_units_come_back_than_are_left(stage: Stage) -> None:
    """The refusal says how many; units of a return that was given up are left again."""
    order, line = await delivered(stage, 2)
    first = await ask_back(stage, order, line, 1)
    refused = await ask_back(stage, order, line, 2, status=409)
    assert (refused["code"], refused["remaining_units"]) == ("quantity_exceeded", 1)
    await do(stage, first, "cancel", "support", {"reason": "keeps it"})
    await ask_back(stage, order, line, 2)
    assert await stage.broken() == []


async def test_of_ten_parallel_returns_of_the_last_unit_one_is_authorized(stage: Stage) -> None:
    order, line = await delivered(stage)
    body = {
        "order_id": str(order),
        "lines": [{"order_line_id": line["id"], "quantity": 1, "reason": "changed_mind"}],
    }
    async with calling(stage) as callers:
        answers = await asyncio.gather(
            *(callers.post("/returns", body, role="support") for _ in range(10))
        )
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [201] + [409] * 9
    assert await stage.broken() == []


async def test_support_looks_at_what_is_dear(stage: Stage) -> None:
    """Above the limit it is requested, and the rule and what it looked at are kept."""
    order, line = await delivered(stage, 10)
    back = await ask_back(stage, order, line, 10, "wrong_size")
    assert back["status"] == "requested"
    assert back["decision"]["rule"] == "value_above_limit"
    assert back["decision"]["inputs"]["value"] == line["total"]["amount"]
    async with calling(stage) as callers:
        refused = await callers.post(f"/returns/{back['id']}/authorize", {}, role="warehouse")
    assert refused.status_code == 403
    early = await receive(stage, back, 1, status=409)
    assert early["code"] == "illegal_move"
    await stage.decide("return_review", UUID(back["id"]), "authorize")
    there = await back_is(stage, back, "authorized")
    assert there["ship_back_by"] is not None
    assert await stage.broken() == []


async def test_a_rejected_request_says_why_and_gives_its_units_back(stage: Stage) -> None:
    order, line = await delivered(stage, 10)
    back = await ask_back(stage, order, line, 10)
    gone = await do(stage, back, "reject", "support", {"reason": "worn"})
    assert (gone["status"], gone["reject_reason"]) == ("rejected", "worn")
    query = "SELECT 1 FROM tasks WHERE document_id = :id AND status = 'open'"
    assert await stage.shop.rows(query, id=UUID(back["id"])) == []
    await ask_back(stage, order, line, 1)


async def test_a_unit_that_is_not_accepted_is_sent_back_and_not_paid(stage: Stage) -> None:
    """Variant B2: resolution rejected, no money, the unit goes back, then the return is closed."""
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line)
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, 1, "return_to_customer", note="works"))
    refused = await do(stage, back, "close", "support", status=409)
    assert refused["code"] == "illegal_move"
    await stage.decide("rejected_goods", UUID(back["id"]), "sent")
    closed = await back_is(stage, back, "closed")
    assert (closed["resolution"], closed["refunded"]) == ("rejected", usd(0))
    assert await stock_of(stage, UUID(line["item_id"])) == {}
    assert (await stage.paid(order)).refunded == 0
    assert await stage.broken() == []


async def test_closing_twenty_times_at_once_pays_once(stage: Stage) -> None:
    """Each answer is the same: the return is complete (returns R14)."""
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line)
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, 1, "scrap"))
    async with calling(stage) as callers:
        await asyncio.gather(
            *(callers.post(f"/returns/{back['id']}/close", {}, role="support") for _ in range(20))
        )
    await back_is(stage, back, "closed")
    first = await do(stage, back, "close", "support")
    assert (first["object"], first["completed"]) == ("return", True)
    assert first == await do(stage, back, "close", "support")
    assert (await stage.moved(order))["refund"] == line["total"]["amount"]
    assert await stage.broken() == []


async def test_a_disposition_is_revised_by_moving_the_goods_back_first(stage: Stage) -> None:
    """Before it is closed: what is accepted stays, where the goods are may change."""
    order, line = await delivered(stage, 2)
    item = UUID(line["item_id"])
    back = await ask_back(stage, order, line, 2)
    await receive(stage, back, 2)
    seen = await inspect(stage, back, found(back, 1, "scrap"))
    assert seen["status"] == "received"
    assert await stock_of(stage, item) == {"quarantine": 1}
    [scrapped] = seen["lines"][0]["dispositions"]
    two = [found(back, 1, "return_to_supplier"), found(back, 1)]
    done = await inspect(stage, back, *two, revise=[scrapped["id"]])
    assert done["status"] == "inspected"
    assert await stock_of(stage, item) == {"stock": 1, "damaged": 1}
    assert await stage.broken() == []


async def test_something_else_in_the_parcel_is_asked_about_and_not_posted(stage: Stage) -> None:
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line)
    strange = [{"description": "a red kettle", "quantity": 2}]
    seen = await receive(stage, back, 0, unexpected=strange)
    assert (seen["status"], seen["lines"][0]["received"]) == ("authorized", 0)
    task = await stage.task("unexpected_goods", UUID(back["id"]))
    assert "2 × a red kettle" in task["question"]
    more = await receive(stage, back, 2, status=409)
    assert (more["code"], more["remaining_units"]) == ("quantity_exceeded", 1)
    assert await stock_of(stage, UUID(line["item_id"])) == {}


async def test_a_second_report_of_strange_goods_joins_the_first_and_neither_is_lost(
    stage: Stage,
) -> None:
    order, line = await delivered(stage, 2)
    back = await ask_back(stage, order, line, 2)
    kettle, watch = ({"description": what, "quantity": 1} for what in ("a kettle", "a watch"))
    await receive(stage, back, 0, unexpected=[kettle])
    await receive(stage, back, 1, unexpected=[watch])
    task = await stage.task("unexpected_goods", UUID(back["id"]))
    assert task["facts"]["goods"] == [kettle, watch]
    assert "1 × a kettle, 1 × a watch" in task["question"]
    assert await told(stage, back, "unexpected_goods") == [
        {"order_id": str(order), "goods": [each]} for each in (kettle, watch)
    ]
    await stage.decide("unexpected_goods", UUID(back["id"]), "sent_back")
    await receive(stage, back, 0, unexpected=[watch])
    again = await stage.task("unexpected_goods", UUID(back["id"]))
    assert again["facts"]["goods"] == [watch]


async def test_goods_that_come_when_the_return_is_over_are_asked_about_and_come_on_another(
    stage: Stage,
) -> None:
    """What they are can be reported in any state, and the refusal says where to book them."""
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line)
    await do(stage, back, "cancel", "support")
    refused = await receive(stage, back, 1, status=409)
    assert (refused["code"], refused["current_status"]) == ("illegal_move", "cancelled")
    assert "a new return, with a late_reason, or report them as unexpected" in refused["detail"]
    strange = [{"description": "a red mug", "quantity": 1}]
    seen = await receive(stage, back, 0, unexpected=strange)
    assert seen["status"] == "cancelled"
    task = await stage.task("unexpected_goods", UUID(back["id"]))
    assert (task["facts"]["goods"], task["facts"]["status"]) == (strange, "cancelled")
    await stage.decide("unexpected_goods", UUID(back["id"]), "linked")
    closed = await comes_back(stage, order, line, 1, "changed_mind")
    seen = await receive(stage, closed, 0, unexpected=strange)
    assert seen["status"] == "closed"
    await stage.task("unexpected_goods", UUID(closed["id"]))
    assert await stage.broken() == []


async def test_a_customer_returns_its_own_goods_and_sees_no_others(stage: Stage) -> None:
    """It asks, previews, sees and cancels its own; what is inside the house is withheld."""
    order, line = await delivered(stage, 2)
    mine, other = stage.shop.customer_id, CustomerId(new_id())
    async with stage.books.begin() as db:
        await add_customer(db, other, CreateCustomer(name="Grace Hopper"))
    wanted = {"order_line_id": line["id"], "quantity": 1, "reason": "changed_mind"}
    body = {"order_id": str(order), "lines": [wanted]}
    async with calling(stage) as callers:

        async def ask(method: str, path: str, who: UUID, **given: Any) -> Any:
            return await callers.ask(method, path, role="customer", customer_id=who, **given)

        assert (await ask("POST", "/returns", other, json=body)).status_code == 404
        assert (await ask("POST", "/returns/preview", other, json=body)).status_code == 404
        assert (await ask("GET", f"/orders/{order}/returnable", other)).status_code == 404
        may = (await ask("GET", f"/orders/{order}/returnable", mine)).json()
        assert may["lines"][0]["returnable"] == 2
        late = {**body, "late_reason": "please"}
        refused = await ask("POST", "/returns", mine, json=late)
        assert (refused.status_code, refused.json()["field"]) == (403, "late_reason")
        made = await ask("POST", "/returns", mine, json=body)
        assert made.status_code == 201, made.text
        path = f"/returns/{made.json()['id']}"
        assert (await ask("GET", path, other)).status_code == 404
        assert (await ask("POST", f"{path}/cancel", other, json={})).status_code == 404
        assert (await ask("GET", "/returns", other)).json()["items"] == []
        shown = (await ask("GET", path, mine)).json()
        assert (shown["decision"], shown["notes"]) == (None, None)
        for verb in ("authorize", "receive", "inspect", "close", "reject", "finish_receiving"):
            answer = await ask("POST", f"{path}/{verb}", mine, json={})
            assert answer.status_code in (403, 422), answer.text
        await receive(stage, shown, 1)
        await inspect(stage, shown, found(shown, 1, "scrap", note="smells"))
        told = (await ask("GET", path, mine)).json()["lines"][0]["dispositions"][0]
        assert (told["accepted"], told["note"], told["location_id"]) == (True, None, None)
        assert told["inspector"] == "company"


async def test_of_two_inspectors_one_says_what_became_of_the_unit(stage: Stage) -> None:
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line)
    await receive(stage, back, 1)
    async with calling(stage) as callers:
        answers = await asyncio.gather(
            *(
                callers.post(
                    f"/returns/{back['id']}/inspect",
                    {"lines": [found(back, 1, disposition)]},
                    role="inspector",
                )
                for disposition in ("restock", "scrap")
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    closed = await back_is(stage, back, "closed")
    assert len(closed["lines"][0]["dispositions"]) == 1
    assert (await stage.moved(order))["refund"] == line["total"]["amount"]


async def test_nothing_sent_back_expires_and_can_be_returned_anew(stage: Stage) -> None:
    """Variant B1: expired at its deadline, by the run's clock, and the units are free again."""
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line)
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "Waiting for the goods")
    await stage.pass_time(run, Policy().ship_back_window + timedelta(minutes=1))
    await back_is(stage, back, "expired")
    late = await receive(stage, back, 1, status=409)
    assert late["code"] == "illegal_move"
    again = await do(stage, back, "authorize", "support", status=409)
    assert (again["code"], again["current_status"]) == ("illegal_move", "expired")
    await ask_back(stage, order, line)


async def test_what_came_in_part_does_not_expire(stage: Stage) -> None:
    order, line = await delivered(stage, 2)
    back = await ask_back(stage, order, line, 2)
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "Waiting for the goods")
    await receive(stage, back, 1)
    await stage.pass_time(run, Policy().ship_back_window + timedelta(minutes=1))
    await receive(stage, back, 1)
    await back_is(stage, back, "received")
