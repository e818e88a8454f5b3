"""What is looked at while a soak runs: processes, tables, runs and files."""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client

from db.engine import Database
from db.outbox import backlog
from db.reads.server import table_sizes
from domain.documents import PROCESSES
from runtime.local.record import StackRecord

MB = 1024 * 1024
NEWEST = 100
"""Runs of each process whose histories are looked at, the newest ones."""


@dataclass(frozen=True)
class Sample:
    """One look at what must not grow with time; memory is that of no file, in MB."""

    at: float
    """Seconds since the soak began."""
    orders: int
    """So many had been placed."""
    memory: Mapping[str, float]
    handles: Mapping[str, int]
    open_runs: int
    waiting: int
    """Rows of the outbox."""


@dataclass(frozen=True)
class Picture:
    """One look at what may grow with orders, and no faster than they."""

    orders: int
    bytes: Mapping[str, int]
    """By table, and by what is written elsewhere than in tables."""
    events: Mapping[str, int]
    """Of the longest history of each process, of those that are looked at."""
    history_bytes: Mapping[str, int]
    """Of the largest one."""


class Observer:
    """Looks at one local stack."""

    def __init__(self, record: StackRecord, folder: Path, books: Database, client: Client) -> None:
        """Look at the stack of this record, whose files are in ``folder``."""
        self._record = record
        self._folder = folder
        self._books = books
        self._client = client
        self._began = time.monotonic()

    async def sample(self, orders: int) -> Sample:
        """Return what processes hold, and what is under way."""
        trees = _trees({name: each.pid for name, each in self._record.processes.items()})
        async with self._books.read() as db:
            waiting = (await backlog(db)).depth
        running = await self._client.count_workflows("ExecutionStatus = 'Running'")
        return Sample(
            at=time.monotonic() - self._began,
            orders=orders,
            memory={name: sum(map(_memory, pids)) / MB for name, pids in trees.items()},
            handles={name: sum(map(_handles, pids)) for name, pids in trees.items()},
            open_runs=running.count,
            waiting=waiting,
        )

    async def picture(self, orders: int) -> Picture:
        """Return what has been written until now."""
        async with self._books.read() as db:
            sizes = await table_sizes(db)
        sizes["(logs)"] = _size(self._folder.glob("logs/*"))
        sizes["(Temporal)"] = _size(self._folder.glob("temporal*"))
        sizes["(partners)"] = _size(self._folder.glob("*.db*")) - _size(
            self._folder.glob("temporal*")
        )
        events, largest = {}, {}
        for process in PROCESSES.values():
            events[process.workflow], largest[process.workflow] = 0, 0
            query = f"WorkflowType = '{process.workflow}'"
            async for run in self._client.list_workflows(query, limit=NEWEST):
                name = process.workflow
                events[name] = max(events[name], run.history_length)
                largest[name] = max(largest[name], run.raw_info.history_size_bytes)
        return Picture(orders=orders, bytes=sizes, events=events, history_bytes=largest)


def _trees(roots: Mapping[str, int]) -> dict[str, list[int]]:
    """Return the processes below each root, itself included."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = {}
    for name, root in roots.items():
        pids = [root]
        for pid in pids:
            pids += children.get(pid, ())
        found[name] = pids
    return found


def _memory(pid: int) -> int:
    """Return the bytes of memory of a process that belong to no file; what is shared, in parts."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"Pss_Anon:\s+(\d+) kB", told)
    return int(found[1]) * 1024 if found else 0


def _handles(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0


def _size(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size if path.is_file() else _size(path.iterdir())
        except OSError:
            continue
    return total
