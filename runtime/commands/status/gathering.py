"""Asking every part of an installation how it is; what is away is said, and the rest is told."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from db.engine import Database, open_engine
from db.failures import short_cause
from db.outbox import backlog
from db.reads.overview import (
    Shown,
    connected_processes,
    holds_by_reason,
    pending_by_kind,
    questions_by_role,
)
from db.watching import last_verification, partner_health
from domain.holds import HOLD_OWNERS, HoldReason
from relay.lost_runs import RunWatch
from relay.sweeps import YOUNG
from runtime.commands.connection import Target
from runtime.commands.status.parts import Part, State, parts_of
from runtime.settings import Settings
from runtime.temporal import connect

PATIENCE = 10.0
"""Seconds that a part has to answer."""
RUNS_PATIENCE = 30.0
RUNS_EVERY = timedelta(seconds=30)
"""Runs are asked for one by one, and so less often than the rest."""
SHOWN = 10
"""Runs that are named."""

_AWAY = (SQLAlchemyError, OSError, RPCError, RuntimeError, httpx2.HTTPError)

_READS: Mapping[str, Callable[[AsyncConnection], Awaitable[Any]]] = {
    "processes": connected_processes,
    "outbox": backlog,
    "partners": partner_health,
    "questions": questions_by_role,
    "holds": holds_by_reason,
    "pending": pending_by_kind,
    "verify": last_verification,
}


class Observer:
    """Looks at one installation, again and again; ``async with`` keeps its connections."""

    def __init__(self, target: Target, settings: Settings) -> None:
        """Look at what is at these addresses."""
        self._target = target
        self._settings = target.at_temporal(settings)
        engine = open_engine(target.database_url, application="stateset-status", pool=4)
        self._books = Database(engine)
        self._http = httpx2.AsyncClient(timeout=PATIENCE)
        self._client: Client | None = None
        self._watch: RunWatch | None = None
        self._runs: Shown | None = None
        self._runs_at = datetime.min.replace(tzinfo=UTC)

    async def __aenter__(self) -> "Observer":
        """Connect to nothing yet: what is away is only seen when it is asked."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        await self._http.aclose()
        await self._books.close()

    async def look(self) -> dict[str, Any]:
        """Return how everything is now; None for what cannot be known."""
        books, api, temporal = await asyncio.gather(self._read(), self._api(), self._temporal())
        now = datetime.now(UTC)
        known = books if isinstance(books, Mapping) else dict.fromkeys(_READS)
        database = Part("database", "", State.OK, "answers")
        if isinstance(books, Exception):
            database = Part("database", "", State.AWAY, short_cause(books))
        processes = parts_of(known["processes"])
        outbox = known["outbox"]
        return {
            "at": now,
            "parts": [vars(part) for part in (database, temporal, api, *processes)],
            "outbox": None if outbox is None else outbox._asdict(),
            "partners": _partners(known["partners"]),
            "questions": _plain(known["questions"]),
            "holds": _holds(known["holds"]),
            "pending": _plain(known["pending"]),
            "runs": await self._run_states(now) if known["pending"] is not None else None,
            "verify": None if known["verify"] is None else _verified(known["verify"]),
        }

    async def _read(self) -> Mapping[str, Any] | Exception:
        try:
            async with asyncio.timeout(PATIENCE), self._books.read() as db:
                return {name: await read(db) for name, read in _READS.items()}
        except _AWAY as error:
            return error

    async def _api(self) -> Part:
        url = self._target.api_url
        if url is None:
            return Part("api", "", State.NOT_ASKED, "set STATESET_URL to have it asked")
        try:
            answer = (await self._http.get(f"{url}/health/ready")).json()
        except (*_AWAY, ValueError) as error:
            return Part("api", url, State.AWAY, _words(error))
        state = State.OK if answer.get("status") == "ok" else State.DEGRADED
        known = ", ".join(f"{name} {answer.get(name)}" for name in ("database", "temporal"))
        return Part("api", url, state, f"{answer.get('status')}: {known}")

    async def _temporal(self) -> Part:
        where = self._target.temporal_address or ""
        try:
            async with asyncio.timeout(PATIENCE):
                self._client = self._client or await connect(self._settings)
                asked = DescribeTaskQueueRequest(
                    namespace=self._client.namespace,
                    task_queue=TaskQueue(name=self._settings.task_queue),
                    task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
                )
                queue = await self._client.workflow_service.describe_task_queue(asked)
        except _AWAY as error:
            return Part("temporal", where, State.AWAY, _words(error))
        if not queue.pollers:
            return Part(
                "temporal", where, State.DEGRADED, "answers, and no worker asks it for work"
            )
        asking = len({poller.identity for poller in queue.pollers})
        return Part("temporal", where, State.OK, f"answers; asked for work lately by {asking}")

    async def _run_states(self, now: datetime) -> Shown | None:
        """Return which runs are lost or stand still; None while Temporal is away."""
        if now - self._runs_at < RUNS_EVERY:
            return self._runs
        self._runs = None
        if self._client is None:
            return None
        try:
            self._watch = self._watch or RunWatch(self._books, self._client, YOUNG)
            async with asyncio.timeout(RUNS_PATIENCE):
                lost = sorted(each.run_id for each in await self._watch.find_lost())
        except _AWAY:
            return None
        standing = sorted(self._watch.standing)
        self._runs_at = now
        latest = self._watch.latest
        self._runs = {
            "lost": latest.lost,
            "standing_still": len(standing),
            "compared": latest.compared,
            "asked": latest.asked,
            "all_compared": latest.all_compared,
            "samples": [*lost[:SHOWN], *standing[:SHOWN]],
        }
        return self._runs


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {PATIENCE:.0f} s"
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


def _plain(rows: Sequence[Shown] | None) -> list[dict[str, Any]] | None:
    return None if rows is None else [dict(row) for row in rows]


def _holds(rows: Sequence[Shown] | None) -> list[dict[str, Any]] | None:
    """Return the holds with the role that is asked about each."""
    if rows is None:
        return None
    return [{"role": HOLD_OWNERS[HoldReason(row["reason"])], **row} for row in rows]


def _partners(rows: Sequence[Shown] | None) -> list[dict[str, Any]] | None:
    if rows is None:
        return None
    return [{**row, "state": _health(row["answered_at"], row["failed_at"])} for row in rows]


def _health(answered_at: datetime | None, failed_at: datetime | None) -> State:
    if failed_at is None or (answered_at is not None and answered_at > failed_at):
        return State.OK
    return State.AWAY


def _verified(row: Shown) -> dict[str, Any]:
    return {**row, "took": row["took"].total_seconds()}
