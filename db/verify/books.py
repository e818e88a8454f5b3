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


async def verify(
    engine: AsyncEngine,
    *,
    checks: Sequence[Check] = CHECKS,
    patience: timedelta = timedelta(),
) -> list[Finding]:
    """Run every check; each sees the same moment.

    Where a run may be between two steps the sentence is checked again until it holds, for at most
    ``patience``. Nothing is changed or locked.
    """
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        findings = await _look(engine, checks)
        unsettled = any(found.broken and found.settles for found in findings)
        if not unsettled or time.monotonic() >= deadline:
            return findings
        await asyncio.sleep(_POLL)


async def _look(engine: AsyncEngine, checks: Sequence[Check]) -> list[Finding]:
    snapshot = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    async with snapshot.connect() as db:
        limit = str(_TIMEOUT // timedelta(milliseconds=1))
        await db.execute(
            text(
                "SELECT set_config('statement_timeout', :limit, true),"
                " set_config('idle_in_transaction_session_timeout', :limit, true)"
            ),
            {"limit": limit},
        )
        return [await _run(db, check) for check in checks]


async def _run(db: AsyncConnection, check: Check) -> Finding:
    if check.find is not None:
        rows = await check.find(db)
        count, samples = len(rows), [dict(row) for row in rows[:SAMPLES]]
    else:
        query = f"SELECT count(*) OVER () AS violations, v.* FROM ({check.sql}) v LIMIT {SAMPLES}"
        found = (await db.execute(text(query), dict(check.parameters))).mappings().all()
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
