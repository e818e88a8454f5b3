"""How questions about claims on warranties arise, and what happens after their answers."""

from typing import Any
from uuid import UUID

from tests.workflows.arising import Asked
from tests.workflows.asking import calling
from tests.workflows.claim_stories import claim, claim_is, comes_in, promise, warranties
from tests.workflows.replacement_stories import (
    PRICE,
    arrives,
    bought,
    is_sent,
    item_at,
    replacement_of,
)
from tests.workflows.stage import Stage


async def claimed(stage: Stage) -> Asked:
    """Goods fail whose term says that support looks at every claim; there are others of them."""
    kettle = await item_at(stage, PRICE)
    await arrives(stage, kettle, 2)
    await promise(stage, kettle, auto_limit=None)
    order, _ = await bought(stage, (kettle, 1))
    [warranty] = await warranties(stage, order)
    return Asked(UUID((await claim(stage, warranty))["id"]), order)


async def faulty_ones_come(stage: Stage, asked: Asked) -> None:
    """They are received and accepted: the customer gets what was promised, and that is all."""
    await comes_in(stage, await _of(stage, asked))
    await claim_is(stage, {"id": asked.about}, "settled")


async def they_come_and_others_leave(stage: Stage, asked: Asked) -> None:
    made = await _of(stage, asked)
    await is_sent(stage, await replacement_of(stage, await comes_in(stage, made)), "delivered")
    await claim_is(stage, made, "settled")


async def others_leave_and_they_come(stage: Stage, asked: Asked) -> None:
    made = await _of(stage, asked)
    await is_sent(stage, await replacement_of(stage, {"id": made["return_id"]}), "delivered")
    await comes_in(stage, made)
    await claim_is(stage, made, "settled")


async def _of(stage: Stage, asked: Asked) -> Any:
    async with calling(stage) as callers:
        answer = await callers.get(f"/warranties/claims/{asked.about}", role="support")
    made = answer.json()
    stage.shop.numbers[UUID(made["return_id"])] = made["return_number"]
    return made
