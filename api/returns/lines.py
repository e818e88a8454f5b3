"""Lines of returns as callers see them, with what became of their units."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from pydantic import Field

from api.fields import WITHHELD, Actor, CreatedAt, OrderRef, OwnId, Sku
from api.rows import money
from domain.access import Caller
from domain.disclosure import disclose, disclose_actor
from domain.ids import DispositionId, LineId, LocationId, ReturnLineId
from domain.items import Rate
from domain.money import Money
from domain.returns.status import Condition, Disposition, ReturnReason
from domain.units import Serial
from domain.value import Value


class DeductionView(Value):
    """What is kept of the money for units because of the state that they are in."""

    amount: Money
    """How much; it is part of the refund's `fee`, as far as the units' money goes."""
    reason: str
    """Why."""


class DispositionView(Value):
    """Units that ended up in one place."""

    id: OwnId[DispositionId]
    quantity: int
    """How many units."""
    disposition: Disposition
    """Where they ended up."""
    accepted: bool
    """Whether the customer gets something for them."""
    location_id: LocationId | None = Field(
        description=f"Where they were put; null where they went nowhere, too. {WITHHELD}"
    )
    lot: str | None
    """The code of the lot that they are of; null of items without lots."""
    condition: str
    """What they are like: `new`, `opened`, `used` or `damaged`; empty where that was not said. Of
    older ones the inspector's words."""
    note: str | None = Field(description=f"What else the inspector says. {WITHHELD}")
    deduction: DeductionView | None
    """What is kept of their money; null where nothing is."""
    inspector: Actor
    created_at: CreatedAt
    serials: tuple[Serial, ...]
    """Units that are where it put them, of an item that is tracked by serial."""
    revised: bool
    """Whether others took its place, so that it counts no more."""
    left_at: datetime | None
    """When goods that were to be sent off left the house, in UTC (RFC 3339)."""


class ReturnLineView(Value):
    """Units of one line of an order that come back."""

    id: OwnId[ReturnLineId]
    order_line_id: LineId
    """The order's line."""
    order_id: OrderRef
    sku: Sku
    quantity: int
    """How many units are to come."""
    received: int
    """How many have come."""
    reason: ReturnReason | None
    """Why they come back; null for a withdrawal that says none."""
    comment: str
    """What the customer says about it."""
    condition_declared: Condition | None
    """What state the customer says that they are in; null where that was not said."""
    evidence: tuple[str, ...]
    """Links to photos and the like."""
    serials: tuple[Serial, ...]
    """Units that are meant, of an item that is tracked by serial; none: any of the line."""
    waiting_serials: tuple[Serial, ...]
    """Units that have come and wait to be inspected."""
    restocking_fee_rate: Rate
    """The share of the line's money that is kept: `0.15` is 15 %. It was set when the return was
    asked for."""
    days_left: int | None
    """Under a warranty that gives the price back by its days: those that were left at the fault.
    The others' share is kept. Null where all of the price goes back."""
    days_of: int | None
    """Of how many days in all; null likewise."""
    window_days: int | None
    """For so many days after its delivery a unit could come back then, 0: never; null of older
    returns."""
    window_until: date | None
    """The last day for the units that were left then, in UTC; null where there was none."""
    dispositions: tuple[DispositionView, ...]
    """What became of the units that came, the oldest first."""


def disposition_json(each: Mapping[str, Any], currency: str, caller: Caller) -> dict[str, Any]:
    """Return what is shown of a disposition as the caller may see it."""
    shown = disclose("disposition", each, caller)
    amount, reason = shown.pop("deduction_amount"), shown.pop("deduction_reason")
    told = {"amount": money(amount, currency), "reason": reason}
    return {
        **shown,
        "inspector": disclose_actor(each["inspector"], caller),
        "deduction": told if amount else None,
    }
