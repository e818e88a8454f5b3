"""Claims whose goods are replaced before the faulty ones come in, and those that stay away."""

from datetime import timedelta
from uuid import UUID

from domain.policy import Policy
from domain.tasks import TaskKind
from tests.workflows.claim_stories import (
    claim,
    claim_is,
    replaced,
    returning,
    sold,
    warranties,
)
from tests.workflows.stage import Stage

DEADLINE = Policy().ship_back_window + timedelta(minutes=1)


async def test_a_faulty_unit_that_was_replaced_and_kept_is_under_warranty_no_more(
    stage: Stage,
) -> None:
    """Warranties R9: the rest of its warranty is the new unit's, and only that one's."""
    order, [warranty] = await sold(stage, settle_by=["repair"])
    made = await claim(stage, warranty)
    await stage.decide(TaskKind.CLAIM_REVIEW, UUID(made["id"]), "replace_in_advance")
    new, _ = await replaced(stage, made)
    approved = await claim_is(stage, made, "approved")
    await stage.pass_time(await returning(stage, approved), DEADLINE)
    await stage.decide(TaskKind.KEPT_GOODS, UUID(approved["return_id"]), "write_off")
    await claim_is(stage, made, "settled")
    [old] = await warranties(stage, order)
    [rest] = await warranties(stage, new)
    assert (old["status"], rest["status"], rest["replaces_id"]) == ("replaced", "active", old["id"])
    again = await claim(stage, warranty)
    assert (again["status"], again["rule"]) == ("denied", "replaced")
    assert await stage.broken() == []
