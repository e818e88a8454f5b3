"""Runs of releases before 0.2, which are named by a UUID, go on under their documents' numbers."""

import contextlib

import structlog
from temporalio.client import Client
from temporalio.service import RPCError

from domain.documents import PROCESSES
from workflows.status import is_named_by_uuid

log = structlog.get_logger(__name__)


async def retire_old_runs(client: Client) -> int:
    """Terminate open runs named by a UUID; return how many.

    The next sweep starts them again under the new names, and they go on from the rows. Done when a
    worker starts: those of the release before have been stopped by then.
    """
    ours = ", ".join(f"'{process.workflow}'" for process in PROCESSES.values())
    retired = 0
    with contextlib.suppress(RPCError):
        open_runs = f"WorkflowType IN ({ours}) AND ExecutionStatus = 'Running'"
        async for run in client.list_workflows(open_runs):
            if is_named_by_uuid(run.id):
                handle = client.get_workflow_handle(run.id)
                await handle.terminate(reason="goes on under its document's number")
                log.info("run_renamed", workflow_id=run.id)
                retired += 1
    return retired
