"""Recorded transactions repeated by bare asyncpg: what the database and its driver alone cost."""

import asyncio
import json
import pickle
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import uvloop
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.bench.client import Outcome, in_process, outcome_of
from tests.bench.watch import Meter

Statement = tuple[str, tuple[Any, ...]]
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NUMBER = re.compile(r"\bSO-\d+")
_MOST = 12_000
"""Transactions prepared for one run; a floor that gets through them ends early."""


class Recorder:
    """Collects the statements of an engine, with their parameters."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.statements: list[Statement] = []
        self._engine = engine.sync_engine
        event.listen(self._engine, "before_cursor_execute", self._keep)

    def _keep(
        self, _connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any
    ) -> None:
        self.statements.append((statement, tuple(parameters)))

    def take(self) -> list[Statement]:
        """Return what was recorded since the last call."""
        taken, self.statements = self.statements, []
        return taken

    def stop(self) -> None:
        event.remove(self._engine, "before_cursor_execute", self._keep)


async def replay(
    url: str,
    recorded: Sequence[Sequence[Statement]],
    folder: Path,
    *,
    seconds: float,
    connections: int = 32,
    in_transaction: bool = True,
    keep: Sequence[str] = (),
    watch: int | None = None,
) -> Outcome:
    """Repeat recorded units in a process of its own, one after another on each connection.

    Ids that are not in ``keep`` are fresh each time, so that writes stay writes. ``watch`` is the
    process whose CPU time is measured beside.
    """
    path = folder / f"recorded-{uuid4().hex}"
    path.write_bytes(pickle.dumps((list(recorded), frozenset(keep))))
    order = {
        "url": url,
        "path": str(path),
        "seconds": seconds,
        "connections": connections,
        "in_transaction": in_transaction,
        "watch": watch,
    }
    try:
        return await in_process("tests.bench.floors", order)
    finally:
        path.unlink()


def _fresh(unit: Sequence[Statement], keep: frozenset[str]) -> list[Statement]:
    names: dict[str, str] = {}
    suffix = uuid4().hex[:12]

    def rename(match: re.Match[str]) -> str:
        old = match[0]
        return old if old in keep else names.setdefault(old, str(uuid4()))

    def renamed(value: Any) -> Any:
        if isinstance(value, UUID):
            return UUID(_ID.sub(rename, str(value)))
        if not isinstance(value, str):
            return value
        return _NUMBER.sub(f"SO-{suffix}", _ID.sub(rename, value))

    return [(sql, tuple(renamed(value) for value in given)) for sql, given in unit]


async def _work(
    connection: Any,
    units: Iterator[Sequence[Statement]],
    until: float,
    latencies: list[float],
    in_transaction: bool,
) -> None:
    for unit in units:
        began = time.perf_counter()
        if began > until:
            return
        if in_transaction:
            await connection.execute("BEGIN")
        for sql, given in unit:
            await connection.fetch(sql, *given)
        if in_transaction:
            await connection.execute("COMMIT")
        latencies.append(time.perf_counter() - began)


async def _main(order: dict[str, Any], recorded: list[Any], keep: frozenset[str]) -> None:
    if order["in_transaction"]:
        repeats = -(-_MOST // len(recorded))
        prepared = [_fresh(unit, keep) for _ in range(repeats) for unit in recorded]
    else:
        prepared = list(recorded) * (500_000 // len(recorded))
    connections = [
        await asyncpg.connect(order["url"], ssl=False, server_settings={"jit": "off"})
        for _ in range(order["connections"])
    ]
    units = iter(prepared)
    # A connection plans a statement anew for its first five executions.
    warm: list[float] = []
    for connection in connections:
        first = islice(units, 6)
        await _work(connection, first, float("inf"), warm, order["in_transaction"])
    latencies: list[float] = []
    watch = Meter({"it": order["watch"]} if order["watch"] else {})
    cpu, began = time.process_time(), time.perf_counter()
    until = began + order["seconds"]
    await asyncio.gather(
        *(
            _work(connection, units, until, latencies, order["in_transaction"])
            for connection in connections
        )
    )
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    watched = watch.read().get("it", 0.0)
    for connection in connections:
        await connection.close()
    outcome = outcome_of({"done": len(latencies)}, latencies, seconds, cpu, watched)
    print(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    _order = json.loads(sys.stdin.buffer.read())
    uvloop.run(_main(_order, *pickle.loads(Path(_order["path"]).read_bytes())))
