"""Refunds to the cent over HTTP: their tax, and a provider that tells of one more than once."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

from activities.facts import FactIntake
from db.facts import Fact, record_facts
from domain.ids import new_id
from gateways.payments.sandbox import SANDBOX_PAYMENTS
from tests.workflows.asking import calling
from tests.workflows.exact import Sold, sold
from tests.workflows.money_stories import until
from tests.workflows.refund_stories import ask, delivered, is_now, usd
from tests.workflows.stage import Stage

PARTS = [(3200, 516), (900, 145), (800, 129), (300, 49), (600, 96), (400, 65)]
"""Each refund with the tax in it, as the case has them."""


async def test_six_refunds_of_an_order_have_all_of_its_tax_and_there_is_no_seventh(
    stage: Stage,
) -> None:
    """RET-02: 62.00 of which 10.00 are tax; what stands in the books adds up to both."""
    order, _ = await sold(stage, Sold(1, 5200, tax=1000))
    for amount, tax in PARTS:
        refund = await ask(stage, order_id=str(order), goodwill=usd(amount))
        done = await is_now(stage, refund, "succeeded")
        assert (done["amount"], done["tax"]) == (usd(amount), usd(tax))
    more = await ask(stage, order_id=str(order), goodwill=usd(1), status=409)
    assert (more["code"], more["remaining"]) == ("amount_exceeded", usd(0))
    [kept] = await stage.shop.rows(
        "SELECT sum(amount)::int AS gross, sum(tax_amount)::int AS tax FROM refunds"
        " WHERE order_id = :id",
        id=order,
    )
    assert dict(kept) == {"gross": 6200, "tax": 1000}
    assert (await stage.moved(order))["refund"] == 6200


async def test_five_echoes_of_a_refund_that_was_asked_for_twenty_times_make_no_other_one(
    stage: Stage,
) -> None:
    """Payments R10: each echo is an event of its own, and known by our key."""
    order, _ = await delivered(stage)
    body = {"order_id": str(order), "goodwill": usd(100), "reason": "scratched"}
    key = {"Idempotency-Key": uuid4().hex}
    async with calling(stage) as callers:
        answers = await asyncio.gather(
            *(callers.post("/refunds", body, role="support", headers=key) for _ in range(20))
        )
    [refund] = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    done = await is_now(stage, {"id": refund}, "succeeded")
    query = "SELECT key FROM payment_entries WHERE refund_id = :id AND phase = 'succeeded'"
    sent = await stage.shop.one(query, id=UUID(refund))
    [operation] = (await stage.payments.ask("GET", f"/operations?key={sent}"))["data"]

    assert [await _heard(stage, operation) for _ in range(5)] == ["ignored"] * 5
    await until(stage, order, refunded=100, refunding=0)
    async with calling(stage) as callers:
        [only] = (await callers.get(f"/refunds?order_id={order}", role="support")).json()["items"]
    assert (only["id"], only["version"]) == (refund, done["version"])
    assert (await stage.moved(order))["refund"] == 100
    asked = "SELECT count(*) FROM tasks WHERE document_id IN (:order, :refund)"
    assert await stage.shop.one(asked, order=order, refund=UUID(refund)) == 0


async def _heard(stage: Stage, operation: Any) -> str:
    """Let the provider tell of an operation once more; return what became of that."""
    event = f"evt_{new_id()}"
    told = {"id": event, "type": f"operation.{operation['outcome']}", "data": operation}
    fact = Fact(new_id(), SANDBOX_PAYMENTS.webhooks, event, told)
    async with stage.books.begin() as db:
        await record_facts(db, [fact])
    await FactIntake(stage.books).apply([fact.id])
    state = "SELECT state FROM inbound_facts WHERE id = :id"
    return str(await stage.shop.one(state, id=fact.id))
