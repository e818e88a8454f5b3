"""Every path through the run of a return."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.policy import Policy
from domain.tasks import TaskKind
from tests.aging import sweep
from tests.workflows.label_stories import labelled, number_of, parcel_is, without_label
from tests.workflows.refund_stories import delivered
from tests.workflows.replacement_stories import (
    arrives,
    in_advance,
    is_sent,
    replacement_of,
    to_replace,
)
from tests.workflows.return_stories import ask_back, do, found, inspect, receive
from tests.workflows.stage import Stage
from tests.workflows.undelivered_stories import answer, brought_back, is_here

EXTENDED = timedelta(days=14, minutes=1)
DEADLINE = Policy().ship_back_window + timedelta(minutes=1)
WAIT = timedelta(days=Policy().replacement_wait_days, minutes=1)


async def paid_back(stage: Stage) -> UUID:
    back = await _authorized(stage)
    await receive(stage, back, 1)
    await stage.wait_says(_run(stage, back), "inspection")
    await inspect(stage, back, found(back))
    return await _ended(stage, back)


async def brought_back_and_paid_back(stage: Stage) -> UUID:
    _, _, back = await brought_back(stage)
    await stage.wait_says(_run(stage, back), "the goods")
    await is_here(stage, back)
    await stage.wait_says(_run(stage, back), "the refund")
    await answer(stage, back, "refund")
    return await _ended(stage, back)


async def put_to_support_and_rejected(stage: Stage) -> UUID:
    order, line = await delivered(stage, 10)
    back = await ask_back(stage, order, line, 10)
    await stage.wait_says(_run(stage, back), "support")
    await do(stage, back, "reject", "support", {"reason": "worn"})
    return await _ended(stage, back)


async def given_up(stage: Stage) -> UUID:
    back = await _authorized(stage)
    await do(stage, back, "cancel", "support")
    return await _ended(stage, back)


async def nothing_came(stage: Stage) -> UUID:
    back = await _authorized(stage)
    await stage.pass_time(_run(stage, back), DEADLINE)
    return await _ended(stage, back)


async def not_accepted_and_sent_back(stage: Stage) -> UUID:
    back = await _authorized(stage)
    await receive(stage, back, 1)
    await inspect(stage, back, found(back, 1, "return_to_customer"))
    await stage.wait_says(_run(stage, back), "goods to leave")
    await stage.decide(TaskKind.REJECTED_GOODS, UUID(back["id"]), "sent")
    return await _ended(stage, back)


async def kept_by_the_customer(stage: Stage) -> UUID:
    order, line = await delivered(stage)
    return await _ended(stage, await ask_back(stage, order, line, ship_back="none"))


async def replaced(stage: Stage) -> UUID:
    _, _, back = await to_replace(stage, stock=1)
    await is_sent(stage, await replacement_of(stage, back))
    return await _ended(stage, back)


async def replaced_after_a_week(stage: Stage) -> UUID:
    _, line, back = await to_replace(stage)
    await stage.wait_says(_run(stage, back), "the replacement")
    await stage.pass_time(_run(stage, back), WAIT)
    await stage.task(TaskKind.NO_REPLACEMENT_STOCK, UUID(back["id"]))
    await arrives(stage, UUID(line["item_id"]))
    await sweep(stage, "replaceable_returns")
    await is_sent(stage, await replacement_of(stage, back))
    return await _ended(stage, back)


async def replaced_in_advance_and_kept(stage: Stage) -> UUID:
    _, _, back = await in_advance(stage)
    await is_sent(stage, await replacement_of(stage, back))
    await stage.pass_time(_run(stage, back), DEADLINE)
    await stage.decide(TaskKind.KEPT_GOODS, UUID(back["id"]), "invoice")
    return await _ended(stage, back)


async def replaced_in_advance_and_late(stage: Stage) -> UUID:
    _, _, back = await in_advance(stage)
    await is_sent(stage, await replacement_of(stage, back))
    await stage.pass_time(_run(stage, back), DEADLINE)
    await stage.task(TaskKind.KEPT_GOODS, UUID(back["id"]))
    await receive(stage, back, 1)
    await inspect(stage, back, found(back))
    return await _ended(stage, back)


async def to_be_replaced_in_advance_and_refunded(stage: Stage) -> UUID:
    _, _, back = await in_advance(stage, stock=0)
    await stage.wait_says(_run(stage, back), "Waiting for the goods")
    await stage.pass_time(_run(stage, back), WAIT)
    await stage.decide(TaskKind.NO_REPLACEMENT_STOCK, UUID(back["id"]), "refund")
    await receive(stage, back, 1)
    await inspect(stage, back, found(back))
    return await _ended(stage, back)


async def sent_with_our_label(stage: Stage) -> UUID:
    _, _, back = await labelled(stage)
    await stage.wait_says(_run(stage, back), "Waiting for the goods")
    await stage.advance(number_of(back), "delivered")
    await parcel_is(stage, back, "delivered")
    await receive(stage, back, 1)
    await stage.wait_says(_run(stage, back), "inspection")
    await inspect(stage, back, found(back))
    return await _ended(stage, back)


async def label_refused_and_sent_otherwise(stage: Stage) -> UUID:
    _, back = await without_label(stage)
    await stage.wait_says(_run(stage, back), "Waiting for the goods")
    await stage.decide(TaskKind.LABEL_REFUSED, UUID(back["id"]), "own")
    await receive(stage, back, 1)
    await inspect(stage, back, found(back))
    return await _ended(stage, back)


async def label_given_back(stage: Stage) -> UUID:
    _, _, back = await labelled(stage)
    await stage.wait_says(_run(stage, back), "Waiting for the goods")
    await do(stage, back, "cancel", "support")
    return await _ended(stage, back)


async def on_its_way_at_the_deadline(stage: Stage) -> UUID:
    _, _, back = await labelled(stage)
    await stage.advance(number_of(back), "in_transit")
    await parcel_is(stage, back, "in_transit")
    await stage.pass_time(_run(stage, back), DEADLINE)
    await stage.pass_time(_run(stage, back), EXTENDED)
    return await _ended(stage, back)


async def _authorized(stage: Stage) -> Any:
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line)
    await stage.wait_says(_run(stage, back), "Waiting for the goods")
    return back


def _run(stage: Stage, back: Any) -> Any:
    return stage.returning(UUID(back["id"]))


async def _ended(stage: Stage, back: Any) -> UUID:
    await stage.result(_run(stage, back))
    return UUID(back["id"])
