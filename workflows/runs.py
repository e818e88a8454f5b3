"""Runs as Temporal knows them: how one is started, and what it can be searched by in the UI."""

from datetime import timedelta
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
)
from temporalio.service import RPCError, RPCStatusCode

from domain.documents import PROCESSES, Kind, Run

NUMBER = SearchAttributeKey.for_keyword("DocumentNumber")
STATUS = SearchAttributeKey.for_keyword("DocumentStatus")
CUSTOMER = SearchAttributeKey.for_keyword("CustomerId")

ALL = (NUMBER, STATUS, CUSTOMER)

OPEN_RUNS = (
    f"WorkflowType IN ({', '.join(repr(each.workflow) for each in PROCESSES.values())})"
    " AND ExecutionStatus = 'Running'"
)
"""The query of Temporal's list for the runs that are open; it may be a moment behind."""
STANDS_FROM = 3
"""Attempts of one workflow task from which a run counts as standing still: no worker can go on from
its history, and Temporal tries for ever."""

WHO_WAITS = "Who waits for stock: `GET /orders?backordered=true`"


def start_options(run: Run, task_queue: str) -> dict[str, Any]:
    """Return how a run is started, whatever starts it: a start, a signal or an update.

    A run that is there already goes on under the same id, and these options change nothing.
    """
    document = run.document
    place = f"/{PROCESSES[document.kind].path}/{document.id}/process"
    return {
        "id": run.id,
        "task_queue": task_queue,
        "static_summary": run.summary,
        "static_details": WHO_WAITS
        if document.kind is Kind.SITE
        else f"What it waits for: `GET {place}`",
        "search_attributes": TypedSearchAttributes(
            [
                SearchAttributePair(NUMBER, run.number),
                SearchAttributePair(STATUS, run.status),
                *([SearchAttributePair(CUSTOMER, str(run.customer_id))] if run.customer_id else ()),
            ]
        ),
        "id_conflict_policy": WorkflowIDConflictPolicy.USE_EXISTING,
    }


async def tells_of_runs(client: Client, patience: timedelta) -> bool:
    """Whether Temporal can tell of runs: asked about one that was never there, it says so.

    Its health check and its namespaces answer also while it can neither read nor write a history,
    as after a disk was full.
    """
    nobody = DescribeWorkflowExecutionRequest(
        namespace=client.namespace, execution=WorkflowExecution(workflow_id="nobody")
    )
    try:
        await client.workflow_service.describe_workflow_execution(nobody, timeout=patience)
    except RPCError as error:
        return error.status is RPCStatusCode.NOT_FOUND
    return True
