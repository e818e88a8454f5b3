"""What an order's runs leave in Temporal: events, billable actions, bytes, and their shape."""

from collections import Counter
from dataclasses import dataclass

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

_ACTIONS = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: "starts",
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: "activities",
    EventType.EVENT_TYPE_TIMER_STARTED: "timers",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: "signals",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: "updates",
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: "attribute upserts",
}


@dataclass(frozen=True)
class History:
    """One run. ``shape`` names its steps in order: activity, local or signal."""

    events: int
    size: int
    actions: Counter[str]
    shape: tuple[str, ...]

    @property
    def billable(self) -> int:
        return self.actions.total()


async def read_history(client: Client, workflow_id: str) -> History:
    """Read the history of a document's run.

    All local activities of one workflow task are billed together, every retry of an activity is
    billed again (https://docs.temporal.io/cloud/actions).
    """
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    actions: Counter[str] = Counter()
    shape: list[str] = []
    tasks: set[int] = set()
    for event in history.events:
        if event.event_type in _ACTIONS:
            actions[_ACTIONS[event.event_type]] += 1
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            shape.append("activity")
        elif event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
            shape.append("signal")
        elif event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED:
            marker = event.marker_recorded_event_attributes
            if marker.marker_name == "core_local_activity":
                shape.append("local")
                tasks.add(marker.workflow_task_completed_event_id)
        elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
            again = event.activity_task_started_event_attributes.attempt - 1
            if again:
                actions["retries"] += again
    if tasks:
        actions["local activities"] = len(tasks)
    size = sum(event.ByteSize() for event in history.events)
    return History(len(history.events), size, actions, tuple(shape))
