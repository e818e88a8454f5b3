"""Requests about returns: what comes back and why, what arrived, and what became of it."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from domain.ids import DispositionId, LineId, LocationId, OrderId, ReturnLineId, SiteId
from domain.lots import LotCode
from domain.money import Money
from domain.orders.placing import MOST_LINES
from domain.returns.status import (
    STAY_THEIRS,
    Condition,
    Disposition,
    ReplacementTiming,
    ResolutionWanted,
    ReturnKind,
    ReturnReason,
    ShipBack,
)
from domain.units import Serials
from domain.value import Name, Text, Value

Units = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Link = Annotated[
    str,
    StringConstraints(max_length=500, pattern=r"^https?://[^\s]+$"),
]


class ReturnLine(Value):
    """Delivered units of one line of an order that are to come back."""

    order_line_id: LineId
    """Which goods, by the `id` that the order shows."""
    quantity: Units
    """How many units of the line."""
    reason: ReturnReason | None = None
    """Why; a withdrawal needs none, everything else does."""
    comment: Text = ""
    """What the customer says about it; `other` needs one."""
    condition_declared: Condition | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="What state the customer says that they are in.",
    )
    evidence: tuple[Link, ...] = Field(
        default=(), max_length=10, description="Links to photos and the like."
    )
    # Left out of what names a request where none are given, as the release before wrote it.
    serials: Serials = Field(
        default=(),
        exclude_if=lambda given: not given,
        description="Of an item that is tracked by serial: which units are meant, all of them; any"
        " of the line when left out.",
    )

    @model_validator(mode="after")
    def _other_is_explained(self) -> Self:
        if self.reason is ReturnReason.OTHER and not self.comment.strip():
            raise ValueError("the reason other needs a comment")
        return self


class ReturnParts(Value):
    """What is to come back."""

    order_id: OrderId
    """An order of the customer's; the lines may be of others of the same customer, too."""
    kind: ReturnKind = ReturnKind.STANDARD
    """What for."""
    ship_back: ShipBack = ShipBack.OWN
    """How the goods come back; only staff may let a customer keep them."""
    lines: tuple[ReturnLine, ...] = Field(
        min_length=1, max_length=MOST_LINES, description="Goods; each line of an order once."
    )

    @model_validator(mode="after")
    def _lines_differ_and_have_reasons(self) -> Self:
        lines = [line.order_line_id for line in self.lines]
        if len(set(lines)) < len(lines):
            raise ValueError("lines must name each line of an order once")
        undelivered = ReturnKind.UNDELIVERABLE, ReturnReason.UNDELIVERABLE, ShipBack.CARRIER
        if {self.kind, self.ship_back, *(line.reason for line in self.lines)} & {*undelivered}:
            raise ValueError("a return of what was not delivered opens by itself")
        if self.kind is ReturnKind.WARRANTY:
            raise ValueError("a return under warranty opens with its claim")
        if self.kind is not ReturnKind.WITHDRAWAL and any(not line.reason for line in self.lines):
            raise ValueError("every line needs a reason, unless the kind is withdrawal")
        return self


class RequestReturn(ReturnParts):
    """Goods to come back, and what the customer wants for them."""

    resolution_wanted: ResolutionWanted = ResolutionWanted.REFUND
    """What the customer wants for what is accepted."""
    # Left out of what names a request, as the release before wrote it, where it is not chosen.
    replacement_timing: ReplacementTiming = Field(
        default=ReplacementTiming.AFTER_INSPECTION,
        exclude_if=lambda given: given is ReplacementTiming.AFTER_INSPECTION,
        description="When goods are replaced; in advance only where a replacement is wanted.",
    )
    site_id: SiteId | None = None
    """Where they are to arrive; the site that they left from when left out."""
    notes: Text = ""
    """What colleagues should know."""
    late_reason: Name | None = Field(
        default=None,
        description="Why goods are taken back although their window has closed; for staff.",
    )

    @model_validator(mode="after")
    def _replaces_what_it_sends_in_advance(self) -> Self:
        in_advance = self.replacement_timing is ReplacementTiming.IN_ADVANCE
        if self.resolution_wanted is ResolutionWanted.REPAIR:
            raise ValueError("resolution_wanted is refund or replacement: a claim promises repairs")
        if in_advance and self.resolution_wanted is not ResolutionWanted.REPLACEMENT:
            raise ValueError("replacement_timing in_advance needs resolution_wanted replacement")
        return self

    @property
    def is_by_right(self) -> bool:
        """Whether it is a withdrawal in time, which the company has no say in."""
        return self.kind is ReturnKind.WITHDRAWAL and self.late_reason is None


