"""Sweeps: periodic reconciliation of documents, runs, outbox and keys."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import structlog
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from db.engine import Database
from db.idempotency import drop_expired
from db.outbox import backlog, depth_by_kind, signal
from db.runs import Unfinished, find_unfinished
from db.tasks import count_by_kind
from domain.documents import PROCESSES
from telemetry import metrics

log = structlog.get_logger(__name__)

GAUGES_EVERY = timedelta(seconds=5)
RUNS_EVERY = timedelta(seconds=30)
KEYS_EVERY = timedelta(hours=1)
YOUNG = timedelta(minutes=1)
"""A document younger than this is left alone: its start may be under way."""
RUNS_A_TIME = 200
_FIRST = UUID(int=0)


class Sweeper:
    """Each sweep may run in several workers at once: a second one finds nothing to do."""

    def __init__(self, books: Database, client: Client, *, young: timedelta = YOUNG) -> None:
        """Look after these books and their runs, but not yet after ``young`` documents."""
        self._books = books
        self._client = client
        self._young = young
        self._after = _FIRST
        self._lost = 0

    async def run(self) -> None:
        """Sweep until cancelled; what fails once is tried again next time."""
        await asyncio.gather(
            _repeat(self.measure, GAUGES_EVERY),
            _repeat(self.find_lost_runs, RUNS_EVERY),
            _repeat(self.forget_keys, KEYS_EVERY),
        )

    async def measure(self) -> None:
        """Bring the gauges up to date."""
        async with self._books.read() as db:
            row = await backlog(db)
            depths = await depth_by_kind(db)
            tasks = await count_by_kind(db)
        metrics.outbox_oldest_seconds.set(float(row.oldest_seconds))
        metrics.outbox_failing.set(row.failing)
        for kind, depth in depths.items():
            metrics.outbox_depth.labels(kind).set(depth)
        for task, (waiting, overdue) in tasks.items():
            metrics.tasks_open.labels(task).set(waiting)
            metrics.tasks_overdue.labels(task).set(overdue)

    async def find_lost_runs(self) -> None:
        """Wake, and so start anew, runs that are gone while their documents are unfinished.

        Goes through the documents a portion at a time. A run can get lost when Temporal's own
        database is restored from an older backup than ours, when somebody terminates it, or when a
        step refused what its process does not expect: that one is worth an engineer's look, too.
        """
        async with self._books.read() as db:
            portion = await find_unfinished(
                db, after=self._after, older_than=self._young, limit=RUNS_A_TIME
            )
        lost = [one for one in portion if not one.due and await self._ended(one)]
        for one in lost:
            async with self._books.begin() as db:
                await signal(db, one.document, PROCESSES[one.kind].signals[0])
        self._lost += len(lost)
        if len(portion) == RUNS_A_TIME:
            self._after = portion[-1].id
            return
        metrics.stuck_documents.set(self._lost)
        self._after, self._lost = _FIRST, 0

    async def forget_keys(self) -> None:
        """Forget answers under keys that are older than we promise to keep them."""
        async with self._books.begin() as db:
            await drop_expired(db)

    async def _ended(self, document: Unfinished) -> bool:
        """Whether a document's run is gone; the log tells how it ended."""
        workflow_id = document.run_id
        try:
            described = await self._client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            log.error("run_lost", workflow_id=workflow_id, was="unknown")
            return True
        if described.status in (None, WorkflowExecutionStatus.RUNNING):
            return False
        log.error("run_lost", workflow_id=workflow_id, was=described.status.name.lower())
        return True


async def _repeat(sweep: Callable[[], Awaitable[None]], every: timedelta) -> None:
    while True:
        try:
            await sweep()
        except Exception as error:
            log.warning("sweep_failed", sweep=sweep.__name__, error=str(error))
        await asyncio.sleep(every.total_seconds())
