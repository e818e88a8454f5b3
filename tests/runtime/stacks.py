"""Local stacks for tests: real servers, and small programs in the place of ours."""

import asyncio
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from runtime.local.answering import HEARING, Hearing
from runtime.local.plan import Programs
from runtime.local.stack import Stack
from runtime.settings import Settings


def stand_in(name: str, notes: Path, port_from: str = "-") -> tuple[str, ...]:
    """A program of this name which writes the settings that it was given to ``notes``."""
    return (
        sys.executable,
        str(Path(__file__).with_name("stand_in.py")),
        name,
        str(notes),
        port_from,
    )


def programs(notes: Path) -> Programs:
    notes.mkdir(exist_ok=True)
    return Programs(
        migrate=stand_in("migrate", notes),
        carrier=stand_in("carrier", notes, "SIMULATOR_PORT"),
        payments=stand_in("payments", notes, "SIMULATOR_PORT"),
        worker=stand_in("worker", notes, "STATESET_METRICS_PORT"),
        api=stand_in("api", notes, "STATESET_API_PORT"),
    )


def a_stack(
    folder: Path,
    say: Callable[[str], None] = lambda _: None,
    *,
    hearing: Hearing = HEARING,
    **settings: object,
) -> Stack:
    """A stack on free ports whose data are in ``<folder>/data``."""
    free = dict.fromkeys(("api_port", "postgres_port", "temporal_port", "ui_port"), 0)
    chosen = {"data_dir": folder / "data", "metrics_port": 0, **free, **settings}

    async def make_api_key(database_url: str) -> str:
        return f"key of {database_url}"

    return Stack(
        Settings.model_validate(chosen),
        programs=programs(folder / "notes"),
        make_api_key=make_api_key,
        say=say,
        hearing=hearing,
    )


def alive(pid: int) -> bool:
    """Whether a process lives; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def owner_of(pid: int) -> int:
    """The user id that a process runs as."""
    return Path(f"/proc/{pid}").stat().st_uid


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def hold(folder: Path) -> None:
    """Run a stack until somebody ends this process; for tests that do so from outside."""
    async with a_stack(folder) as stack:
        await stack.ready()
        (folder / "held").touch()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(hold(Path(sys.argv[1])))
