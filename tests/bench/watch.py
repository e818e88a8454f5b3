"""What a run costs beside time: CPU and memory of processes, statements, transactions, WAL."""

import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

_TICK = 1000 / os.sysconf("SC_CLK_TCK")
"""Milliseconds of CPU time per unit of /proc."""
_LINE = re.compile(r"(\d+) ([^|]*)\|LOG:  (?:statement|execute [^:]*): (.*)")
OWN = "stateset-bench"
"""The application name of our own questions, which are not counted."""


def cpu_ms(pid: int) -> float:
    """Return the CPU time of a process and all its descendants, those that ended too."""
    parents: dict[int, list[int]] = {}
    spent: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        own = int(stat.parent.name)
        parents.setdefault(int(fields[1]), []).append(own)
        spent[own] = sum(map(int, fields[11:15]))
    return _TICK * sum(spent.get(each, 0) for each in _tree(pid, parents))


def rss_mb(pid: int) -> float:
    """Return the resident memory of one process, in MB."""
    line = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return 0.0 if line is None else int(line[1]) / 1024


def _tree(pid: int, children: dict[int, list[int]]) -> Iterator[int]:
    yield pid
    for child in children.get(pid, ()):
        yield from _tree(child, children)


@dataclass
class Meter:
    """CPU time of named processes since the meter was made."""

    pids: dict[str, int]
    _before: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self._before = {name: cpu_ms(pid) for name, pid in self.pids.items()}

    def read(self) -> dict[str, float]:
        """Return ms per process."""
        return {name: cpu_ms(pid) - self._before[name] for name, pid in self.pids.items()}


@dataclass
class Statements:
    """What PostgreSQL executed for others than us, as counted from its own log."""

    by_text: Counter[str] = field(default_factory=Counter)
    transactions: int = 0
    """Those that were opened, and the statements outside of one."""

    @property
    def count(self) -> int:
        """Round trips: BEGIN and COMMIT are statements too."""
        return self.by_text.total()

    def minus(self, idle: "Statements", share: float) -> "Statements":
        """Return what is left without the idle polling of ``share`` times the idle period."""
        rest = Counter(
            {
                text: round(count - idle.by_text[text] * share)
                for text, count in self.by_text.items()
            }
        )
        alone = round(self.transactions - idle.transactions * share)
        return Statements(+rest, alone)


@asynccontextmanager
async def counted(url: str, log: Path) -> AsyncIterator[Statements]:
    """Count every statement that is executed inside the block; it costs time, so time nothing."""
    found = Statements()
    await _log_statements(url, True)
    with log.open(errors="replace") as file:
        file.seek(0, os.SEEK_END)
        yield found
        await _log_statements(url, False)
        _count(file, found)


async def _log_statements(url: str, on: bool) -> None:
    connection = await asyncpg.connect(url, ssl=False, server_settings={"application_name": OWN})
    try:
        for name, value in (
            ("log_line_prefix", "'%p %a|'"),
            ("log_parameter_max_length", "0"),
            ("log_statement", "'all'"),
        ):
            change = f"SET {name} = {value}" if on else f"RESET {name}"
            await connection.execute(f"ALTER SYSTEM {change}")
        await connection.execute("SELECT pg_reload_conf()")
        wanted = "all" if on else "none"
        # The reload reaches idle backends with their next command, and this one like the others.
        while await connection.fetchval("SHOW log_statement") != wanted:
            await connection.execute("SELECT pg_sleep(0.01)")
    finally:
        await connection.close()


def _count(lines: Iterable[str], found: Statements) -> None:
    inside: set[str] = set()
    for line in lines:
        match = _LINE.match(line)
        if match is None or match[2] == OWN:
            continue
        process, text = match[1], " ".join(match[3].split())[:100].rstrip("; ")
        found.by_text[f"{match[2]}: {text}"] += 1
        if text.startswith("BEGIN"):
            inside.add(process)
            found.transactions += 1
        elif text in ("COMMIT", "ROLLBACK"):
            inside.discard(process)
        elif process not in inside:
            found.transactions += 1
