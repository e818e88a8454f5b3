"""Views of work orders: what is done with which goods, by which steps, parts and people."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.fields import (
    WITHHELD,
    Actor,
    CreatedAt,
    ItemRef,
    Number,
    OwnId,
    SiteRef,
    Sku,
    UpdatedAt,
    Version,
)
from api.rows import view_for
from api.work_orders.costs import WorkCostView, work_cost
from db.work_orders.reads import WorkOrderRead
from domain.access import Caller
from domain.holds import HoldReason
from domain.ids import (
    ClaimId,
    CustomerId,
    LotId,
    OperationId,
    PartId,
    ReturnId,
    WorkOrderId,
)
from domain.quantities import Total
from domain.value import Value
from domain.work_orders.progress import Step, progress
from domain.work_orders.status import (
    CheckKind,
    OperationStatus,
    Outcome,
    WorkOrderKind,
    WorkOrderStatus,
)


class WorkCheckView(Value):
    """What is looked at before an operation is done, and what was found."""

    name: str
    """What is looked at."""
    kind: CheckKind
    """What is entered."""
    min: Total | None
    """The least that passes; null for no bound."""
    max: Total | None
    """The most that passes; null for no bound."""
    value: bool | int | str | None
    """What was found; null before."""
    passed: bool | None
    """Whether it is within its limits; null before."""


class OperationView(Value):
    """A step of the work."""

    id: OwnId[OperationId]
    position: int
    """Where it stands, from 1."""
    name: str
    """What is done."""
    instruction: str
    """How."""
    planned_minutes: int
    """How long it is planned to take."""
    skill: str | None
    """What who does it must be skilled in; null: anybody may."""
    checks: tuple[WorkCheckView, ...]
    """What is looked at or measured before it is done."""
    status: OperationStatus
    """How far it is."""
    note: str
    """What was said about it; why, where it was skipped."""
    done_by: Annotated[Actor | None, Field(description="Who has done it; null while it is open.")]
    done_at: datetime | None
    """When, in UTC (RFC 3339)."""


class PartLotView(Value):
    """What a part has of one lot."""

    lot_id: LotId
    """Which lot."""
    lot: str
    """The lot's code."""
    reserved: Total
    """How much of it is promised to this work."""
    issued: Total
    """How much was taken from stock."""
    returned: Total
    """How much of that went back unused."""


class PartView(Value):
    """Goods that the work uses up."""

    id: OwnId[PartId]
    item_id: ItemRef
    sku: Sku
    position: str | None
    """Where it is installed in the unit."""
    planned: Total
    """How much was planned."""
    reserved: Total
    """How much of it is promised to this work."""
    issued: Total
    """How much was taken from stock."""
    returned: Total
    """How much of that went back unused."""
    cancelled: Total
    """How much was planned and is not needed."""
    lots: tuple[PartLotView, ...]
    """Of an item that is tracked by lot: from which ones; what expires first before others."""


class AssignmentView(Value):
    """Who is planned for the work, and when."""

    technician: str
    """The technician's code."""
    operation_id: OperationId | None
    """For which operation; null: for all that nobody else does."""
    since: datetime
    """From when, in UTC (RFC 3339)."""
    until: datetime
    """Until when."""


class WorkHoldView(Value):
    """An open reason to stop the work."""

    id: OwnId[UUID]
    reason: HoldReason
    """Why it is stopped."""
    note: str
    """In words of who placed it."""
    placed_by: Actor
    placed_at: datetime
    """When, in UTC (RFC 3339)."""


class WorkOrderView(Value):
    """Work on goods that exist, from planned to closed."""

    id: OwnId[WorkOrderId]
    number: Number
    status: WorkOrderStatus
    """How far it is."""
    kind: WorkOrderKind
    """What is done with the goods."""
    title: str
    """What it is about, in a few words."""
    problem: str
    """What is wrong, as far as it is known."""
    cause: str
    """What was wrong, as it turned out."""
    remedy: str
    """What was done."""
    outcome: Outcome | None
    """What came of it; null before it is completed."""
    site_id: SiteRef
    site: str
    """The site's code."""
    item_id: ItemRef
    sku: Sku
    serial: str | None
    """What stands on the unit; null for goods without serials."""
    quantity: int
    """How many units."""
    customer_id: CustomerId | None
    """Whose the goods are; null where they are the house's own."""
    return_id: ReturnId | None
    """The return whose goods these are; null where people have asked for the work."""
    return_number: str | None
    """The return's name for people."""
    claim_id: ClaimId | None
    """The claim on a warranty that is settled by it; null without one."""
    priority: int
    """1 (the most urgent) to 5."""
    due_on: date | None
    """By which day it is to be done, by UTC; null: no day was promised."""
    ready: bool
    """Whether all its parts are reserved, issued or cancelled."""
    progress: int
    """How many percent of the planned minutes are done; 100 once it is completed."""
    on_hold: bool
    """Whether a hold stops it."""
    holds: tuple[WorkHoldView, ...]
    """The open ones."""
    operations: tuple[OperationView, ...]
    """The steps, in order."""
    parts: tuple[PartView, ...]
    """What it uses up."""
    assignments: tuple[AssignmentView, ...]
    """Who is planned for it, and when."""
    worked_minutes: int
    """How long was worked on it so far, by all technicians; whole minutes."""
    cost: WorkCostView | None = Field(
        description=f"What it has cost so far, as far as that has a value. {WITHHELD}"
    )
    signoff_required: bool
    """Whether another person signs it off."""
    signed_off_by: Annotated[
        Actor | None,
        Field(description="Who has signed it off; null where nobody has."),
    ]
    loops: int
    """How often it was rejected."""
    start_override: str
    """Why it was started although parts were missing; empty if it was not."""
    cancel_reason: str
    """Why it was given up; empty if it was not."""
    created_by: Actor
    created_at: CreatedAt
    released_at: datetime | None
    """When it was released, in UTC (RFC 3339)."""
    started_at: datetime | None
    """When it was started or taken up again last."""
    completed_at: datetime | None
    """When it was completed last."""
    closed_at: datetime | None
    """When it was closed."""
    updated_at: UpdatedAt
    version: Version


def work_order_view(row: WorkOrderRead, caller: Caller) -> WorkOrderView:
    """Show a work order as the caller may see it."""
    steps = [Step(each["status"], each["planned_minutes"]) for each in row.operations]
    return view_for(
        caller,
        "work order",
        WorkOrderView,
        row,
        progress=progress(row.status, steps),
        on_hold=bool(row.holds),
        operations=[_operation(each) for each in row.operations],
        parts=[_named(PartView, each) for each in row.parts],
        worked_minutes=row.seconds // 60,
        cost=work_cost(row.spent),
        started_at=row.in_progress_at,
    )


def _named(kind: type[Value], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in kind.model_fields}


def _operation(given: Mapping[str, Any]) -> dict[str, Any]:
    checks = [
        {
            **{"value": None, "passed": None, **each},
            **{bound: each[bound] and Decimal(each[bound]) for bound in ("min", "max")},
        }
        for each in given["checks"]
    ]
    return {**_named(OperationView, given), "checks": checks}
