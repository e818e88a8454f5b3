"""How it is asked what becomes of goods on claims that were not repaired, and what follows."""

from typing import Any
from uuid import UUID

from domain.tasks import TaskKind as K
from tests.workflows.arising import Asked
from tests.workflows.arising_claims import claimed
from tests.workflows.asking import calling
from tests.workflows.claim_stories import claim, claim_is, comes_in, promise, warranties
from tests.workflows.label_stories import back_number, send_back_is
from tests.workflows.replacement_stories import (
    PRICE,
    arrives,
    bought,
    is_sent,
    item_at,
    replacement_of,
)
from tests.workflows.return_stories import back_is
from tests.workflows.situations import Situation
from tests.workflows.stage import Stage
from tests.workflows.work_stories import do, finish, give_up_mending, mending, staff


async def not_repaired(stage: Stage) -> Asked:
    """A claim was to be settled by a repair, and the work on its goods was given up."""
    kettle = await item_at(stage, PRICE)
    await arrives(stage, kettle, 2)
    await promise(stage, kettle, settle_by=["repair", "replacement", "refund"])
    order, _ = await bought(stage, (kettle, 1))
    [warranty] = await warranties(stage, order)
    back = await comes_in(stage, await claim(stage, warranty), "repair", accepted=False)
    await give_up_mending(stage, back)
    return Asked(UUID(back["id"]), order)


async def others_leave(stage: Stage, asked: Asked) -> None:
    await is_sent(stage, await replacement_of(stage, {"id": asked.about}), "delivered")
    await back_is(stage, {"id": asked.about}, "closed")


async def they_go_back(stage: Stage, asked: Asked) -> None:
    booked = await send_back_is(stage, {"id": asked.about}, "booked")
    await stage.advance(back_number(booked), "delivered")
    await back_is(stage, {"id": asked.about}, "closed")


async def they_are_repaired(stage: Stage, asked: Asked) -> None:
    async with calling(stage) as callers:
        path = f"/warranties/claims/{asked.about}"
        made: Any = (await callers.get(path, role="support")).json()
    back = await comes_in(stage, made, "repair", accepted=False)
    work = await mending(stage, back)
    await staff(stage, work)
    await do(stage, work, "release", role="planner")
    await do(stage, work, "start")
    await finish(stage, work)
    await they_go_back(stage, Asked(UUID(back["id"]), asked.order))
    await claim_is(stage, made, "settled")


REPAIRS = (
    Situation(K.CLAIM_REVIEW, "repaired", claimed, "repair", then=they_are_repaired),
    Situation(K.REPAIR_FAILED, "another one", not_repaired, "replace", then=others_leave),
    Situation(K.REPAIR_FAILED, "the money", not_repaired, "refund"),
    Situation(K.REPAIR_FAILED, "as it is", not_repaired, "send_back", then=they_go_back),
)
