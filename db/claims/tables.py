"""Claims on warranties."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import DocumentRow, in_words, numbered, one_of
from domain.claims.status import RUNNING, ClaimRule, ClaimStatus
from domain.returns.status import ReplacementTiming
from domain.warranties.terms import Settlement

PREFIX = "CLM"
"""What a claim's human number begins with."""
_RUNNING = f"status IN ({in_words(sorted(RUNNING))})"


class ClaimRow(DocumentRow):
    """A fault of units under one warranty, and what the customer gets for it."""

    __tablename__ = "claims"
    __table_args__ = (
        one_of("status", ClaimStatus),
        one_of("rule", ClaimRule),
        one_of("resolution_wanted", Settlement),
        one_of("resolution", Settlement),
        one_of("replacement_timing", ReplacementTiming),
        CheckConstraint("quantity > 0 AND (unit_id IS NULL OR quantity = 1)", name="units"),
        CheckConstraint("status <> 'approved' OR resolution IS NOT NULL", name="approved"),
        CheckConstraint(
            "replacement_timing = 'after_inspection' OR resolution = 'replacement'", name="timing"
        ),
        CheckConstraint(
            "evidence_due_at IS NULL OR status = 'under_review'", name="evidence_due_at"
        ),
        Index("ix_claims_warranty", "warranty_id", "id"),
        Index("ix_claims_customer", "customer_id", "id"),
        Index("ix_claims_order", "order_id", "id"),
        Index("ix_claims_status", "status", "id"),
        Index("ix_claims_created", "created_at", "id"),
        Index("ix_claims_running", "id", postgresql_where=text(_RUNNING)),
        Index(
            "uq_claims_unit",
            "unit_id",
            unique=True,
            postgresql_where=text(f"unit_id IS NOT NULL AND {_RUNNING}"),
        ),
    )

    number: Mapped[str] = numbered(PREFIX, "claim_numbers")
    warranty_id: Mapped[UUID] = mapped_column(ForeignKey("warranties.id"))
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    """The owner of the warranty."""
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))
    """The order that brought the goods; None where they were bought elsewhere."""
    quantity: Mapped[int]
    failed_on: Mapped[date]
    symptom: Mapped[str]
    description: Mapped[str]
    evidence: Mapped[list[str]]
    resolution_wanted: Mapped[str | None]
    rule: Mapped[str]
    """By what it is where it is."""
    checks: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """What was looked at when it was judged last, in order."""
    evidence_due_at: Mapped[datetime | None]
    """When it is denied for want of evidence; None where none is waited for."""
    resolution: Mapped[str | None]
    """What was promised, by a return; None where it is settled without one, or not approved."""
    replacement_timing: Mapped[str] = mapped_column(server_default="after_inspection")
    goodwill: Mapped[bool] = mapped_column(server_default="false")
    """Whether it was approved although it had been denied."""
    deny_reason: Mapped[str] = mapped_column(server_default="")
    appeal_reason: Mapped[str] = mapped_column(server_default="")
    """Why it was looked at again; empty if it was not appealed."""
    note: Mapped[str] = mapped_column(server_default="")
    """What support says about its decision."""
    filed_by: Mapped[str]
    decided_by: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    approved_at: Mapped[datetime | None]
    denied_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
