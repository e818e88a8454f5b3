"""Runs of documents: found by the documents' numbers, waited for, and asked what they say."""

import asyncio
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from api.steering import Steering
from db.engine import Database
from db.verify.books import Finding, verify
from domain.documents import Kind, run_id
from runtime.commands.reconciliation import compare_labels, compare_payments
from tests.patience import PATIENCE, POLL, eventually
from tests.shop import Shop
from tests.workflows.servers import Partners


class Runs:
    """The runs on one Temporal of the documents in one company's books."""

    def __init__(
        self, shop: Shop, environment: WorkflowEnvironment, partners: Partners, task_queue: str
    ) -> None:
        """Look at these; requests are steered to runs of this queue."""
        self.shop = shop
        self.environment = environment
        self.client = environment.client
        self.carrier = partners.carrier
        self.payments = partners.payments
        self.task_queue = task_queue
        self._steering = Steering(shop.books, self.connected, task_queue)

    async def connected(self) -> Client:
        return self.client

    @property
    def books(self) -> Database:
        return self.shop.books

    def _run(self, kind: Kind, document_id: UUID) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(run_id(kind, self.shop.numbers[document_id]))

    async def exists(self, handle: WorkflowHandle[Any, Any]) -> bool:
        try:
            await handle.describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    async def status(self, handle: WorkflowHandle[Any, Any]) -> WorkflowExecutionStatus | None:
        return (await handle.describe()).status

    async def result(self, handle: WorkflowHandle[Any, Any]) -> Any:
        """Return a run's result; the run must end soon."""
        await eventually(lambda: self.exists(handle))
        async with asyncio.timeout(PATIENCE):
            return await handle.result()

    async def wait_says(self, run: WorkflowHandle[Any, Any], words: str) -> None:
        """Wait until a run tells the operators that it waits for something."""

        async def there() -> bool:
            if not await self.exists(run):
                return False
            told = await run.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
            return words in told.current_details

        await eventually(there)

    async def pass_time(self, run: WorkflowHandle[Any, Any], duration: timedelta) -> None:
        """Let so much time pass for a run; what falls due meanwhile happens."""
        await self.environment.fast_forward(run, duration)

    async def broken(self) -> list[Finding]:
        """Return the rules that the books, or they and the partners' books, break."""
        findings = await verify(self.shop.books.engine, patience=timedelta(seconds=PATIENCE))
        engine = self.shop.books.engine
        findings += await self.until_compared(engine)
        return [found for found in findings if found.broken]

    async def until_compared(self, engine: AsyncEngine) -> list[Finding]:
        """Compare the books with the partners'; what a step under way breaks may settle."""
        begun = time.monotonic()
        while True:
            found = await compare_payments(engine, self.payments.base_url, self.payments.api_key)
            found += await compare_labels(engine, self.carrier.base_url, self.carrier.api_key)
            unsettled = any(each.broken and each.settles for each in found)
            if not unsettled or time.monotonic() - begun > PATIENCE:
                return found
            await asyncio.sleep(POLL)
