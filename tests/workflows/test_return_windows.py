"""Until when goods may come back, by what their items say, on real servers."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.policy import Policy
from tests.aging import age
from tests.workflows.asking import calling
from tests.workflows.refund_stories import delivered
from tests.workflows.return_stories import ask_back, back_is
from tests.workflows.stage import Stage

DAYS = Policy().return_window_days


async def allow(stage: Stage, line: Any, days: int | None) -> None:
    """Give the item of a line a return window; None takes it away."""
    async with calling(stage) as callers:
        path, change = f"/items/{line['item_id']}", {"return_window_days": days}
        answer = await callers.ask("PATCH", path, json=change)
    assert (answer.status_code, answer.json()["return_window_days"]) == (200, days)


async def left(stage: Stage, order: UUID, kind: str = "standard") -> int:
    """Return how many units can be returned today."""
    async with calling(stage) as callers:
        answer = await callers.get(f"/orders/{order}/returnable?kind={kind}")
    [line] = answer.json()["lines"]
    return int(line["returnable"])


async def test_a_final_sale_cannot_be_returned_but_withdrawn_from(stage: Stage) -> None:
    """Returns R2: 0 days; also for what was sold before the item said so."""
    order, line = await delivered(stage)
    assert await left(stage, order) == 1
    await allow(stage, line, 0)
    assert await left(stage, order) == 0
    refused = await ask_back(stage, order, line, status=409)
    assert (refused["code"], refused["remaining_units"]) == ("window_closed", 0)
    assert await left(stage, order, "withdrawal") == 1
    back = await ask_back(stage, order, line, reason=None, kind="withdrawal")
    await back_is(stage, back, "authorized")


async def test_the_days_of_an_item_are_longer_or_shorter_than_the_settings(stage: Stage) -> None:
    """And null gives the setting back its say."""
    order, line = await delivered(stage)
    await age(stage, "shipments", "delivered_at", timedelta(days=DAYS + 1), order_id=order)
    assert await left(stage, order) == 0
    await allow(stage, line, DAYS + 1)
    assert await left(stage, order) == 1
    await allow(stage, line, DAYS)
    assert await left(stage, order) == 0
    await allow(stage, line, DAYS * 2)
    await allow(stage, line, None)
    assert await left(stage, order) == 0
    await allow(stage, line, DAYS * 2)
    await ask_back(stage, order, line)
