"""What a claim costs at Temporal by how it is settled, all of its runs together, and a work order.

Of a replacement the order for it, with its parcel, is counted, too.
"""

from typing import Any
from uuid import UUID

import pytest
from temporalio.client import WorkflowHandle

from domain.documents import Kind
from domain.tasks import TaskKind
from tests.workflows.claim_stories import (
    claim,
    claim_is,
    comes_in,
    replaced,
    returned,
    returning,
    sold,
)
from tests.workflows.label_stories import leaves
from tests.workflows.stage import Stage
from tests.workflows.test_budget import cost_of
from tests.workflows.test_repairs import REPAIRED
from tests.workflows.work_stories import do, plan, repairing, report_all, staff

BUDGET = {
    "replacement": (106, 37),
    "refund": (74, 28),
    "repair": (104, 40),
    "work order": (48, 20),
}
"""Events and billable actions, at most."""


async def test_a_claim_that_is_replaced_keeps_to_its_budget(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    _, [warranty] = await sold(stage)
    made = await claim(stage, warranty)
    runs = await runs_of(stage, made)
    back = await comes_in(stage, made)
    order, _ = await replaced(stage, made)
    await returned(stage, back)
    await claim_is(stage, made, "settled")
    parcel = stage.tracking(await stage.shipment(order, "delivered"))
    await keeps("replacement", capsys, stage, *runs, stage.run(order), parcel)


async def test_a_claim_that_is_refunded_keeps_to_its_budget(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    _, [warranty] = await sold(stage, settle_by=["refund"], auto_limit=None)
    made = await claim(stage, warranty)
    await stage.decide(TaskKind.CLAIM_REVIEW, UUID(made["id"]), "refund")
    made = await claim_is(stage, made, "approved")
    runs = await runs_of(stage, made)
    back = await comes_in(stage, made)
    [refund] = (await returned(stage, back))["refunds"]
    stage.shop.numbers[UUID(refund["id"])] = refund["number"]
    await claim_is(stage, made, "settled")
    await keeps("refund", capsys, stage, *runs, stage._run(Kind.REFUND, UUID(refund["id"])))


async def test_a_claim_that_is_repaired_keeps_to_its_budget(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    _, [warranty] = await sold(stage, **REPAIRED)
    made = await claim(stage, warranty)
    runs = await runs_of(stage, made)
    back = await comes_in(stage, made, "repair", accepted=False)
    work = await repairing(stage, made)
    await worked_on(stage, work)
    await leaves(stage, back)
    await returned(stage, back)
    await claim_is(stage, made, "settled")
    await keeps("repair", capsys, stage, *runs, stage.working_on(UUID(work["id"])))


async def test_a_work_order_keeps_to_its_budget(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of one step and one part, which is rejected once."""
    screws = await stage.shop.item(AUS=1)
    work = await plan(stage, parts=[{"item_id": str(screws), "quantity": 1}])
    part = {"part_id": work["parts"][0]["id"], "quantity": 1}
    await worked_on(stage, work, part, rejected=True)
    await keeps("work order", capsys, stage, stage.working_on(UUID(work["id"])))


async def worked_on(stage: Stage, work: Any, *parts: Any, rejected: bool = False) -> None:
    """Do planned work, and have its run hear of each request by itself, as over days."""
    run = stage.working_on(UUID(work["id"]))
    await staff(stage, work)
    await do(stage, work, "release", role="planner")
    await stage.wait_says(run, "to be started")
    await do(stage, work, "start")
    await stage.wait_says(run, "Worked on")
    if parts:
        await do(stage, work, "parts/issue", {"parts": parts})
    for loop in (True, False) if rejected else (False,):
        await report_all(stage, work)
        await do(stage, work, "complete", {})
        await stage.wait_says(run, "sign it off")
        if loop:
            await do(stage, work, "reject", {"reason": "still loud"}, "inspector")
            await stage.wait_says(run, "Worked on")
    await do(stage, work, "sign_off", role="inspector")


async def runs_of(stage: Stage, made: Any) -> tuple[WorkflowHandle[Any, Any], ...]:
    """Return the runs of an approved claim and of its return, once that waits for the goods."""
    back = await returning(stage, made)
    await stage.wait_says(back, "Waiting for the goods")
    # Late scans may begin another run, which looks and ends: not that one is meant.
    first = (await back.describe()).run_id
    return stage.claiming(UUID(made["id"])), stage.client.get_workflow_handle(back.id, run_id=first)


async def keeps(
    what: str, capsys: pytest.CaptureFixture[str], stage: Stage, *runs: WorkflowHandle[Any, Any]
) -> None:
    """Wait until these runs have ended, and compare what they cost with the budget."""
    for run in runs:
        await stage.result(run)
    events, actions = await cost_of(*runs)
    most_events, most = BUDGET[what]
    with capsys.disabled():
        print(f"\n{what}: {events} events (at most {most_events}), {actions} actions ({most})")
    assert events <= most_events
    assert actions <= most
