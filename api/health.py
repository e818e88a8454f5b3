"""Health: liveness of this process, and readiness of what it needs."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Literal

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from api.services import Services
from db.engine import Database, check_schema
from db.failures import short_cause
from db.outbox import backlog
from domain.errors import PartnerUnavailable
from domain.value import Value
from telemetry import metrics
from workflows.runs import tells_of_runs

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/health", tags=["health"])

PATIENCE = 2.0
"""Seconds that each part has to answer."""

KEPT = 1.0
"""Seconds for which what was found is answered again."""

EVERY = 5.0
"""Seconds between two looks at the backlog."""


class PartStatus(StrEnum):
    """Whether what is needed answers."""

    OK = "ok"
    UNAVAILABLE = "unavailable"


class ReadinessStatus(StrEnum):
    """Whether orders can be accepted; `degraded` while they can, and wait for Temporal."""

    OK = "ok"
    DEGRADED = "degraded"
    UNAVAILABLE = "unavailable"


class Liveness(Value):
    """The process answers."""

    status: Literal["ok"] = "ok"
    """An answer is all that there is to say."""


class Health(Value):
    """What this process needs, part by part."""

    status: PartStatus
    """`ok` while both parts are."""
    database: PartStatus
    """Whether PostgreSQL answers, with the tables of this release."""
    temporal: PartStatus
    """Whether Temporal answers."""


class Backlog(Value):
    """What is accepted and not yet told to Temporal."""

    depth: int
    """How many messages wait."""
    oldest_seconds: float
    """How long the oldest of them has waited; 0 without any."""
    failing: int
    """How many of them were tried and failed."""


class Readiness(Value):
    """Whether requests should be sent here.

    ``degraded`` while Temporal is away: orders are still accepted, and catch up later.
    """

    status: ReadinessStatus
    """Send requests here unless it is `unavailable`."""
    database: PartStatus
    """Whether PostgreSQL answers, with the tables of this release."""
    temporal: PartStatus
    """Whether Temporal answers."""
    backlog: Backlog | None
    """Null while the database does not answer."""


class Latest:
    """What was found when the parts were last asked, which they are once a second at most.

    However often this is asked, and whatever callers do: it takes one connection, of those that
    callers do not have.
    """

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` counts seconds."""
        self._services = services
        self._clock = clock
        self._asked: asyncio.Task[tuple[Backlog | None, PartStatus]] | None = None
        self._until = 0.0

    async def get(self) -> tuple[Backlog | None, PartStatus]:
        """Return the backlog, None while the database does not answer, and Temporal's state."""
        if self._asked is None or (self._asked.done() and self._clock() >= self._until):
            self._asked = asyncio.create_task(self._ask())
            self._asked.add_done_callback(self._keep)
        return await asyncio.shield(self._asked)

    async def _ask(self) -> tuple[Backlog | None, PartStatus]:
        return await asyncio.gather(_backlog(self._services), _temporal(self._services))

    def _keep(self, _: object) -> None:
        self._until = self._clock() + KEPT


@router.get("/live")
async def live() -> Liveness:
    """Always 200 while the process can answer; asks nothing else."""
    return Liveness()


@router.get("", responses={503: {"model": Health, "description": "A part is unavailable."}})
async def show(request: Request, response: Response) -> Health:
    """200 when database and Temporal answer, else 503; both are asked once a second at most."""
    latest: Latest = request.app.state.health
    backlog, temporal = await latest.get()
    database = _status(backlog is not None)
    everything = _status(database is temporal is PartStatus.OK)
    if everything is not PartStatus.OK:
        response.status_code = 503
    return Health(status=everything, database=database, temporal=temporal)


@router.get("/ready", responses={503: {"model": Readiness, "description": "The database is away."}})
async def ready(request: Request, response: Response) -> Readiness:
    """200 while orders can be accepted, which takes the database; 503 otherwise."""
    latest: Latest = request.app.state.health
    found, temporal = await latest.get()
    if found is None:
        response.status_code = 503
        return Readiness(
            status=ReadinessStatus.UNAVAILABLE,
            database=PartStatus.UNAVAILABLE,
            temporal=temporal,
            backlog=None,
        )
    whole = temporal is PartStatus.OK
    return Readiness(
        status=ReadinessStatus.OK if whole else ReadinessStatus.DEGRADED,
        database=PartStatus.OK,
        temporal=temporal,
        backlog=found,
    )


def _status(answers: bool) -> PartStatus:
    return PartStatus.OK if answers else PartStatus.UNAVAILABLE


async def _backlog(serving: Services) -> Backlog | None:
    """Return the backlog; None when the database does not answer."""
    try:
        async with asyncio.timeout(PATIENCE), serving.db.read() as db:
            await check_schema(db)
            found = await backlog(db)
    except (SQLAlchemyError, OSError):
        return None
    return Backlog(
        depth=found.depth, oldest_seconds=float(found.oldest_seconds), failing=found.failing
    )


async def watch_backlog(db: Database) -> None:
    """Keep the age of the backlog in the metrics, until cancelled.

    Workers do so too; but the one thing that this age is to tell is that none of them lives.
    """
    while True:
        try:
            async with asyncio.timeout(PATIENCE), db.read() as connection:
                found = await backlog(connection)
        except Exception as error:
            log.warning("backlog_unknown", why=short_cause(error))
            metrics.database_answers.set(0)
        else:
            metrics.database_answers.set(1)
            metrics.outbox_oldest_seconds.set(float(found.oldest_seconds))
            metrics.outbox_failing.set(found.failing)
        await asyncio.sleep(EVERY)


async def _temporal(serving: Services) -> PartStatus:
    try:
        async with asyncio.timeout(PATIENCE):
            client = await serving.temporal()
            return _status(await tells_of_runs(client, timedelta(seconds=PATIENCE)))
    except (PartnerUnavailable, OSError):
        return PartStatus.UNAVAILABLE
