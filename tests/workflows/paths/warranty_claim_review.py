"""The paths of the claim's process; each returns the claim whose run is recorded."""

from datetime import timedelta
from uuid import UUID

from tests.workflows.claim_stories import claim, claim_is, comes_in, do, replaced, sold
from tests.workflows.stage import Stage


async def replaced_after_inspection(stage: Stage) -> UUID:
    """Approved by itself; the goods come in, and others leave."""
    _, [warranty] = await sold(stage)
    made = await claim(stage, warranty)
    await comes_in(stage, made)
    await replaced(stage, made)
    return await _ended(stage, made["id"], "settled")


async def without_evidence(stage: Stage) -> UUID:
    """Nothing shows the fault, for two weeks."""
    _, [warranty] = await sold(stage, evidence_for=["motor"])
    made = await claim(stage, warranty)
    run = stage.claiming(UUID(made["id"]))
    await stage.wait_says(run, "Waiting for evidence")
    await stage.pass_time(run, timedelta(days=14, minutes=1))
    return await _ended(stage, made["id"], "denied")


async def withdrawn(stage: Stage) -> UUID:
    """Given up before the goods are sent in."""
    _, [warranty] = await sold(stage)
    made = await claim(stage, warranty)
    await stage.wait_says(stage.claiming(UUID(made["id"])), "Waiting for the return")
    await do(stage, made, "withdraw", {})
    return await _ended(stage, made["id"], "withdrawn")


async def _ended(stage: Stage, claim_id: str, status: str) -> UUID:
    await claim_is(stage, {"id": claim_id}, status)
    found = UUID(claim_id)
    assert await stage.result(stage.claiming(found)) == status
    return found
