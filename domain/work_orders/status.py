"""The states of a work order, the words that it is told in, and what moves it."""

from datetime import timedelta
from enum import StrEnum

from domain.lifecycle import Moves
from domain.value import Value


class WorkOrderStatus(StrEnum):
    """How far work on given goods is."""

    PLANNED = "planned"
    """To be released by a planner; nothing is promised to it."""
    RELEASED = "released"
    """Its parts are reserved, or waited for; it can be started once they are."""
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    """All is done; another person signs it off."""
    CLOSED = "closed"
    CANCELLED = "cancelled"


S = WorkOrderStatus

MOVES: Moves[WorkOrderStatus] = {
    S.PLANNED: {S.RELEASED, S.CANCELLED},
    S.RELEASED: {S.IN_PROGRESS, S.CANCELLED},
    S.IN_PROGRESS: {S.COMPLETED, S.CANCELLED},
    # Rejected, its failed operations are open again.
    S.COMPLETED: {S.CLOSED, S.IN_PROGRESS},
    S.CLOSED: set(),
    S.CANCELLED: set(),
}

UNENDED = frozenset({S.PLANNED, S.RELEASED, S.IN_PROGRESS, S.COMPLETED})
"""The states in which its unit is in no other work order."""
RUNNING = UNENDED - {S.PLANNED}
"""The states in which a work order has a run."""
WORKED_ON = frozenset({S.RELEASED, S.IN_PROGRESS})
"""The states in which it holds or wants parts, and is staffed."""


class WorkOrderKind(StrEnum):
    """What is to be done with the goods."""

    REPAIR = "repair"
    REWORK = "rework"
    REFURBISH = "refurbish"
    MODIFICATION = "modification"
    INSPECTION = "inspection"
    INSTALLATION = "installation"


SIGNED_OFF = frozenset({WorkOrderKind.REPAIR, WorkOrderKind.REWORK, WorkOrderKind.REFURBISH})
"""The kinds that another person signs off unless it is said otherwise."""


class Outcome(StrEnum):
    """What came of the work."""

    DONE = "done"
    """The goods are as they should be."""
    NO_FAULT_FOUND = "no_fault_found"
    """They were so before."""
    UNREPAIRABLE = "unrepairable"


class OperationStatus(StrEnum):
    """How far a step of the work is."""

    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"


class CheckKind(StrEnum):
    """What is entered for a check."""

    YES_NO = "yes_no"
    NUMBER = "number"
    TEXT = "text"


class TimeKind(StrEnum):
    """What the time was spent on."""

    SETUP = "setup"
    WORK = "work"
    WAIT = "wait"
    TRAVEL = "travel"


class TimeSource(StrEnum):
    """How a time was recorded."""

    TIMER = "timer"
    MANUAL = "manual"


class Removed(StrEnum):
    """Where goods go that were taken out."""

    QUARANTINE = "quarantine"
    SCRAP = "scrap"
    RESTOCK = "restock"


class UnitTo(StrEnum):
    """Where the unit of a cancelled work order goes."""

    STOCK = "stock"
    QUARANTINE = "quarantine"
    SCRAP = "scrap"


class LeftTo(StrEnum):
    """What becomes of a part that was issued to a work order which is cancelled."""

    STOCK = "stock"
    USED = "used"
    """It is used up, or of no more use."""


MOST_LOOPS = 3
"""After so many rejections a person is asked whether to go on."""
TIMER_ENDS_AFTER = timedelta(hours=12)
"""So long a timer runs before the system ends it."""


class Progress(Value):
    """Where a work order is, as its run is told."""

    status: WorkOrderStatus
    ready: bool
    """Whether all its parts are reserved or issued."""
