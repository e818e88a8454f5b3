"""Stock counts: what people found at a location, and whether the books agree."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from domain.adjustments import Past
from domain.answers import CountAnswer
from domain.ids import ItemId, LocationId
from domain.lifecycle import Moves
from domain.lots import LotCode
from domain.quantities import Quantity
from domain.tasks import TaskRule
from domain.value import Name, Text, Value


class CountStatus(StrEnum):
    """Whether what was counted is in the books."""

    REVIEW = "review"
    POSTED = "posted"
    DISCARDED = "discarded"


MOVES: Moves[CountStatus] = {
    CountStatus.REVIEW: {CountStatus.POSTED, CountStatus.DISCARDED},
    CountStatus.POSTED: set(),
    CountStatus.DISCARDED: set(),
}
"""A count that agrees with the books is posted as it comes."""

REVIEW = TaskRule(
    role="warehouse",
    question="What was counted differs from the books. Does the count stand? (Another person"
    " than who counted accepts it.)",
    choices={
        CountAnswer.ACCEPT: "What was counted is what the books say as of then, and what has"
        " moved since is applied on top.",
        CountAnswer.RECOUNT: "Nothing moves: this count is discarded, and a new one is sent.",
    },
    remind_every=timedelta(days=2),
)
"""What another person is asked about a count that differs from the books."""

MOST_LINES = 100


class CountedLine(Value):
    """What was found of one item, and of one lot of it, at one place."""

    item_id: ItemId | None = None
    """The item, if not by `sku`."""
    sku: Name | None = None
    """The item by its name for people, in any case; if not by `item_id`."""
    location_id: LocationId | None = None
    """The place, if not by `site`."""
    site: Name | None = None
    """A site's code, for its first stock location; if not by `location_id`."""
    lot: LotCode | None = Field(
        default=None,
        description="Of an item that is tracked by lot: the code of the one that was counted, in"
        " any case. Each has a line of its own.",
    )
    counted: Annotated[Quantity, Field(ge=0)]
    """Units that were there, promised ones included; as a string where they are no whole number."""
    counted_at: Past | None = Field(
        default=None, description="When they were counted; now if it is not given."
    )

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if (self.item_id is None) == (self.sku is None):
            raise ValueError("name the item by either item_id or sku")
        if (self.location_id is None) == (self.site is None):
            raise ValueError("name the place by either location_id or site")
        return self


class SubmitCount(Value):
    """What was counted, place by place."""

    lines: Annotated[tuple[CountedLine, ...], Field(min_length=1, max_length=MOST_LINES)]
    """Each another item, place or lot; at most 100."""
    note: Text = ""
    """In words for people."""


def agree(variances: Iterable[Decimal], tolerance: Decimal) -> bool:
    """Whether a count is so close to the books that nobody has to look at it."""
    return all(abs(variance) <= tolerance for variance in variances)
