"""Requests about work orders: what is to be done with which goods, by which steps and parts."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from domain.ids import ItemId, OperationId, PartId
from domain.lots import LotCode
from domain.priority import USUAL, Priority
from domain.quantities import Quantity
from domain.units import Serial, Serials
from domain.value import Change, Day, Name, Text, Value
from domain.work_orders.checks import MOST_CHECKS, Check, CheckValue, each_named_once
from domain.work_orders.status import (
    LeftTo,
    OperationStatus,
    Outcome,
    Removed,
    UnitTo,
    WorkOrderKind,
)

MOST_OPERATIONS = 100
MOST_PARTS = 200

Minutes = Annotated[int, Field(strict=True, ge=0, le=100_000)]
Amount = Annotated[Quantity, Field(gt=0)]


class AddOperation(Value):
    """A step of the work."""

    name: Name
    """What is done."""
    instruction: Text = ""
    """How, in words for who does it."""
    planned_minutes: Minutes = 0
    """How long it is planned to take."""
    skill: Name | None = None
    """What who does it must be skilled in; null: anybody may."""
    checks: Annotated[
        tuple[Check, ...], Field(max_length=MOST_CHECKS), AfterValidator(each_named_once)
    ] = Field(default=(), description="What is looked at or measured before it is done.")


class AddPart(Value):
    """Goods that the work uses up."""

    item_id: ItemId | None = None
    """The item, if not by `sku`."""
    sku: Name | None = None
    """The item by its name for people, in any case; if not by `item_id`."""
    quantity: Amount
    """How much of it; as a string where that is no whole number."""
    position: Name | None = None
    """Where it is installed in the unit, if that is worth telling."""

    @model_validator(mode="after")
    def _names_the_item_once(self) -> Self:
        if (self.item_id is None) == (self.sku is None):
            raise ValueError("name the item by either item_id or sku")
        return self


class CreateWorkOrder(Value):
    """Work on goods that exist: on one unit, by its serial, or on a quantity of an item."""

    kind: WorkOrderKind = WorkOrderKind.REPAIR
    """What is to be done with them."""
    site: Name
    """The code of the site where it is done, and whose stock its parts come from."""
    serial: Serial | None = None
    """The unit, by what stands on it; null for goods without serials."""
    item_id: ItemId | None = None
    """The item, if not by `sku`; with a serial only where units of several items have it."""
    sku: Name | None = None
    """The item by its name for people, in any case; if not by `item_id`."""
    quantity: Annotated[int, Field(strict=True, ge=1, le=100_000)] = 1
    """How many units; of a unit with a serial 1."""
    title: Name
    """What it is about, in a few words."""
    problem: Text = ""
    """What is wrong, as far as it is known."""
    priority: Priority = USUAL
    due_on: Day | None = None
    """By which day it is to be done, by UTC; null: no day was promised."""
    signoff_required: bool | None = None
    """Whether another person signs it off; when left out, of repairs, rework and refurbishing."""
    operations: Annotated[tuple[AddOperation, ...], Field(max_length=MOST_OPERATIONS)] = Field(
        default=(), description="The steps, in order; at least one before it is released."
    )
    parts: Annotated[tuple[AddPart, ...], Field(max_length=MOST_PARTS)] = Field(
        default=(), description="What it uses up; reserved when it is released."
    )

    @model_validator(mode="after")
    def _names_its_goods(self) -> Self:
        if self.item_id is not None and self.sku is not None:
            raise ValueError("name the item by either item_id or sku")
        if self.serial is None and self.item_id is None and self.sku is None:
            raise ValueError("name the unit by its serial, or the item by item_id or sku")
        if self.serial is not None and self.quantity != 1:
            raise ValueError("a serial is one unit's: quantity is 1")
        return self


WHILE_AT_WORK = frozenset({"due_on", "priority"})
"""What of a work order changes also while it is worked on."""


class WorkOrderChange(Change):
    """What of a work order is to change while it is planned or released; the rest stays.

    `priority` and `due_on` may change while it is worked on, too.
    """

    title: Name | None = None
    """What it is about, in a few words."""
    problem: Text | None = None
    """What is wrong, as far as it is known."""
    priority: Priority | None = None
    """1 (the most urgent) to 5."""
    due_on: Day | None = None
    """By which day it is to be done, by UTC; null takes the day away."""
    signoff_required: bool | None = None
    """Whether another person signs it off."""

    @classmethod
    def may_be_empty(cls) -> frozenset[str]:
        """Return the fields that null empties."""
        return frozenset({"due_on"})


class StartWork(Value):
    """Begin, or begin although parts are missing."""

    override_reason: Text = ""
    """Why it begins before all parts are reserved: a planner's word; they are needed all the same
    before it is complete."""


class ReportOperation(Value):
    """What came of a step."""

    status: OperationStatus = OperationStatus.DONE
    """Done or skipped; `open` keeps the values and leaves the rest for later."""
    checks: Annotated[tuple[CheckValue, ...], Field(max_length=MOST_CHECKS)] = Field(
        default=(), description="What was found; a number out of its limits fails."
    )
    note: Text = ""
    """In words; needed with `skipped`: why."""

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if self.status is OperationStatus.SKIPPED and not self.note.strip():
            raise ValueError("say in note why it is skipped")
        return self


class MovedPart(Value):
    """A quantity of one part of a work order."""

    part_id: PartId
    """The part, by its `id`."""
    quantity: Amount
    """How much; as a string where that is no whole number."""
    serials: Serials = Field(
        default=(), description="Of an item that is tracked by serial: each unit, as scanned."
    )
    lot: LotCode | None = Field(
        default=None,
        exclude_if=lambda given: given is None,
        description="Of an item that is tracked by lot: the code of the lot, as scanned.",
    )


class IssuedPart(MovedPart):
    """A quantity of one part that is taken from stock."""

    reason: Text = Field(
        default="",
        exclude_if=lambda given: not given,
        description="Why it is more than was planned; needed then.",
    )


class IssueParts(Value):
    """What is taken from stock for the work."""

    parts: Annotated[tuple[IssuedPart, ...], Field(min_length=1, max_length=MOST_PARTS)]
    """Which parts, and how much of each."""


class PutBackParts(Value):
    """What goes back to stock unused."""

    parts: Annotated[tuple[MovedPart, ...], Field(min_length=1, max_length=MOST_PARTS)]
    """Which parts, and how much of each."""


class CancelPart(Value):
    """The rest of a part is not needed."""

    reason: Name
    """Why."""


class RemoveComponent(Value):
    """What is taken out of the unit."""

    serial: Serial | None = None
    """The component, by what stands on it, if it has a serial."""
    item_id: ItemId | None = None
    """The item, if not by `sku`; with a serial only where units of several items have it."""
    sku: Name | None = None
    """The item by its name for people, in any case; if not by `item_id`."""
    quantity: Amount = Field(default=1, validate_default=True)
    """How much of an item without serials."""
    to: Removed = Removed.QUARANTINE
    """Where it goes."""

    @model_validator(mode="after")
    def _names_it(self) -> Self:
        if self.serial is None and (self.item_id is None) == (self.sku is None):
            raise ValueError("name it by its serial, or by either item_id or sku")
        return self


class InstallComponent(Value):
    """What is put into the unit: one that was issued to the work order."""

    serial: Serial
    """The component, by what stands on it."""
    position: Name
    """Where it is put; one component at a time."""


class SwapComponents(Value):
    """A component is taken out of the unit, another is put in, or both."""

    remove: RemoveComponent | None = None
    """What is taken out; null: nothing is."""
    install: InstallComponent | None = None
    """What is put in; null: nothing is."""

    @model_validator(mode="after")
    def _moves_one(self) -> Self:
        if self.remove is None and self.install is None:
            raise ValueError("give remove, install, or both")
        return self


class CompleteWork(Value):
    """The work is done, or turns out not to be possible."""

    outcome: Outcome = Outcome.DONE
    """What came of it; by that its source goes on."""
    remedy: Text = ""
    """What was done."""
    cause: Text = ""
    """What was wrong, as it turned out."""


class RejectWork(Value):
    """The work is not as it should be."""

    reason: Name
    """What is wrong with it."""
    operations: Annotated[tuple[OperationId, ...], Field(max_length=MOST_OPERATIONS)] = Field(
        default=(), description="The operations to be done again, by their ids; all when left out."
    )


class LeftPart(MovedPart):
    """What becomes of a part that was issued to work which is given up."""

    to: LeftTo
    """Where it goes, or that it is used up."""


class CancelWork(Value):
    """The work is given up."""

    reason: Name
    """Why."""
    unit_to: UnitTo | None = None
    """Where the unit goes that was taken out of stock for it; needed once the work has begun."""
    parts: Annotated[tuple[LeftPart, ...], Field(max_length=MOST_PARTS)] = Field(
        default=(), description="What becomes of all that was issued to it and is not installed."
    )
