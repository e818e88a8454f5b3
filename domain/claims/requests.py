"""Requests about claims on warranties: what failed, how that is shown, and what is decided."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.ids import ItemId, WarrantyId
from domain.returns.requests import Link
from domain.returns.status import ReplacementTiming, ResolutionWanted
from domain.units import Serial
from domain.value import Day, Name, Text, Value
from domain.warranties.terms import Settlement

MOST_EVIDENCE = 50
Evidence = Annotated[tuple[Link, ...], Field(max_length=10)]


class FileClaim(Value):
    """A fault of goods that are, or were, under warranty."""

    warranty_id: WarrantyId | None = None
    """The warranty that is claimed, by its `id`."""
    serial: Serial | None = None
    """Or the unit, by what stands on it: the best of its warranties counts."""
    item_id: ItemId | None = None
    """Of which item the unit is, where units of several items have the serial."""
    quantity: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 1
    """How many units of the warranty have failed; of a unit with a serial 1."""
    failed_on: Day
    """The day on which they failed, by UTC; not in the future. It decides what is covered."""
    symptom: Name
    """What is wrong in a word or two, as the term names its symptoms."""
    description: Text = ""
    """What happened, in the customer's words."""
    evidence: Evidence = Field(default=(), description="Links to photos and the like.")
    resolution_wanted: Settlement | None = None
    """What the customer would like; what it gets the term and support say."""

    @model_validator(mode="after")
    def _named_in_one_way(self) -> Self:
        if (self.warranty_id is None) == (self.serial is None):
            raise ValueError("give warranty_id or serial: one of them")
        if self.item_id is not None and self.serial is None:
            raise ValueError("item_id is given with serial")
        return self


class AddEvidence(Value):
    """What shows the fault."""

    evidence: Annotated[Evidence, Field(min_length=1)]
    """Links to photos and the like; they are added to those that are there."""


class ApproveClaim(Value):
    """What the customer gets, once the goods have come in."""

    resolution: ResolutionWanted
    """The goods repaired, others of the kind, or what was paid for them: by a return of them."""
    replacement_timing: ReplacementTiming = ReplacementTiming.AFTER_INSPECTION
    """When goods are replaced; in advance only where a replacement is promised."""
    note: Text = ""
    """Why; a claim that was denied is approved as goodwill, and needs a reason."""

    @model_validator(mode="after")
    def _replaces_what_it_sends_in_advance(self) -> Self:
        in_advance = self.replacement_timing is ReplacementTiming.IN_ADVANCE
        if in_advance and self.resolution is not ResolutionWanted.REPLACEMENT:
            raise ValueError("replacement_timing in_advance needs the resolution replacement")
        return self


class DenyClaim(Value):
    """Say no to a claim."""

    reason: Name
    """Why, as the customer is told."""


class AppealClaim(Value):
    """Ask for another look at a claim that was denied."""

    reason: Name
    """Why it should be looked at again."""


class WithdrawClaim(Value):
    """Give a claim up before its goods come in."""

    reason: Text = ""
    """Why, if that is worth telling."""
