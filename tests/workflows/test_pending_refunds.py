"""Refunds that the provider does not decide on at once: asked about now and then, for ever."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.documents import Kind
from tests.aging import DAYS, age, sweep
from tests.patience import eventually
from tests.workflows.asking import calling
from tests.workflows.money_stories import K, until
from tests.workflows.refund_stories import ask, delivered, is_now, usd
from tests.workflows.stage import Stage


async def pending(stage: Stage) -> tuple[Any, Any, Any]:
    """Ask for a refund that stays pending; returns its order, itself and its run."""
    order, _ = await delivered(stage, token="tok_refund_pending")
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    refund = UUID(asked["id"])
    stage.shop.numbers[refund] = asked["number"]
    run = stage._run(Kind.REFUND, refund)
    await stage.wait_says(run, "where it is pending")
    return order, asked, run


async def settled(stage: Stage, asked: Any, outcome: str) -> None:
    settlement = {"key": f"refund/{asked['id']}/1", "outcome": outcome}
    await stage.payments.ask("POST", "/sandbox/operations/settle", settlement)


async def questions(run: Any) -> int:
    """Return how often a run has taken its step at the provider."""
    events = (await run.fetch_history()).events
    return sum(event.HasField("activity_task_scheduled_event_attributes") for event in events)


async def test_a_pending_refund_is_no_outage_and_is_asked_about_ever_more_rarely(
    stage: Stage,
) -> None:
    """Payments 4: after 1, 5 and 15 minutes, hourly for a day, then daily; ten days are few."""
    _, asked, run = await pending(stage)
    async with calling(stage) as callers:
        process = (await callers.get(f"/refunds/{asked['id']}/process", role="finance")).json()
    assert [wait["who"] for wait in process["waiting_for"]] == ["the provider"]
    assert "tried" not in process["summary"]
    await stage.pass_time(run, timedelta(minutes=22))

    async def thrice_more() -> bool:
        return await questions(run) == 4

    await eventually(thrice_more)
    await stage.pass_time(run, 10 * DAYS)
    assert 30 <= await questions(run) <= 45
    await is_now(stage, asked, "submitted")
    await settled(stage, asked, "succeeded")
    await is_now(stage, asked, "succeeded")


async def test_the_end_of_a_pending_refund_is_heard_as_soon_as_the_provider_tells_it(
    stage: Stage,
) -> None:
    """R10: the report is no answer, but the run asks at once instead of in a day."""
    order, asked, _ = await pending(stage)
    await settled(stage, asked, "failed")
    await is_now(stage, asked, "failed")
    assert (await stage.paid(order)).refunded == 0


async def test_finance_is_told_of_a_pending_refund_after_ten_days_not_after_one(
    stage: Stage,
) -> None:
    """Payments 4: of one whose outcome is unknown after a day."""
    order, asked, _ = await pending(stage)
    refund = UUID(asked["id"])
    await age(stage, "refunds", "submitted_at", 9 * DAYS, id=refund)
    await sweep(stage, "refund_unsettled")
    asked_so_far = "SELECT count(*)::int FROM tasks WHERE document_id = :id"
    assert await stage.shop.one(asked_so_far, id=refund) == 0
    await age(stage, "refunds", "submitted_at", 2 * DAYS, id=refund)
    await sweep(stage, "refund_unsettled")
    task = await stage.task(K.REFUND_UNSETTLED, refund)
    assert task["facts"]["pending"] is True
    await settled(stage, asked, "succeeded")
    await until(stage, order, refunded=100)
    await sweep(stage, "needless_tasks")
    assert await stage.broken() == []
