"""Views of warranties: what was promised with which goods, and whether it holds on a day."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from api.fields import (
    WITHHELD,
    CreatedAt,
    ItemRef,
    Number,
    OwnId,
    Sku,
    UpdatedAt,
    Version,
)
from api.rows import view_for
from db.warranties.reads import WarrantyRead
from domain.access import Caller
from domain.ids import CustomerId, LineId, OrderId, ShipmentId, TaskId, WarrantyId, WarrantyTermId
from domain.value import Value
from domain.warranties.coverage import Promise, judge
from domain.warranties.status import CoverageRule, ShownStatus, WarrantySource, WarrantyStatus
from domain.warranties.terms import Cover

LastDay = Annotated[
    date | None, Field(description="The last day, which is covered, too; null: for a lifetime.")
]


class VerdictView(Value):
    """Whether goods are under warranty on a day, and by which rule."""

    on: date
    """The day that is looked at, by UTC."""
    covered: bool
    """Whether they are under warranty on that day."""
    rule: CoverageRule
    """The rule that says so."""
    last_day: LastDay


class WarrantyView(Value):
    """A warranty: what was promised with units of an item, from one day to another."""

    id: OwnId[WarrantyId]
    number: Number
    status: ShownStatus
    """Where it is today."""
    item_id: ItemRef
    sku: Sku
    serial: str | None
    """What stands on the unit, where the item is tracked by serial; else null."""
    customer_id: CustomerId
    """Whose the goods are."""
    order_id: OrderId | None
    """The order that brought them; null where they were bought elsewhere."""
    order_line_id: LineId | None
    """Which line of it."""
    shipment_id: ShipmentId | None
    """The shipment whose delivery has registered it; null if a person has."""
    quantity: int
    """Units that were registered."""
    cancelled: int
    """Units of those that went back since."""
    term_id: WarrantyTermId
    """The version of the term that was in force at the delivery; it never changes."""
    term_code: str
    """What the term is called."""
    term_version: int
    """Which version of the term it is."""
    covers: tuple[Cover, ...]
    """What it pays for."""
    starts_on: date
    """The first day, by UTC."""
    ends_on: LastDay
    extended_months: int
    """By so many months it was extended; they are in `ends_on`."""
    source: WarrantySource
    """What has registered it."""
    replaces_id: WarrantyId | None
    """The warranty on the goods that these have replaced on a claim; null of others."""
    proof_of_purchase: str | None = Field(
        description=f"What shows that the goods were bought, where no order does. {WITHHELD}"
    )
    void_reason: str
    """Why it was taken back; empty if it was not."""
    verdict: VerdictView
    """Whether the goods are under warranty today."""
    created_at: CreatedAt
    updated_at: UpdatedAt
    version: Version


class CoverageView(Value):
    """Whether goods are under warranty on a day: by the best of what was promised with them."""

    covered: bool
    """Whether they are under warranty on that day."""
    rule: CoverageRule
    """The rule that says so."""
    on: date
    """The day that is looked at, by UTC."""
    last_day: LastDay
    by: WarrantyView
    """The warranty that counts: one that covers the day, and of several the one that ends last."""
    others: tuple[WarrantyView, ...]
    """What else was promised with the goods; with more than a hundred only the newest."""


def promise_of(row: WarrantyRead) -> Promise:
    """Return what the verdict on a warranty looks at."""
    return Promise(WarrantyStatus(row.status), row.starts_on, row.ends_on)


def warranty_view(row: WarrantyRead, caller: Caller, today: date) -> WarrantyView:
    """Return a warranty as the caller may see it, with the verdict for today."""
    return view_for(caller, "warranty", WarrantyView, row, **judged(row, today))


def judged(row: WarrantyRead, on: date) -> dict[str, Any]:
    """Return what the views of a warranty say of a day: its state, and the verdict."""
    verdict = judge(promise_of(row), on)
    told = {"on": on, "last_day": row.ends_on, "covered": verdict.covered, "rule": verdict.rule}
    return {"status": verdict.shown, "verdict": told}


class RequestedView(Value):
    """A warranty that a person decides about: it is registered when support has seen the proof."""

    id: WarrantyId
    """The warranty's id from then on; until then there is none."""
    task_id: TaskId
    """What support is asked."""
    task_number: str
    """Its name for people."""
