"""The states of a warranty, where it comes from, and what of it is shown."""

from enum import StrEnum

from domain.lifecycle import Moves


class WarrantyStatus(StrEnum):
    """What is stored of a warranty's state: that its time is over follows from its days."""

    ACTIVE = "active"
    VOID = "void"
    """Taken back by a person, who says why."""
    CANCELLED = "cancelled"
    """Its goods went back."""
    REPLACED = "replaced"
    """Its unit was replaced on a claim; another one has the rest of it."""


S = WarrantyStatus

MOVES: Moves[WarrantyStatus] = {
    S.ACTIVE: {S.VOID, S.CANCELLED, S.REPLACED},
    S.VOID: set(),
    S.CANCELLED: set(),
    S.REPLACED: set(),
}


class WarrantySource(StrEnum):
    """What a warranty was registered by."""

    DELIVERY = "delivery"
    """The delivery of goods that are sold with a term."""
    MANUAL = "manual"
    """A person."""
    REPLACEMENT = "replacement"
    """The delivery of goods that replace others on a claim."""


class CoverageRule(StrEnum):
    """The rule by which goods are under warranty on a day, or are not; the first that holds."""

    COVERED = "covered"
    VOID = "void"
    CANCELLED = "cancelled"
    REPLACED = "replaced"
    NOT_STARTED = "not_started"
    EXPIRED = "expired"


class ShownStatus(StrEnum):
    """A warranty's state on a day: what is stored, and of an active one what its days say."""

    PENDING = "pending"
    """It has not begun."""
    ACTIVE = "active"
    EXPIRED = "expired"
    """Its last day is over."""
    VOID = "void"
    CANCELLED = "cancelled"
    REPLACED = "replaced"


SHOWN = {
    CoverageRule.COVERED: ShownStatus.ACTIVE,
    CoverageRule.NOT_STARTED: ShownStatus.PENDING,
    CoverageRule.EXPIRED: ShownStatus.EXPIRED,
    CoverageRule.VOID: ShownStatus.VOID,
    CoverageRule.CANCELLED: ShownStatus.CANCELLED,
    CoverageRule.REPLACED: ShownStatus.REPLACED,
}
