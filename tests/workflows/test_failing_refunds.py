"""Refunds that the provider refuses, loses, changes, takes back, or makes by itself."""

from uuid import UUID

from tests.workflows.asking import calling
from tests.workflows.exact import Sold, sold
from tests.workflows.money_stories import K, until
from tests.workflows.refund_stories import ask, dear, delivered, is_now, usd
from tests.workflows.stage import Stage


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
    tries = "SELECT count(*) FROM payment_entries WHERE refund_id = :id"
    assert await stage.shop.one(tries, id=UUID(asked["id"])) == 0
    async with calling(stage) as callers:
        again = await callers.post(f"/refunds/{asked['id']}/retry", {}, role="finance")
        assert (again.status_code, again.json()["code"]) == (409, "amount_exceeded")
    await stage.decide(K.REFUND_FAILED, UUID(asked["id"]), "given_otherwise")
    await is_now(stage, asked, "cancelled")


async def test_a_refund_that_the_provider_declines_is_finances_question_with_its_words(
    stage: Stage,
) -> None:
    """A definite no is asked about once, and never retried like an outage."""
    order, _ = await delivered(stage, token="tok_refund_declined")
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    failed = await is_now(stage, asked, "failed")
    assert failed["failure_code"] == "refund_declined"
    task = await stage.task(K.REFUND_FAILED, UUID(asked["id"]))
    assert "declined to take the money back" in task["question"]
    await stage.decide(K.REFUND_FAILED, UUID(asked["id"]), "retry")
    again = await stage.asked_again(K.REFUND_FAILED, UUID(asked["id"]), task)
    assert again["facts"]["amount"] == usd(100)
    await stage.decide(K.REFUND_FAILED, UUID(asked["id"]), "given_otherwise")
    await is_now(stage, asked, "cancelled")


async def test_a_refund_whose_answer_is_lost_moves_once(stage: Stage) -> None:
    """The provider is asked by the key before anything is sent again."""
    order, _ = await delivered(stage)
    await stage.payments.fault("timeout_after_success", "refund", delay_seconds=0.01)
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    await is_now(stage, asked, "succeeded")
    assert (await stage.moved(order))["refund"] == 100


async def test_another_amount_than_was_asked_for_waits_for_finance_and_is_counted(
    stage: Stage,
) -> None:
    order, line = await delivered(stage, 2)
    await stage.payments.fault("wrong_amount", "refund", amount=700, currency="USD")
    units = [{"order_line_id": line["id"], "units": 1}]
    asked = await ask(stage, order_id=str(order), lines=units)
    await stage.task(K.PAYMENT_MISMATCH, UUID(asked["id"]))
    assert (await is_now(stage, asked, "submitted"))["amount"] == asked["amount"]
    await stage.decide(K.PAYMENT_MISMATCH, UUID(asked["id"]), "theirs")
    done = await is_now(stage, asked, "succeeded")
    assert (done["amount"], done["lines"][0]["amount"]) == (usd(700), usd(700))
    await until(stage, order, refunded=700, refunding=0)


async def test_a_refund_made_in_the_providers_dashboard_is_a_refund_like_others(
    stage: Stage,
) -> None:
    """T07: it has a number, keeps its money from others, and may fail late like our own."""
    order, _ = await delivered(stage)
    taken = await stage.captured(order)
    await stage.payments.fault("duplicate_webhooks")
    await stage.by_itself(order, "refunds", 1500)
    await until(stage, order, refunded=1500)
    async with calling(stage) as callers:
        path = f"/refunds?order_id={order}"
        [made] = (await callers.get(path, role="finance")).json()["items"]
    assert (made["source"], made["status"], made["amount"]) == ("provider", "succeeded", usd(1500))
    more = await ask(stage, order_id=str(order), goodwill=usd(taken - 1499), status=409)
    assert more["remaining"] == usd(taken - 1500)
    await stage.decide(K.UNASKED_REFUND, order, "goodwill")
    await stage.fails_late(order, "refund")
    await is_now(stage, made, "failed")
    await until(stage, order, refunded=0)
    await stage.decide(K.REFUND_FAILED, UUID(made["id"]), "retry")
    await is_now(stage, made, "succeeded")
    await until(stage, order, refunded=1500)
    async with calling(stage) as callers:
        assert len((await callers.get(path, role="finance")).json()["items"]) == 1


async def test_a_try_that_succeeds_after_the_retry_is_shown_as_too_much_and_moves_nothing_by_itself(
    stage: Stage,
) -> None:
    """RET-09: 67.99 was given twice; the provider is asked by the key, finance is told."""
    order, _ = await sold(stage, Sold(1, 6799))
    asked = await ask(stage, order_id=str(order), goodwill=usd(6799))
    await is_now(stage, asked, "succeeded")
    await stage.fails_late(order, "refund")
    await is_now(stage, asked, "failed")
    await stage.decide(K.REFUND_FAILED, UUID(asked["id"]), "retry")
    await is_now(stage, asked, "succeeded")
    settlement = {"key": f"refund/{asked['id']}/1", "outcome": "succeeded"}
    await stage.payments.ask("POST", "/sandbox/operations/settle", settlement)
    await until(stage, order, refunded=2 * 6799)
    task = await stage.task(K.UNASKED_REFUND, order)
    assert task["facts"]["too_much"]["amount"] == 6799
    assert (
        f"{asked['number']} that had failed has succeeded after all: 67.99 USD" in task["question"]
    )
    async with calling(stage) as callers:
        shown = (await callers.get(f"/orders/{order}")).json()
        refunds = (await callers.get(f"/refunds?order_id={order}", role="finance")).json()["items"]
    assert shown["payments"][0]["refunded"]["amount"] == 2 * 6799
    assert sorted((one["source"], one["status"]) for one in refunds) == [
        ("goodwill", "succeeded"),
        ("provider", "succeeded"),
    ]
    assert await stage.broken() == []
