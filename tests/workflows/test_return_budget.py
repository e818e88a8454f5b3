"""What a return with its refund costs at Temporal, both of its runs together.

Three of the actions are for the receipt, of which the run would not have to hear: by them its
status is right in Temporal's list, too.
"""

from uuid import UUID

import pytest

from domain.documents import Kind
from tests.workflows.refund_stories import delivered
from tests.workflows.return_stories import ask_back, back_is, found, inspect, receive
from tests.workflows.stage import Stage
from tests.workflows.test_budget import cost_of

EVENTS = 50
ACTIONS = 15


async def test_a_return_with_its_refund_costs_fifteen_actions_at_most(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    order, line = await delivered(stage)
    back = await ask_back(stage, order, line)
    run = stage.returning(UUID(back["id"]))
    await stage.wait_says(run, "Waiting for the goods")
    await receive(stage, back, 1)
    await stage.wait_says(run, "inspection")
    await inspect(stage, back, found(back))
    closed = await back_is(stage, back, "closed")
    await stage.result(run)
    [refund] = closed["refunds"]
    stage.shop.numbers[UUID(refund["id"])] = refund["number"]
    events, actions = await cost_of(run, stage._run(Kind.REFUND, UUID(refund["id"])))
    with capsys.disabled():
        print(f"\n{events} events (at most {EVENTS}), {actions} billable actions ({ACTIONS})")
    assert events <= EVENTS
    assert actions <= ACTIONS
