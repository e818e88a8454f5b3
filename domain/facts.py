"""The ends of a partner's fact: applied, of no interest, or a person's task; or it waits."""

from enum import StrEnum
from typing import NamedTuple


class FactState(StrEnum):
    """What has become of a fact."""

    RECEIVED = "received"
    WAITING = "waiting"
    """What it is about is not here yet."""
    APPLIED = "applied"
    IGNORED = "ignored"
    """Of no interest, for a reason that has a name."""
    TASK = "task"
    """A person is asked."""


ENDED = frozenset({FactState.APPLIED, FactState.IGNORED, FactState.TASK})
"""The final states of a fact."""


class FactEnd(NamedTuple):
    """What has become of a fact, and in words what was applied or why nothing was."""

    state: FactState
    note: str


def applied(what: str) -> FactEnd:
    """Say what was applied, and to what."""
    return FactEnd(FactState.APPLIED, what)


def of_no_interest(reason: str) -> FactEnd:
    """Say why the fact changes nothing and never will."""
    return FactEnd(FactState.IGNORED, reason)


def waiting(missing: str) -> FactEnd:
    """Say what has to come before the fact can be applied."""
    return FactEnd(FactState.WAITING, missing)


def questioned(problem: str) -> FactEnd:
    """Say why a person has to look at the fact."""
    return FactEnd(FactState.TASK, problem)
