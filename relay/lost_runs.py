"""Lost runs: unfinished documents whose runs are gone, and runs that stand still."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import timedelta
from itertools import islice
from typing import NamedTuple
from uuid import UUID

import structlog
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from db.engine import Database
from db.outbox import signal
from db.runs import Unfinished, find_unfinished
from domain.documents import PROCESSES
from telemetry import metrics
from workflows.runs import OPEN_RUNS, STANDS_FROM

log = structlog.get_logger(__name__)

COMPARED_A_TIME = 20_000
"""Documents that are compared with Temporal's list of open runs, by one statement."""
LISTED_A_TIME = 1_000
ASKED_A_TIME = 500
"""Runs that Temporal is asked about one by one."""
AT_ONCE = 10
_FIRST = UUID(int=0)


class Look(NamedTuple):
    """What one look at the runs covered."""

    lost: int = 0
    compared: int = 0
    """Unfinished documents whose runs were looked for in Temporal's list of open ones."""
    asked: int = 0
    """Those of which Temporal was asked about the run itself, as it takes to see one standing."""
    all_compared: bool = False
    """Else there are more documents than are compared at once."""


class RunWatch:
    """What one worker knows of the runs that unfinished documents need.

    A run can get lost when Temporal's own database is restored from an older backup than ours,
    when an operator terminates it, or when a step refused what its process does not expect: that
    one is worth an engineer's look, too.
    """

    def __init__(self, books: Database, client: Client, young: timedelta) -> None:
        """Watch over the documents of these books that are not ``young`` any more."""
        self._books = books
        self._client = client
        self._young = young
        self._compared = _FIRST
        """The document up to which this round has compared."""
        self._portion = 0
        """How many portions this round has compared."""
        self._asked: dict[int, UUID] = {}
        """Of each portion the document up to which Temporal was asked about open runs."""
        self._lost = 0
        """How many lost runs this round has found."""
        self._standing: set[str] = set()
        """What ``standing`` tells."""
        self.latest = Look()
        """What the latest look covered."""

    @property
    def standing(self) -> frozenset[str]:
        """The ids of runs that stood still when Temporal was last asked."""
        return frozenset(self._standing)

    async def find_lost(self) -> Sequence[Unfinished]:
        """Return unfinished documents whose runs are gone, and set what is measured of runs.

        What Temporal does not list as open comes first, so that it is found at once among however
        many; its list may be a moment behind, so it is asked about each of those. Then those that
        stood still before, and then the next ones in turn, the oldest first: only so is it seen
        that a run stands still.
        """
        async with self._books.read() as db:
            portion = await find_unfinished(
                db, after=self._compared, older_than=self._young, limit=COMPARED_A_TIME
            )
        told = [one for one in portion if not one.due]
        listed = {run async for run in self._open_runs()} if told else set()
        self._standing &= listed
        missing = [one for one in told if one.run_id not in listed]
        asked = [
            *missing[:ASKED_A_TIME],
            *(one for one in told if one.run_id in self._standing),
        ]
        asked += self._next(told, ASKED_A_TIME - len(asked), {one.run_id for one in asked})
        lost = await self._ask(asked)
        gone = len(lost) + len(missing[ASKED_A_TIME:])
        self._lost += gone
        self.latest = Look(gone, len(told), len(asked), len(portion) < COMPARED_A_TIME)
        if len(portion) == COMPARED_A_TIME:
            self._compared, self._portion = portion[-1].id, self._portion + 1
        else:
            metrics.stuck_documents.set(self._lost)
            self._compared, self._portion, self._lost = _FIRST, 0, 0
        metrics.runs_standing_still.set(len(self._standing))
        return lost

    async def wake(self, lost: Sequence[Unfinished]) -> int:
        """Signal runs that are gone: the dispatcher starts them anew."""
        for one in lost:
            async with self._books.begin() as db:
                await signal(db, one.document, PROCESSES[one.kind].signals[0])
        return len(lost)

    async def _open_runs(self) -> AsyncIterator[str]:
        async for run in self._client.list_workflows(OPEN_RUNS, page_size=LISTED_A_TIME):
            yield run.id

    def _next(self, told: Sequence[Unfinished], room: int, known: set[str]) -> list[Unfinished]:
        """Return the next documents in turn, at most so many; after the last one the first."""
        asked = self._asked.get(self._portion, _FIRST)
        ahead = [one for one in told if one.id > asked]
        behind = told[: len(told) - len(ahead)]
        turn = (one for one in (*ahead, *behind) if one.run_id not in known)
        found = list(islice(turn, max(room, 0)))
        self._asked[self._portion] = found[-1].id if found else asked
        return found

    async def _ask(self, documents: Iterable[Unfinished]) -> list[Unfinished]:
        """Return those of the documents whose runs are gone, as Temporal says of each."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def ask(document: Unfinished) -> bool:
            async with gate:
                return await self._is_lost(document.run_id)

        asked = list(documents)
        answers = await asyncio.gather(*map(ask, asked))
        return [one for one, is_lost in zip(asked, answers, strict=True) if is_lost]

    async def _is_lost(self, workflow_id: str) -> bool:
        """Whether a run is gone, which the log tells; one that stands still is remembered."""
        self._standing.discard(workflow_id)
        try:
            described = await self._client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            log.error("run_lost", workflow_id=workflow_id, was="unknown")
            return True
        if described.status not in (None, WorkflowExecutionStatus.RUNNING):
            log.error("run_lost", workflow_id=workflow_id, was=described.status.name.lower())
            return True
        attempts = described.raw_description.pending_workflow_task.attempt
        if attempts >= STANDS_FROM:
            log.error("run_stands_still", workflow_id=workflow_id, attempts=attempts)
            self._standing.add(workflow_id)
        return False
