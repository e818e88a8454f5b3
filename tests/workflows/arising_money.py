"""How questions arise from what the provider does by itself, and takes back."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from domain.tasks import TaskKind
from tests.aging import DAYS, age, sweep
from tests.workflows.arising import Asked, booked, travelled
from tests.workflows.money_stories import until
from tests.workflows.refund_stories import LIMIT, ask, dear, delivered, is_now, usd
from tests.workflows.stage import Stage


async def refund_came_back(stage: Stage) -> Asked:
    asked = await travelled("lost")(stage)
    await stage.decide(TaskKind.PARCEL_LOST, asked.about, "refund")
    await stage.result(stage.tracking(asked.about))
    assert asked.order is not None
    await stage.fails_late(asked.order, "refund")
    return asked


def moved_by_the_provider(what: str) -> Callable[[Stage], Awaitable[Asked]]:
    async def arise(stage: Stage) -> Asked:
        asked = await travelled("in_transit")(stage)
        assert asked.order is not None
        await stage.captured(asked.order)
        await stage.by_itself(asked.order, what, 1000)
        return Asked(asked.order, asked.order)

    return arise


async def captured_too_late(stage: Stage) -> Asked:
    """The money was no longer reserved when the goods left with a label bought before."""
    order, shipment = await booked(stage)
    await stage.by_itself(order, "expire")
    await stage.travel(shipment, "in_transit")
    return Asked(shipment, order)


async def capture_came_back(stage: Stage) -> Asked:
    asked = await travelled("in_transit")(stage)
    assert asked.order is not None
    await stage.captured(asked.order)
    await stage.fails_late(asked.order, "capture")
    return asked


async def void_came_back(stage: Stage) -> Asked:
    order, _ = await booked(stage)
    await stage.cancel(order)
    await stage.result(stage.run(order))
    await stage.fails_late(order, "void")
    return Asked(order, order)


async def refund_to_approve(stage: Stage) -> Asked:
    order, _ = await dear(stage)
    asked = await ask(stage, order_id=str(order), goodwill=usd(LIMIT + 1))
    return Asked(UUID(asked["id"]), order)


async def refund_declined(stage: Stage) -> Asked:
    order, _ = await delivered(stage, token="tok_refund_declined")
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    return Asked(UUID(asked["id"]), order)


async def refund_pending(stage: Stage) -> Asked:
    order, _ = await delivered(stage, token="tok_refund_pending")
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    await is_now(stage, asked, "submitted")
    await age(stage, "refunds", "submitted_at", 2 * DAYS, id=UUID(asked["id"]))
    await sweep(stage)
    return Asked(UUID(asked["id"]), order)


async def refund_settled(stage: Stage, asked: Asked) -> None:
    """The provider says at last that the money went back."""
    settlement = {"key": f"refund/{asked.about}/1", "outcome": "succeeded"}
    await stage.payments.ask("POST", "/sandbox/operations/settle", settlement)
    assert asked.order is not None
    await until(stage, asked.order, refunded=100)


async def refund_failed_late(stage: Stage) -> Asked:
    order, _ = await delivered(stage)
    asked = await ask(stage, order_id=str(order), goodwill=usd(100))
    await is_now(stage, asked, "succeeded")
    await stage.fails_late(order, "refund")
    return Asked(UUID(asked["id"]), order)
