"""What a sweep is: a query that runs again and again, and what is done about what it finds."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from db.engine import Database
from relay.lost_runs import RunWatch

EVERY = timedelta(minutes=5)
"""For what is not urgent: what waits, waits in hours."""


@dataclass(frozen=True)
class Keep:
    """How long what the books do not need is kept."""

    answers: timedelta = timedelta(hours=72)
    facts: timedelta = timedelta(days=90)
    links: timedelta = timedelta(days=30)


class Given(Protocol):
    """What sweeps run on."""

    books: Database
    runs: RunWatch
    keep: Keep


Found = TypeVar("Found")
Find = Callable[[AsyncConnection, int], Awaitable[Sequence[Found]]]


@dataclass(frozen=True)
class Sweep(Generic[Found]):
    """One row of the table: how often a query runs, and what is done about what it finds."""

    name: str
    every: timedelta
    find: Callable[[Given], Awaitable[Sequence[Found]]]
    act: Callable[[Given, Sequence[Found]], Awaitable[int]]
    """Returns how many were dealt with; safe to repeat."""
    batch: int | None = None
    """How many are found at once; when so many were dealt with, the rest follows at once."""
