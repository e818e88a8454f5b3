"""Every path through the run of a refund."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.documents import Kind
from domain.tasks import TaskKind
from tests.workflows.refund_stories import LIMIT, ask, dear, delivered, is_now, usd
from tests.workflows.stage import Stage


async def given_back(stage: Stage) -> UUID:
    order, _ = await delivered(stage)
    return await _ended(stage, await ask(stage, order_id=str(order), goodwill=usd(100)))


async def approved_by_another(stage: Stage) -> UUID:
    order, _ = await dear(stage)
    asked = await ask(stage, order_id=str(order), goodwill=usd(LIMIT + 1))
    await stage.wait_says(_run(stage, asked), "another person")
    await stage.decide(TaskKind.REFUND_APPROVAL, UUID(asked["id"]), "approve")
    return await _ended(stage, asked)


async def not_approved(stage: Stage) -> UUID:
    order, _ = await dear(stage)
    asked = await ask(stage, order_id=str(order), goodwill=usd(LIMIT + 1))
    await stage.wait_says(_run(stage, asked), "another person")
    await stage.decide(TaskKind.REFUND_APPROVAL, UUID(asked["id"]), "reject")
    return await _ended(stage, asked)


async def declined_and_given_otherwise(stage: Stage) -> UUID:
    order, _ = await delivered(stage, token="tok_refund_declined")
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    await stage.wait_says(_run(stage, asked), "how the customer gets it")
    await stage.decide(TaskKind.REFUND_FAILED, UUID(asked["id"]), "given_otherwise")
    return await _ended(stage, asked)


async def failed_late_and_given_back_again(stage: Stage) -> UUID:
    order, _ = await delivered(stage)
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    await _ended(stage, asked)
    await stage.fails_late(order, "refund")
    await is_now(stage, asked, "failed")
    await stage.wait_says(_run(stage, asked), "how the customer gets it")
    await stage.decide(TaskKind.REFUND_FAILED, UUID(asked["id"]), "retry")
    await is_now(stage, asked, "succeeded")
    return await _ended(stage, asked)


async def another_amount_stands(stage: Stage) -> UUID:
    order, _ = await delivered(stage)
    await stage.payments.fault("wrong_amount", "refund", amount=70, currency="USD")
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    await stage.wait_says(_run(stage, asked), "which amount")
    await stage.decide(TaskKind.PAYMENT_MISMATCH, UUID(asked["id"]), "theirs")
    return await _ended(stage, asked)


async def pending_for_hours(stage: Stage) -> UUID:
    order, _ = await delivered(stage, token="tok_refund_pending")
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    await stage.wait_says(_run(stage, asked), "where it is pending")
    await stage.pass_time(_run(stage, asked), timedelta(hours=3))
    settlement = {"key": f"refund/{asked['id']}/1", "outcome": "succeeded"}
    await stage.payments.ask("POST", "/sandbox/operations/settle", settlement)
    return await _ended(stage, asked)


def _run(stage: Stage, asked: Any) -> Any:
    refund = UUID(asked["id"])
    stage.shop.numbers[refund] = asked["number"]
    return stage._run(Kind.REFUND, refund)


async def _ended(stage: Stage, asked: Any) -> UUID:
    await stage.result(_run(stage, asked))
    return UUID(asked["id"])
