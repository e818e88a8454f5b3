"""Runs of releases before 0.2, which are named by a UUID, go on under their documents' numbers."""

import structlog
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from workflows.runs import OPEN_RUNS
from workflows.status import is_named_by_uuid

log = structlog.get_logger(__name__)


async def retire_old_runs(client: Client) -> int:
    """Terminate open runs named by a UUID; return how many.

    The next sweep starts them again under the new names, and they go on from the rows. Done before
    a worker takes work: those of the release before have been stopped by then, and a document has
    never two runs. Raises RPCError: then the worker must not start.
    """
    retired = 0
    async for run in client.list_workflows(OPEN_RUNS):
        if is_named_by_uuid(run.id) and await _terminate(client, run.id):
            log.info("run_renamed", workflow_id=run.id)
            retired += 1
    return retired


async def _terminate(client: Client, workflow_id: str) -> bool:
    handle = client.get_workflow_handle(workflow_id)
    try:
        await handle.terminate(reason="goes on under its document's number")
    except RPCError as error:
        # Another worker that starts was faster, or the list is behind.
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True
