"""Warranty terms: what the company promises with an item, in versions that never change."""

from enum import StrEnum
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from domain.money import Money
from domain.value import Name, Value

MOST_MONTHS = 1200
MOST_WORDS = 100
"""So many symptoms a term lists at most."""

Code = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9._-]{0,39}$")]
"""What a term is called: capitals and digits, and behind the first one also ``._-``."""
CODE = "Its name, in capitals and digits, such as `STANDARD-24`"

Months = Annotated[int, Field(strict=True, ge=1, le=MOST_MONTHS)]
"""Whole months of the calendar."""

T = TypeVar("T")


def _once(listed: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(listed)) < len(listed):
        raise ValueError("name each only once")
    return listed


class WarrantyStart(StrEnum):
    """The day on which a warranty begins."""

    DELIVERY = "delivery"
    SHIPMENT = "shipment"
    REGISTRATION = "registration"
    """When the customer registers it: nothing is registered by the delivery."""


class Cover(StrEnum):
    """What a warranty pays for."""

    PARTS = "parts"
    LABOR = "labor"
    SHIPPING = "shipping"


class ReplacementRule(StrEnum):
    """Until when a unit is under warranty that replaces one which failed."""

    REMAINING = "remaining"
    """As long as the one that it replaces."""
    FRESH = "fresh"
    """For the whole duration, from its own delivery on."""
    REMAINING_OR_MINIMUM = "remaining_or_minimum"
    """As long as the one that it replaces, yet for `minimum_days` at least."""


class RefundRule(StrEnum):
    """What of the price goes back where a claim is settled by a refund."""

    FULL = "full"
    """All of it."""
    REMAINING_MONTHS = "remaining_months"
    """The share of the warranty that is left on the day of the fault; of a lifetime all."""


class Settlement(StrEnum):
    """How a claim is settled."""

    REPAIR = "repair"
    REPLACEMENT = "replacement"
    REFUND = "refund"


Symptoms = Annotated[tuple[Name, ...], Field(max_length=MOST_WORDS), AfterValidator(_once)]


class DefineTerm(Value):
    """A warranty term: of a code that is new its first version, else the next one."""

    code: Code = Field(description=f"{CODE}; each version has the same.")
    duration_months: Months | None = Field(
        description="For how many months of the calendar it holds, both days inclusive; null: for"
        " a lifetime."
    )
    starts: WarrantyStart = WarrantyStart.DELIVERY
    """The day on which it begins, by UTC."""
    covers: Annotated[tuple[Cover, ...], Field(min_length=1, max_length=3), AfterValidator(_once)]
    """What it pays for."""
    excluded_symptoms: Symptoms = Field(default=(), description="What it does not cover.")
    max_claims: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = None
    """After so many settled claims there are no more; null: as many as there are."""
    transferable: bool = False
    """Whether it goes on when the goods have another owner."""
    replacement_rule: ReplacementRule = ReplacementRule.REMAINING
    """Until when a unit is under warranty that replaces one which failed."""
    minimum_days: Annotated[int, Field(strict=True, ge=1, le=36500)] | None = None
    """The least days of a replacement's warranty; given with `remaining_or_minimum` alone."""
    settle_by: Annotated[
        tuple[Settlement, ...], Field(min_length=1, max_length=3), AfterValidator(_once)
    ] = (Settlement.REPAIR, Settlement.REPLACEMENT, Settlement.REFUND)
    """How claims are settled, what is preferred first."""
    refund_rule: RefundRule = RefundRule.FULL
    """What of the price goes back where a claim is settled by a refund."""
    evidence_for: Symptoms = Field(default=(), description="What has to be shown, by a photo say.")
    auto_limit: Money | None = None
    """Claims on units that cost at most this are approved by themselves; null: none is."""

    @model_validator(mode="after")
    def _minimum_with_its_rule(self) -> Self:
        needed = self.replacement_rule is ReplacementRule.REMAINING_OR_MINIMUM
        if needed != (self.minimum_days is not None):
            raise ValueError("give minimum_days with the rule remaining_or_minimum, and no other")
        return self