class RejectReturn(Value):
    """Say no to a request."""

    reason: Name
    """Why, as the customer is told."""


class CancelReturn(Value):
    """Give a return up of which nothing has arrived."""

    reason: Text = ""
    """Why, if that is worth telling."""


class ReceivedLine(Value):
    """Units of a return's line that have arrived."""

    return_line_id: ReturnLineId
    """Which, by the `id` that the return shows."""
    quantity: Units
    """How many have arrived with this parcel; they are added to what has come before."""
    # Left out of what names a request where none are given, as the release before wrote it.
    serials: Serials = Field(
        default=(),
        exclude_if=lambda given: not given,
        description="Of an item that is tracked by serial: each unit that has arrived, as scanned.",
    )
    lot: LotCode | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="Of an item that is tracked by lot: the lot that they are of, one at a time. It"
        " may be left out where the line was shipped from one.",
    )


class UnexpectedGoods(Value):
    """Something in the parcel that is not on the return."""

    description: Name
    """What it is, such as its SKU or what it looks like."""
    quantity: Units = 1
    """How many there are."""


class ReceiveReturn(Value):
    """What a parcel held; units that the return names go into quarantine."""

    lines: tuple[ReceivedLine, ...] = Field(
        default=(), max_length=MOST_LINES, description="What of the return has arrived."
    )
    unexpected: tuple[UnexpectedGoods, ...] = Field(
        default=(),
        max_length=50,
        description="What is not on the return: it is not posted, and support is asked about it.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        lines = [line.return_line_id for line in self.lines]
        if len(set(lines)) < len(lines):
            raise ValueError("lines must name each line of the return once")
        if not lines and not self.unexpected:
            raise ValueError("give lines or unexpected")
        return self


class Deduction(Value):
    """What is kept of the money for accepted units, because of the state that they are in."""

    amount: Money
    """How much for all of these units together; no more than goes back for them counts."""
    reason: Name
    """Why, as the customer is told."""


class InspectedUnits(Value):
    """Units of a line that end up in the same place; a line may be divided among several."""

    return_line_id: ReturnLineId
    """Which, by the `id` that the return shows."""
    quantity: Units
    """How many units."""
    disposition: Disposition
    """Where they end up."""
    accepted: bool
    """Whether the customer gets something for them."""
    location_id: LocationId | None = Field(
        default=None,
        description="A location of the return's site that fits the disposition; the first such"
        " when left out.",
    )
    condition: Text = ""
    """What they are like: `new`, `opened`, `used` or `damaged`. Other words become part of the
    note."""
    note: Text = ""
    """What else colleagues should know."""
    deduction: Deduction | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="What is kept of their money because of the state that they are in; not of"
        " goods that are replaced.",
    )
    # Left out of what names a request where none are given, as the release before wrote it.
    serials: Serials = Field(
        default=(),
        exclude_if=lambda given: not given,
        description="Of an item that is tracked by serial: each of the units.",
    )
    lot: LotCode | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="Of an item that is tracked by lot: the lot of these units. It may be left out"
        " where one is waiting.",
    )

    @property
    def condition_code(self) -> Condition | None:
        """The state that they are in, if it is one of the list."""
        word = self.condition.strip().lower()
        return Condition(word) if word in set(Condition) else None

    @property
    def remarks(self) -> str:
        """The note, behind words about the state that are not of the list."""
        words = "" if self.condition_code else self.condition.strip()
        return "\n".join(part for part in (words, self.note) if part)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.deduction is not None and not (self.accepted and self.deduction.amount.amount):
            raise ValueError("a deduction is more than 0, and of accepted units")
        if self.accepted and self.disposition in STAY_THEIRS:
            raise ValueError("units that stay the customer's own are not accepted")
        return self


class InspectReturn(Value):
    """What became of units that have arrived."""

    lines: tuple[InspectedUnits, ...] = Field(
        min_length=1, max_length=MOST_LINES, description="Units with the same end, one by one."
    )
    revise: tuple[DispositionId, ...] = Field(
        default=(),
        max_length=MOST_LINES,
        description="Dispositions that these take the place of, by their `id`; their goods are"
        " moved back first.",
    )
