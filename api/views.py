"""Views that documents of any kind have: what happened to them, and where their process is."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from api.fields import WITHHELD, Actor, Number, OwnId
from domain.documents import Kind
from domain.value import Value


class EventView(Value):
    """Something that happened to a document, with the attribute names of CloudEvents."""

    id: OwnId[UUID]
    type: str
    """What happened to what, and the version of what `data` holds: `order.placed.v1`."""
    subject: str
    """The document's name for people: its number, SKU or code; a customer's id."""
    sequence: int
    """Counts the document's events from 1, without a gap."""
    time: datetime
    """When it was recorded, in UTC (RFC 3339)."""
    actor: Actor
    correlation_id: str
    """The same in all events of one process: its name and the id of its document."""
    data: dict[str, Any]
    """What it changed, by names that depend on `type` and of which any release may add some; what
    the caller may not see is left out."""


class Wait(Value):
    """One thing that is awaited, with the attempts so far where something is being tried."""

    who: str
    """Who or what has to act, in words: `a person`, `our dispatcher`, `the customer`."""
    what: str
    """What has to happen, in words."""
    since: datetime | None
    """Since when, in UTC (RFC 3339); null where that is not known."""
    attempts: int = 0
    """How often it was tried."""
    last_error: str | None = None
    """Why the last attempt failed; null if none did."""
    next_attempt_at: datetime | None = None
    """When it is tried again; null where nothing is to be tried."""


class RunView(Value):
    """A document's run at Temporal."""

    workflow_id: str
    """By which it is found there: the process and the number of its document."""
    status: str
    """Where it is in Temporal's word: `running`, `completed`, `failed`, `terminated` or others."""
    started_at: datetime | None
    """When it was started, in UTC (RFC 3339)."""
    history_events: int
    """How long its history is."""


class ProcessView(Value):
    """Where the process of a document is, and those of the documents that belong to it."""

    document_type: Kind
    """What kind of document it is."""
    document_id: UUID
    """Which one."""
    number: Number
    status: str
    """The state of the document itself."""
    summary: str
    """One sentence for people: where it is, and what it waits for first."""
    waiting_for: tuple[Wait, ...]
    """What it waits for, the most pressing first; nothing once it has ended."""
    waits_left_out: int
    """How much else it waits for: at most about a hundred things are told."""
    parts_left_out: int
    """How many documents that belong to it nothing is said of, because they are too many."""
    runs_known: bool
    """Whether Temporal answered; if not, only what the books know is told."""
    runs: tuple[RunView, ...] | None = Field(
        description=f"Those at Temporal, its own first. {WITHHELD}"
    )
