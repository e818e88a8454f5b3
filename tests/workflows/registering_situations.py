"""Situations in which customers ask for warranties, as those of `situations`."""

from uuid import UUID

from domain.tasks import TaskKind
from tests.workflows.arising import Asked
from tests.workflows.asking import calling
from tests.workflows.claim_stories import promise
from tests.workflows.situations import Situation
from tests.workflows.stage import Stage

REGISTRATION = TaskKind.WARRANTY_REGISTRATION


async def bought_elsewhere(stage: Stage) -> Asked:
    mug = await stage.shop.item()
    await promise(stage, mug)
    body = {
        "item_id": str(mug),
        "customer_id": str(stage.shop.customer_id),
        "proof_of_purchase": "receipt 1187",
        "starts_on": "2031-01-31",
    }
    who = {"role": "customer", "customer_id": stage.shop.customer_id}
    async with calling(stage) as callers:
        answer = await callers.post("/warranties/requests", body, **who)
    assert answer.status_code == 202, answer.text
    return Asked(UUID(answer.json()["id"]))


REGISTRATIONS = (
    Situation(REGISTRATION, "it is proven", bought_elsewhere, "register"),
    Situation(REGISTRATION, "it is not", bought_elsewhere, "refuse"),
)
