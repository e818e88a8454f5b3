"""Views of claims on warranties: what failed, how it was judged, and what the customer gets."""

from datetime import date, datetime
from typing import Any

from pydantic import Field

from api.fields import WITHHELD, Actor, CreatedAt, ItemRef, Number, OwnId, Sku, UpdatedAt, Version
from api.rows import view_for
from api.work_orders.costs import ClaimCostView, claim_cost
from db.claims.reads import ClaimRead
from domain.access import Caller
from domain.claims.status import ClaimRule, ClaimStatus
from domain.disclosure import disclose_actor
from domain.ids import ClaimId, CustomerId, LineId, OrderId, ReturnId, WarrantyId, WorkOrderId
from domain.orders.status import OrderStatus
from domain.returns.status import ReplacementTiming, ReturnStatus
from domain.value import Value
from domain.warranties.terms import Settlement
from domain.work_orders.status import Outcome, WorkOrderStatus


class CheckView(Value):
    """One check of a claim, with what it looked at."""

    check: ClaimRule
    """The rule that it would be denied, or looked at, by."""
    passed: bool
    """Whether it did not apply."""
    inputs: dict[str, Any]
    """What was looked at."""


class ReplacedByView(Value):
    """An order that brings other goods in the place of the faulty ones."""

    id: OrderId
    """See `GET /orders/{id}`."""
    number: Number
    status: OrderStatus
    """How far it is."""
    serials: tuple[str, ...]
    """What stands on its units, where the item is tracked by serial."""


class RepairedByView(Value):
    """Work that repairs the faulty goods."""

    id: WorkOrderId
    """See `GET /work_orders/{id}`."""
    number: Number
    status: WorkOrderStatus
    """How far it is."""
    outcome: Outcome | None
    """What came of it; null before it is completed."""
    remedy: str
    """What was done."""


class ClaimView(Value):
    """A claim on a warranty, from filed to settled."""

    id: OwnId[ClaimId]
    number: Number
    status: ClaimStatus
    """How far it is."""
    rule: ClaimRule
    """By what it is where it is: the first check that it failed, or who has decided."""
    warranty_id: WarrantyId
    """The warranty that is claimed."""
    warranty_number: str
    """The warranty's name for people."""
    item_id: ItemRef
    sku: Sku
    serial: str | None
    """What stands on the faulty unit, where the item is tracked by serial; else null."""
    customer_id: CustomerId
    """Whose the goods are."""
    order_id: OrderId | None
    """The order that brought them; null where they were bought elsewhere."""
    order_line_id: LineId | None
    """Which line of it."""
    quantity: int
    """How many units have failed."""
    failed_on: date
    """The day of the fault, by UTC, which decides what is covered."""
    symptom: str
    """What is wrong in a word or two."""
    description: str
    """What happened, in the customer's words."""
    evidence: tuple[str, ...]
    """Links to photos and the like."""
    resolution_wanted: Settlement | None
    """What the customer would like; null if it did not say."""
    checks: tuple[CheckView, ...] | None = Field(
        description=f"All that was looked at when it was judged last, in order. {WITHHELD}"
    )
    evidence_due_at: datetime | None
    """When it is denied unless the fault is shown, in UTC (RFC 3339); null if it needs not be."""
    resolution: Settlement | None
    """What was promised; null before that, and where it is settled without a return."""
    replacement_timing: ReplacementTiming
    """When goods are replaced, if they are."""
    goodwill: bool
    """Whether it was approved although it had been denied."""
    deny_reason: str
    """Why support denied it; empty if it did not."""
    appeal_reason: str
    """Why it was to be looked at again; empty if it was not appealed."""
    note: str | None = Field(description=f"What support says about its decision. {WITHHELD}")
    return_id: ReturnId | None
    """The return under which the goods come in; null before there is one."""
    return_number: str | None
    """The return's name for people."""
    return_status: ReturnStatus | None
    """How far the goods are on their way in."""
    replaced_by: tuple[ReplacedByView, ...]
    """The orders that bring other goods in their place; several if one got lost."""
    work_orders: tuple[RepairedByView, ...] | None = Field(
        description=f"The work orders that repair the goods. {WITHHELD}"
    )
    cost: ClaimCostView | None = Field(
        description=f"What it has cost so far, as far as that has a value. {WITHHELD}"
    )
    decided_by: Actor | None
    """Who has decided it; `system` for its checks, null before that."""
    created_at: CreatedAt
    settled_at: datetime | None
    """When the customer had what was promised, in UTC (RFC 3339)."""
    updated_at: UpdatedAt
    version: Version


def claim_view(row: ClaimRead, caller: Caller) -> ClaimView:
    """Show a claim as the caller may see it."""
    back = row.comes_in or {}
    return view_for(
        caller,
        "claim",
        ClaimView,
        row,
        return_id=back.get("id"),
        return_number=back.get("number"),
        return_status=back.get("status"),
        cost=claim_cost(row.spent),
        decided_by=row.decided_by and disclose_actor(row.decided_by, caller),
    )
