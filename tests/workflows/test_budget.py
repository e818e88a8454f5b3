"""What a delivered order of one parcel costs at Temporal, both of its runs together."""

from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle, WorkflowHistory

from tests.workflows.stage import Stage

EVENTS = 41
ACTIONS = 12
LOCAL = "core_local_activity"

# What Temporal Cloud bills as one action each, beside the start of the run.
BILLED = frozenset(
    {
        EventType.EVENT_TYPE_TIMER_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
        EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
        EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED,
        EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW,
    }
)


def billed(history: WorkflowHistory) -> int:
    """Count a run's billable actions: its start, activities and their retries, signals and so on.

    All local activities of one workflow task are one action.
    """
    actions = 1
    local_tasks: set[int] = set()
    for event in history.events:
        if event.event_type in BILLED:
            actions += 1
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            actions += event.activity_task_started_event_attributes.attempt
        elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            actions += 1
        elif event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
            marker = event.marker_recorded_event_attributes
            if marker.marker_name == LOCAL:
                local_tasks.add(marker.workflow_task_completed_event_id)
    return actions + len(local_tasks)


async def cost_of(*runs: WorkflowHandle[Any, Any]) -> tuple[int, int]:
    """Return how many events and billable actions these runs have cost together."""
    histories = [await run.fetch_history() for run in runs]
    return sum(len(each.events) for each in histories), sum(map(billed, histories))


async def test_a_delivered_order_of_one_parcel_costs_twelve_actions_at_most(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    mug = await stage.shop.item(AUS=1)
    order = await stage.shop.place((mug, 1))
    shipment = await stage.shipment(order, "booked")
    for place in ("picked_up", "in_transit", "out_for_delivery"):
        await stage.travel(shipment, place)
        await stage.shipment(order, place)
    await stage.wait_says(stage.tracking(shipment), "to deliver")
    await stage.travel(shipment, "delivered")
    await stage.result(stage.run(order))
    await stage.result(stage.tracking(shipment))

    histories = [await run.fetch_history() for run in (stage.run(order), stage.tracking(shipment))]
    events = sum(len(history.events) for history in histories)
    actions = sum(billed(history) for history in histories)
    with capsys.disabled():
        print(f"\n{events} events (at most {EVENTS}), {actions} billable actions ({ACTIONS})")
        if events > EVENTS or actions > ACTIONS:
            for history in histories:
                print([EventType.Name(event.event_type)[11:] for event in history.events])
    assert events <= EVENTS
    assert actions <= ACTIONS
