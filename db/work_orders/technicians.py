"""Technicians: what an hour of each costs, when they are planned, and the time that they took."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, func, text, true
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, Id, Minor, Updated, one_of, priced
from domain.work_orders.status import TimeKind, TimeSource


class TechnicianRow(Base):
    """Who does work. ``no`` stands for the technician where times must not overlap."""

    __tablename__ = "technicians"
    __table_args__ = (
        CheckConstraint("capacity_minutes > 0", name="capacity_minutes"),
        CheckConstraint(priced("hourly_rate"), name="hourly_rate"),
    )

    id: Mapped[Id]
    no: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    code: Mapped[str] = mapped_column(unique=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    subject: Mapped[str | None]
    """The credential that is this person."""
    capacity_minutes: Mapped[int]
    active: Mapped[bool] = mapped_column(server_default=true())
    skills: Mapped[list[dict[str, Any]]]
    hourly_rate_amount: Mapped[Minor | None]
    """What an hour costs; None where that is not known."""
    hourly_rate_currency: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[Updated]
    version: Mapped[int] = mapped_column(server_default="1")


def _never_twice(name: str, since: str, until: str, where: str) -> ExcludeConstraint:
    """Let a technician be at one work at a time.

    Without btree_gist, which not every server has, a number equals itself as the range of it.
    """
    return ExcludeConstraint(
        (text("int8range(technician_no, technician_no, '[]')"), "&&"),
        (text(f"tstzrange({since}, {until})"), "&&"),
        name=name,
        using="gist",
        where=text(where),
    )


class AssignmentRow(Base):
    """When a technician is planned to do a work order, or one operation of it."""

    __tablename__ = "assignments"
    __table_args__ = (
        CheckConstraint("until > since", name="period"),
        _never_twice("ex_assignments_period", "since", "until", "cancelled_at IS NULL"),
        Index("ix_assignments_work_order", "work_order_id"),
        Index("ix_assignments_technician", "technician_id", "since"),
    )

    id: Mapped[Id]
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_orders.id"))
    operation_id: Mapped[UUID | None] = mapped_column(ForeignKey("work_order_operations.id"))
    technician_id: Mapped[UUID] = mapped_column(ForeignKey("technicians.id"))
    technician_no: Mapped[int] = mapped_column(BigInteger)
    since: Mapped[datetime]
    until: Mapped[datetime]
    assigned_by: Mapped[str]
    cancelled_at: Mapped[datetime | None]
    """When another one took its place, or its work ended before."""


class TimeEntryRow(Base):
    """Time that a technician has worked, or works; corrected by others, never changed."""

    __tablename__ = "time_entries"
    __table_args__ = (
        one_of("kind", TimeKind),
        one_of("source", TimeSource),
        CheckConstraint("until >= since", name="period"),
        CheckConstraint(priced("hourly_rate"), name="hourly_rate"),
        _never_twice(
            "ex_time_entries_period", "since", "until", "NOT parallel AND corrected_by_id IS NULL"
        ),
        Index("ix_time_entries_work_order", "work_order_id"),
        Index("ix_time_entries_technician", "technician_id", "since"),
        Index("ix_time_entries_running", "since", postgresql_where=text("until IS NULL")),
    )

    id: Mapped[Id]
    work_order_id: Mapped[UUID] = mapped_column(ForeignKey("work_orders.id"))
    operation_id: Mapped[UUID | None] = mapped_column(ForeignKey("work_order_operations.id"))
    technician_id: Mapped[UUID] = mapped_column(ForeignKey("technicians.id"))
    technician_no: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str]
    source: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    """None while the timer runs."""
    ended_by: Mapped[str | None]
    """Who has stopped the timer."""
    note: Mapped[str] = mapped_column(server_default="")
    parallel: Mapped[bool]
    """Whether it may lie beside another one of the technician."""
    corrected_by_id: Mapped[UUID | None]
    """The entry in its place: it counts no more."""
    hourly_rate_amount: Mapped[Minor | None]
    """What an hour of it costs: as it was when it ended."""
    hourly_rate_currency: Mapped[str | None]
    recorded_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
