"""One deadline that only warns: what is looked at, how long it may wait, and what is said then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from domain.tasks import TaskKind


@dataclass(frozen=True)
class Deadline:
    """One row of the table: what is looked at, how long it may wait, and what is said then."""

    name: str
    document: str
    """What the warning is about: an ``order``, ``shipment``, ``refund``, ``return``, ``hold``."""
    after: timedelta
    waiting: str
    """Selects id, since, abroad and facts of all that waits, be it late or not."""
    task: TaskKind | None = None
    event: str = ""
    """The event ``<document>.<event>``."""
    abroad: timedelta | None = None
    """How long it may wait when it is known to take long: to another country, or pending."""
    again: timedelta | None = None
    """How long after an answer the same is asked again, while the cause lasts."""
    owner: Callable[[Mapping[str, Any]], str] | None = None
    """Who is asked, by the facts; else the role of the task's rule."""


def seconds(duration: timedelta) -> str:
    """Return a duration as SQL has it."""
    return f"interval '{duration.total_seconds():.0f} seconds'"
