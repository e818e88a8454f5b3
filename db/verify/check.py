"""A check of the books: a sentence that must hold, and the query that finds where it does not."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Check:
    """``sql`` returns the rows that break the sentence; a sound database returns none.

    ``find`` takes the place of ``sql`` where a rule is applied that only exists as a function.
    """

    id: str
    sentence: str
    sql: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    find: Callable[[AsyncConnection], Awaitable[Rows]] | None = None
    settles: bool = False
    """May break for the moment in which a run is between two of its steps."""
    informs: bool = False
    """What it finds is worth knowing and breaks nothing."""
    whole: bool = False
    """Compares what is there now, or all of few rows: never with changed documents only."""
    since: str = ""
    """The query in place of ``sql`` where only what changed since a mark is checked."""
