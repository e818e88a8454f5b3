"""The parts of an installation, and what is known of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

SILENT = timedelta(seconds=15)
"""After so long without a statement a process is not alive: each asks the books every 5 s."""

PROCESSES = ("api", "worker", "relay")
"""What always runs, by the names of their connections to the books."""


class State(StrEnum):
    """How a part is."""

    OK = "ok"
    DEGRADED = "degraded"
    AWAY = "away"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class Part:
    """A server or a process: how it is, and what it answers."""

    part: str
    where: str
    """An address, or host and number of a process; empty for what is known by its kind alone."""
    state: State
    says: str


def parts_of(processes: Sequence[Mapping[str, Any]] | None) -> list[Part]:
    """Return our processes as the books see them; a kind that has none is away.

    The relay, which tells Temporal what was accepted, is alive as long as its worker is.
    """
    if processes is None:
        return [
            Part(name, "", State.NOT_ASKED, "only the database knows of it") for name in PROCESSES
        ]
    heard = {
        each["process"]: each["heard_at"] for each in processes if each["part"] == "stateset-worker"
    }
    found: list[Part] = []
    for name in PROCESSES:
        known = [each for each in processes if each["part"] == f"stateset-{name}"]
        if not known:
            found.append(Part(name, "", State.AWAY, "none is connected to the database"))
        for each in known:
            at = heard.get(each["process"]) if name == "relay" else each["heard_at"]
            # By the clock that wrote when it was heard: this machine's may be another.
            found.append(_process(name, each["process"], at, each["now"]))
    return found


def _process(name: str, process: str, heard_at: datetime | None, now: datetime) -> Part:
    if heard_at is None:
        return Part(name, process, State.OK, "is connected to the database")
    silence = max(now - heard_at, timedelta())
    if silence > SILENT:
        return Part(name, process, State.AWAY, f"silent for {silence.seconds} s")
    return Part(name, process, State.OK, f"heard {silence.seconds} s ago")
