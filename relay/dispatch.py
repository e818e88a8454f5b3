"""The relay of the outbox to Temporal: at least once, and by the business id exactly once."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.facts import FactIntake
from db.engine import Database, process_name
from db.failures import Trouble, diagnose, short_cause
from db.outbox import Due, drop_done, hand_back, postpone, take_due
from domain.errors import NotFound
from telemetry import metrics, tracing
from workflows.runs import start_options

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=10)
"""After so long another worker takes a row over: accepted orders wait no longer for a dead one."""
FACT_PATIENCE_ATTEMPTS = 30
"""Tries before a fact about nothing we know becomes a task: with the back-off about a day."""
FACT_FAILURE_ATTEMPTS = 10
"""Tries of a fact whose application fails before it becomes a task: about five minutes."""
LONGEST_PAUSE = timedelta(seconds=15)
"""Between tries to reach Temporal: an outage may last for hours, orders wait for its end."""
LONGEST_WAIT = timedelta(minutes=60)
"""Between looks for what a fact is about."""


class Dispatcher:
    """Takes due rows, several at a time, and starts, signals or applies what they say."""

    def __init__(
        self, books: Database, client: Client, *, task_queue: str, batch: int, poll: timedelta
    ) -> None:
        """Dispatch with the client of the worker in this process, so that starts can be eager."""
        self._books = books
        self._client = client
        self._task_queue = task_queue
        self._batch = batch
        self._poll = poll
        self._facts = FactIntake(books)
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Dispatch until cancelled; an outage of the database or Temporal only delays it."""
        while True:
            self._wake.clear()
            try:
                taken = await self._round()
            except Exception as error:
                log.warning("dispatch_failed", error=str(error))
                taken = 0
            # What was done often leaves more to do, so there is a pause only when all is done.
            if not taken:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._poll.total_seconds())

    async def listen(self, database_url: str) -> None:
        """Wake the dispatcher when the API says that there is work, until cancelled."""
        while True:
            try:
                connection = await asyncpg.connect(
                    database_url,
                    server_settings={"application_name": process_name("stateset-relay")},
                )
                gone = asyncio.Event()
                connection.add_termination_listener(lambda *_, gone=gone: gone.set())
                await connection.add_listener("outbox", lambda *_: self._wake.set())
                await gone.wait()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(1)

    async def _round(self) -> int:
        async with self._books.write_at_once() as db:
            rows = await take_due(db, self._batch, LEASE)
        if not rows:
            return 0
        facts = [row for row in rows if row.kind == "fact"]
        told = [row for row in rows if row.kind != "fact"]
        try:
            await asyncio.gather(self._apply(facts), self._send_all(told))
        except asyncio.CancelledError:
            # Another worker takes them at once, instead of when the lease runs out.
            async with self._books.write_at_once() as db:
                await hand_back(db, [row.id for row in rows])
            raise
        return len(rows)

    async def _apply(self, rows: Sequence[Due]) -> None:
        """Apply facts, together if that works; those that are done with leave the outbox."""
        if not rows:
            return
        ids = [row.document_id for row in rows]
        give_up = {row.document_id for row in rows if row.attempts >= FACT_PATIENCE_ATTEMPTS}
        causes = [row.payload.get("trace", "") for row in rows]
        try:
            with tracing.span("ApplyFacts", causes=causes):
                waiting = await self._facts.apply(ids, give_up=give_up)
        except Exception as error:
            if len(rows) == 1:
                await self._fail(rows[0], error)
            else:
                # One bad fact must not hold the others.
                await asyncio.gather(*(self._apply([row]) for row in rows))
            return
        for row in rows:
            if row.document_id in waiting:
                await self._postpone(row, "about something that is not known here yet")
            else:
                log.info("fact_done", fact=row.document_id, attempts=row.attempts)
                metrics.dispatches.labels(row.kind, "done").inc()

    async def _fail(self, row: Due, error: Exception) -> None:
        """Look at a fact again later; one that fails time and again is put to a person.

        What another transaction or an outage prevents is not the fact's fault.
        """
        problem = short_cause(error)
        its_fault = diagnose(error) not in (Trouble.CONFLICT, Trouble.DOWN)
        if its_fault and row.attempts >= FACT_FAILURE_ATTEMPTS:
            try:
                await self._facts.give_up(row.document_id, problem)
            except Exception as again:
                problem = short_cause(again)
            else:
                log.warning("fact_given_up", document=row.document_id, why=problem)
                metrics.dispatches.labels(row.kind, "done").inc()
                return
        await self._postpone(row, problem)

    async def _send_all(self, rows: Sequence[Due]) -> None:
        """Start and signal runs, all at once; what was told leaves the outbox."""
        outcomes = await asyncio.gather(*(self._dispatch(row) for row in rows))
        if told := [row.id for row, done in zip(rows, outcomes, strict=True) if done]:
            async with self._books.write_at_once() as db:
                await drop_done(db, told)

    async def _dispatch(self, row: Due) -> bool:
        try:
            with tracing.going_on(row.payload.get("trace", "")), _about(row):
                await self._send(row)
                log.info("dispatched", kind=row.kind, signal=row.payload.get("signal"))
        except Exception as error:
            with _about(row):
                await self._postpone(row, f"{type(error).__name__}: {error}")
            return False
        metrics.dispatches.labels(row.kind, "done").inc()
        return True

    async def _postpone(self, row: Due, problem: str) -> None:
        metrics.dispatches.labels(row.kind, "failed").inc()
        log.warning("dispatch_postponed", kind=row.kind, why=problem, row=row.document_id)
        longest = LONGEST_WAIT if row.kind == "fact" else LONGEST_PAUSE
        pause = min(timedelta(seconds=0.5) * 2 ** min(row.attempts, 14), longest)
        async with self._books.write_at_once() as db:
            await postpone(db, row.id, problem, pause)

    async def _send(self, row: Due) -> None:
        """Start the document's run, or signal it; a signal starts a run that was lost."""
        if row.run is None:
            raise NotFound(f"there is no {row.document_type} {row.document_id}")
        options = start_options(row.run, self._task_queue)
        signal = row.payload.get("signal")
        if signal is not None:
            await self._client.start_workflow(
                row.run.workflow,
                row.document_id,
                start_signal=signal,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                **options,
            )
            return
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await self._client.start_workflow(
                row.run.workflow,
                row.document_id,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                request_eager_start=True,
                **options,
            )


def _about(row: Due) -> contextlib.AbstractContextManager[None]:
    number = row.run.number if row.run is not None else str(row.document_type)
    return tracing.about(number, document_id=row.document_id)
