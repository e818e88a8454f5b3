"""Signs of life of steps: whoever dies with one delays it little, and a cancellation stops none."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    UnsandboxedWorkflowRunner,
    Worker,
)

from activities.alive import AliveInterceptor
from tests.patience import eventually

QUEUE = "signs of life"
SILENCE = timedelta(seconds=1.5)
SECOND = 10**9
CANCEL_REQUESTED = PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED


class Partner:
    """A partner that answers when it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer = asyncio.Event()
        self.answered = 0

    @activity.defn(name="ask_slow_partner")
    async def ask(self) -> None:
        self.asked += 1
        await self.answer.wait()
        self.answered += 1


@workflow.defn
class AsksSlowPartner:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(
            "ask_slow_partner",
            start_to_close_timeout=timedelta(seconds=60),
            heartbeat_timeout=SILENCE,
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )


async def test_a_step_that_takes_long_lives_on_and_is_not_broken_off_by_a_cancellation(
    environment: WorkflowEnvironment,
) -> None:
    partner = Partner()
    client = await Client.connect(environment.client.service_client.config.target_host)
    worker = Worker(
        client,
        task_queue=QUEUE,
        workflows=[AsksSlowPartner],
        activities=[partner.ask],
        interceptors=[AliveInterceptor()],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with worker:
        run = await client.start_workflow(AsksSlowPartner.run, id=QUEUE, task_queue=QUEUE)
        await eventually(lambda: partner.asked)

        async def signs() -> int:
            [step] = (await run.describe()).raw_description.pending_activities
            return step.last_heartbeat_time.ToNanoseconds()

        first = await eventually(signs)
        await run.cancel()

        async def told() -> bool:
            [step] = (await run.describe()).raw_description.pending_activities
            return step.state == CANCEL_REQUESTED and await signs() > first + 2 * SECOND

        await eventually(told)
        assert (partner.asked, partner.answered) == (1, 0)
        partner.answer.set()
        await eventually(lambda: partner.answered)
        await run.result()


async def test_a_step_that_is_soon_done_costs_no_sign_of_life() -> None:
    signs: list[object] = []
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, heartbeat_timeout=SILENCE)
    environment.on_heartbeat = lambda *details: signs.append(details)
    step = ExecuteActivityInput(fn=Partner.ask, args=(), executor=None, headers={})
    assert (
        await environment.run(
            AliveInterceptor().intercept_activity(Answers()).execute_activity, step
        )
        == "done"
    )
    assert signs == []


class Answers(ActivityInboundInterceptor):
    """A step that is answered at once."""

    def __init__(self) -> None:
        """Wrap nothing."""

    async def execute_activity(self, _: ExecuteActivityInput) -> str:
        return "done"
