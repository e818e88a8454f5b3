"""Read the books in one snapshot and say where they break a rule."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.verify import (
    claims,
    closed,
    corrections,
    inventory,
    lots,
    orders,
    payments,
    records,
    refunds,
    returns,
    shipments,
    terms,
    units,
    warranties,
    work_orders,
)
from db.verify.check import Check
from db.verify.closed import days_to_close
from db.verify.mark import Mark, mark_here
from db.verify.touched import look_at_books, look_at_touched, make_room

CHECKS: tuple[Check, ...] = (
    *inventory.CHECKS,
    *corrections.CHECKS,
    *payments.CHECKS,
    *records.CHECKS,
    *refunds.CHECKS,
    *returns.CHECKS,
    *shipments.CHECKS,
    *orders.CHECKS,
    *units.CHECKS,
    *terms.CHECKS,
    *warranties.CHECKS,
    *claims.CHECKS,
    *lots.CHECKS,
    *work_orders.CHECKS,
    *closed.CHECKS,
)
_LIMITS = text(
    "SELECT set_config('statement_timeout', :limit, true),"
    " set_config('idle_in_transaction_session_timeout', :limit, true)"
)
SAMPLES = 5
_TIMEOUT = timedelta(minutes=5)
_POLL = 0.25


@dataclass(frozen=True)
class Finding:
    """How often a check's sentence is broken, with up to five of the places."""

    id: str
    sentence: str
    violations: int
    samples: tuple[Mapping[str, Any], ...] = ()
    settles: bool = False
    informs: bool = False

    @property
    def broken(self) -> bool:
        """Whether this is a violation and not mere information."""
        return self.violations > 0 and not self.informs


@dataclass(frozen=True)
class Looked:
    """What was found in one snapshot, and what is kept of it when all of it is sound."""

    findings: list[Finding]
    documents: int | None
    """How many had changed since the mark, or are compared with those; None when all counted."""
    mark: Mark
    days: Sequence[Any]
    """The sums of the days that are over, to be kept."""

    @property
    def unsettled(self) -> bool:
        """Whether something is broken that a run may still settle."""
        return any(found.broken and found.settles for found in self.findings)


async def verify(
    engine: AsyncEngine,
    *,
    checks: Sequence[Check] = CHECKS,
    patience: timedelta = timedelta(),
) -> list[Finding]:
    """Run every check over all books; see ``look``."""
    return (await look(engine, checks=checks, patience=patience)).findings


async def look(
    engine: AsyncEngine,
    mark: Mark | None = None,
    *,
    checks: Sequence[Check] = CHECKS,
    patience: timedelta = timedelta(),
) -> Looked:
    """Run every check; each sees the same moment.

    With a mark they are held against what changed since then, but for those that it does not
    know. Where a run may be between two steps the sentence is checked again until it holds, for at
    most ``patience``. Nothing is changed or locked.
    """
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        looked = await _look(engine, checks, mark)
        if not looked.unsettled or time.monotonic() >= deadline:
            return looked
        await asyncio.sleep(_POLL)


async def _look(engine: AsyncEngine, checks: Sequence[Check], mark: Mark | None) -> Looked:
    async with engine.connect() as db:
        if mark is not None:
            await make_room(db)
            await db.commit()
        try:
            await db.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            await db.execute(_LIMITS, {"limit": str(_TIMEOUT // timedelta(milliseconds=1))})
            return await look_around(db, checks, mark)
        finally:
            if mark is not None:
                # The next user of this connection would find our tables in place of the books.
                await db.invalidate()


async def look_around(db: AsyncConnection, checks: Sequence[Check], mark: Mark | None) -> Looked:
    """Run every check in the running transaction; with a mark, where there is room for it."""
    here = await mark_here(db, [check.id for check in checks])
    if mark is None:
        findings = [await _run(db, check) for check in checks]
        return Looked(findings, None, here, await days_to_close(db))
    known = set(mark.known)
    await look_at_books(db)
    whole = {
        check.id: await _run(db, check) for check in checks if check.whole or check.id not in known
    }
    days = await days_to_close(db)
    documents = await look_at_touched(db, mark)
    findings = [whole.get(check.id) or await _run(db, check, mark) for check in checks]
    return Looked(findings, documents, here, days)


async def _run(db: AsyncConnection, check: Check, mark: Mark | None = None) -> Finding:
    sql, given = check.sql, dict(check.parameters)
    if mark is not None and check.since:
        sql, given = check.since, {**given, "since": mark.since}
    if check.find is not None:
        rows = await check.find(db)
        count, samples = len(rows), [dict(row) for row in rows[:SAMPLES]]
    else:
        query = f"SELECT count(*) OVER () AS violations, v.* FROM ({sql}) v LIMIT {SAMPLES}"
        found = (await db.execute(text(query), given)).mappings().all()
        count = found[0]["violations"] if found else 0
        samples = [{k: v for k, v in row.items() if k != "violations"} for row in found]
    return Finding(
        id=check.id,
        sentence=check.sentence,
        violations=count,
        samples=tuple(samples),
        settles=check.settles,
        informs=check.informs,
    )
