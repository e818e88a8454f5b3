"""State machines as tables: one function reads them all."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import TypeVar

from domain.errors import IllegalMove

S = TypeVar("S", bound=StrEnum)

Moves = Mapping[S, AbstractSet[S]]
"""For each state the states that may follow it; a state without followers is an end."""


def move(moves: Moves[S], current: S, target: S) -> S:
    """Return ``target`` when the table allows it, else raise IllegalMove with what is allowed."""
    if target not in moves[current]:
        raise IllegalMove(
            f"{current} cannot become {target}",
            current_status=str(current),
            allowed=sorted(str(state) for state in moves[current]),
        )
    return target


def check_running(kind: str, status: str, running: AbstractSet[StrEnum]) -> None:
    """Raise IllegalMove when a document is in none of the states in which its process runs.

    Nothing can be asked of it then: what may follow such a state, only facts and time bring.
    """
    if status not in running:
        raise IllegalMove(f"the {kind} is {status}", current_status=str(status), allowed=[])


def ends(moves: Moves[S]) -> frozenset[S]:
    """Return the states that nothing follows."""
    return frozenset(state for state, followers in moves.items() if not followers)
