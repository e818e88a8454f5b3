"""Work orders: operations with their checks, parts, and components in units."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import (
    Base,
    DocumentRow,
    Id,
    Quantity,
    in_words,
    numbered,
    one_of,
)
from domain.work_orders.status import (
    UNENDED,
    OperationStatus,
    Outcome,
    WorkOrderKind,
    WorkOrderStatus,
)

PREFIX = "WO"
"""What a work order's human number begins with."""
_UNENDED = f"status IN ({in_words(sorted(UNENDED))})"


class WorkOrderRow(DocumentRow):
    """Work on one unit, or on a quantity of an item: planned, done, and signed off."""

    __tablename__ = "work_orders"
    __table_args__ = (
        one_of("status", WorkOrderStatus),
        one_of("kind", WorkOrderKind),
        one_of("outcome", Outcome),
        CheckConstraint("quantity > 0 AND (unit_id IS NULL OR quantity = 1)", name="units"),
        CheckConstraint("priority BETWEEN 1 AND 5", name="priority"),
        CheckConstraint("(return_id IS NULL) = (disposition_id IS NULL)", name="source"),
        CheckConstraint(
            "(outcome IS NOT NULL) = (status IN ('completed', 'closed'))", name="outcome_of"
        ),
        Index("ix_work_orders_status", "status", "id"),
        Index("ix_work_orders_kind", "kind", "id"),
        Index("ix_work_orders_item", "item_id", "id"),
        Index("ix_work_orders_created", "created_at", "id"),
        Index("ix_work_orders_unended", "id", postgresql_where=text(_UNENDED)),
        Index("ix_work_orders_unit", "unit_id", postgresql_where=text("unit_id IS NOT NULL")),
        Index("ix_work_orders_return", "return_id", postgresql_where=text("return_id IS NOT NULL")),
        Index(
            "uq_work_orders_unit",
            "unit_id",
            unique=True,
            postgresql_where=text(f"unit_id IS NOT NULL AND {_UNENDED}"),
        ),
        Index(
            "uq_work_orders_disposition",
            "disposition_id",
            unique=True,
            postgresql_where=text("disposition_id IS NOT NULL"),
        ),
    )

    number: Mapped[str] = numbered(PREFIX, "work_order_numbers")
    kind: Mapped[str]
    return_id: Mapped[UUID | None] = mapped_column(ForeignKey("returns.id"))
    """The return whose goods these are; None where people have asked for the work."""
    disposition_id: Mapped[UUID | None] = mapped_column(ForeignKey("return_dispositions.id"))
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customers.id"))
    """Whose the goods are; None where they are the house's own."""
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"))
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    quantity: Mapped[int]
    title: Mapped[str]
    problem: Mapped[str] = mapped_column(server_default="")
    cause: Mapped[str] = mapped_column(server_default="")
    remedy: Mapped[str] = mapped_column(server_default="")
    outcome: Mapped[str | None]
    priority: Mapped[int] = mapped_column(server_default="3")
    due_on: Mapped[date | None]
    signoff_required: Mapped[bool]
    start_override: Mapped[str] = mapped_column(server_default="")
    """Why it was started although parts were missing; empty if it was not."""
    from_location_id: Mapped[UUID | None] = mapped_column(ForeignKey("locations.id"))
    """Where the unit was taken from for the work; None where it was at the bench, or elsewhere."""
    loops: Mapped[int] = mapped_column(server_default="0")
    """How often it was rejected."""
    cancel_reason: Mapped[str] = mapped_column(server_default="")
    created_by: Mapped[str]
    signed_off_by: Mapped[str | None]
    """Who has signed it off; None where that was not required, or is yet to come."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    released_at: Mapped[datetime | None]
    in_progress_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]


class OperationRow(Base):
    """A step of a work order."""

    __tablename__ = "work_order_operations"
    __table_args__ = (
        one_of("status", OperationStatus),
        CheckConstraint("planned_minutes >= 0", name="planned_minutes"),
        CheckConstraint("(status = 'open') = (done_by IS NULL)", name="done_by"),
        UniqueConstraint("work_order_id", "position"),
    )

    id: Mapped[Id]
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_orders.id"))
    position: Mapped[int]
    name: Mapped[str]
    instruction: Mapped[str]
    planned_minutes: Mapped[int]
    skill: Mapped[str | None]
    checks: Mapped[list[dict[str, Any]]]
    """What is asked for, what was found, and whether it passed."""
    status: Mapped[str] = mapped_column(server_default="open")
    note: Mapped[str] = mapped_column(server_default="")
    done_by: Mapped[str | None]
    done_at: Mapped[datetime | None]


class PartRow(Base):
    """Goods that a work order uses up; what is planned and neither issued nor cancelled is open."""

    __tablename__ = "work_order_parts"
    __table_args__ = (
        CheckConstraint("planned > 0 AND cancelled >= 0 AND cancelled <= planned", name="planned"),
        CheckConstraint("issued >= 0 AND returned >= 0 AND returned <= issued", name="issued"),
        UniqueConstraint("work_order_id", "line"),
        Index("ix_work_order_parts_item", "item_id"),
    )

    id: Mapped[Id]
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_orders.id"))
    line: Mapped[int]
    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"))
    planned: Mapped[Quantity]
    cancelled: Mapped[Quantity] = mapped_column(server_default="0")
    issued: Mapped[Quantity] = mapped_column(server_default="0")
    returned: Mapped[Quantity] = mapped_column(server_default="0")
    position: Mapped[str | None]
    """Where it is installed in the unit."""


OPEN = "greatest(p.planned - p.cancelled - p.issued, 0)"
"""What of the part ``p`` is still to be issued."""


class InstallationRow(Base):
    """A component in a unit, from when to when; never removed, ended once."""

    __tablename__ = "installations"
    __table_args__ = (
        Index(
            "uq_installations_position",
            "parent_unit_id",
            "position",
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index(
            "uq_installations_unit",
            "unit_id",
            unique=True,
            postgresql_where=text("removed_at IS NULL"),
        ),
        Index("ix_installations_parent", "parent_unit_id"),
        Index("ix_installations_unit", "unit_id"),
    )

    id: Mapped[Id]
    parent_unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("units.id"))
    position: Mapped[str]
    installed_by_id: Mapped[UUID] = mapped_column(ForeignKey("work_orders.id"))
    removed_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("work_orders.id"))
    installed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    removed_at: Mapped[datetime | None]
