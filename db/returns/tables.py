"""Returns, their lines, and what became of the units that came."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, DocumentRow, Id, Minor, Rate, numbered, one_of
from domain.answers import KeptAnswer, UndeliverableAnswer
from domain.returns.status import (
    Condition,
    Disposition,
    LabelDirection,
    LabelStatus,
    ReplacementTiming,
    Resolution,
    ResolutionWanted,
    ReturnKind,
    ReturnReason,
    ReturnStatus,
    ShipBack,
)

PREFIX = "RMA"
"""What a return's human number begins with."""


class ReturnRow(DocumentRow):
    """Goods that come back from one customer by agreement."""

    __tablename__ = "returns"
    __table_args__ = (
        one_of("status", ReturnStatus),
        one_of("kind", ReturnKind),
        one_of("resolution_wanted", ResolutionWanted),
        one_of("resolution", Resolution),
        one_of("replacement_timing", ReplacementTiming),
        one_of("kept_goods", KeptAnswer),
        one_of("ship_back", ShipBack),
        one_of("parcel_answer", UndeliverableAnswer),
        CheckConstraint("(kind = 'undeliverable') = (shipment_id IS NOT NULL)", name="shipment"),
        CheckConstraint("(kind = 'warranty') = (claim_id IS NOT NULL)", name="claim"),
        CheckConstraint(
            "status <> 'closed' OR resolution IS NOT NULL AND closed_at IS NOT NULL", name="closed"
        ),
        CheckConstraint(
            "label_fee_amount = 0 OR label_fee_amount > 0 AND ship_back = 'label'",
            name="label_fee",
        ),
        Index("ix_returns_order", "order_id", "id"),
        Index("ix_returns_customer", "customer_id", "id"),
        Index("ix_returns_status", "status", "id"),
        Index("ix_returns_kind", "kind", "id"),
        Index("ix_returns_created", "created_at", "id"),
        Index(
            "uq_returns_shipment",
            "shipment_id",
            unique=True,
            postgresql_where=text("shipment_id IS NOT NULL"),
        ),
        Index("ix_returns_claim", "claim_id", postgresql_where=text("claim_id IS NOT NULL")),
        Index(
            "ix_returns_running",
            "id",
            postgresql_where=text("status IN ('requested', 'authorized', 'received', 'inspected')"),
        ),
    )

    number: Mapped[str] = numbered(PREFIX, "return_numbers")
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    """The order that it was asked for with; its lines may be of others, too."""
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    quarantine_id: Mapped[UUID] = mapped_column(ForeignKey("locations.id"))
    """Where at the site its goods lie until they are inspected."""
    kind: Mapped[str]
    resolution_wanted: Mapped[str]
    resolution: Mapped[str | None]
    """What the customer gets, from the moment that this is set in motion."""
    resolved: Mapped[int] = mapped_column(server_default="0")
    """How often that was set in motion: a refund that was refused is asked for anew."""
    ship_back: Mapped[str]
    label_fee_amount: Mapped[Minor] = mapped_column(server_default="0")
    """What is kept if the goods come under our label: by the setting when it was asked for."""
    currency: Mapped[str]
    decision: Mapped[dict[str, Any]]
    """The rule by which it was authorized or put to support, and what the rule looked at."""
    notes: Mapped[str]
    reject_reason: Mapped[str] = mapped_column(server_default="")
    cancel_reason: Mapped[str] = mapped_column(server_default="")
    requested_by: Mapped[str]
    authorized_by: Mapped[str | None]
    ship_back_by: Mapped[datetime | None]
    """When it expires if nothing has come."""
    replacement_timing: Mapped[str] = mapped_column(server_default="after_inspection")
    kept_goods: Mapped[str | None]
    """What finance does about goods that were replaced in advance and did not come back."""
    replacement_due_at: Mapped[datetime | None]
    """When support is asked about goods that are not there to replace those of the return."""
    ship_back_extended_at: Mapped[datetime | None]
    """When that was put off, once, because a parcel was on its way."""
    shipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipments.id"))
    """The shipment that its carrier brought back, whose goods these are."""
    # Added last: claims refer to units, which refer to where in a return they are.
    claim_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("claims.id", name="fk_returns_claim_id", use_alter=True)
    )
    """The claim on a warranty for which the goods come in."""
    parcel_answer: Mapped[str | None]
    """What the customer gets for those, once support has said so."""
    parcel_answered_by: Mapped[str | None]
    resend_to: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """Where they are sent anew, if not to the order's address."""
    last_received_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    authorized_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    inspected_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    rejected_at: Mapped[datetime | None]
    expired_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]


class ReturnLabelRow(Base):
    """A label under which goods of a return travel; its id is the carrier's reference."""

    __tablename__ = "return_labels"
    __table_args__ = (
        one_of("status", LabelStatus),
        one_of("direction", LabelDirection),
        CheckConstraint(
            "status <> 'booked' OR booking_reference IS NOT NULL AND carrier IS NOT NULL"
            " AND booked_at IS NOT NULL",
            name="booked",
        ),
        Index(
            "uq_return_labels_live",
            "return_id",
            "direction",
            unique=True,
            postgresql_where=text(
                "status IN ('pending', 'booked') OR direction = 'inbound' AND status = 'voiding'"
            ),
        ),
        Index(
            "ix_return_labels_outbound",
            "return_id",
            postgresql_where=text("direction = 'outbound'"),
        ),
        Index("ix_return_labels_return", "return_id", "id"),
        Index(
            "ix_return_labels_due",
            "return_id",
            postgresql_where=text(
                "status = 'voiding' OR direction = 'outbound' AND status = 'pending'"
            ),
        ),
    )

    id: Mapped[Id]
    return_id: Mapped[UUID] = mapped_column(ForeignKey("returns.id"))
    direction: Mapped[str] = mapped_column(server_default="inbound")
    status: Mapped[str]
    service: Mapped[str]
    ship_from: Mapped[dict[str, Any]]
    """The customer's address, as it was when the label was asked for; outbound, the site's."""
    ship_to: Mapped[dict[str, Any]]
    """The site's; outbound, the customer's."""
    carrier: Mapped[str | None]
    """Who sold it; None before."""
    booking_reference: Mapped[str | None]
    label_amount: Mapped[Minor | None]
    label_currency: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    booked_at: Mapped[datetime | None]


class ReturnLineRow(Base):
    """Units of one line of an order that come back."""

    __tablename__ = "return_lines"
    __table_args__ = (
        one_of("condition_declared", Condition),
        one_of("reason", ReturnReason),
        UniqueConstraint("return_id", "order_line_id"),
        CheckConstraint("quantity > 0 AND received >= 0 AND received <= quantity", name="units"),
        CheckConstraint(
            "restocking_fee_rate >= 0 AND restocking_fee_rate < 1", name="restocking_fee_rate"
        ),
        CheckConstraint(
            "num_nonnulls(days_left, days_of) <> 1 AND days_left BETWEEN 0 AND days_of"
            " AND days_of > 0",
            name="days",
        ),
        Index("ix_return_lines_order_line", "order_line_id"),
    )

    id: Mapped[Id]
    return_id: Mapped[UUID] = mapped_column(ForeignKey("returns.id"))
    order_line_id: Mapped[UUID] = mapped_column(ForeignKey("order_lines.id"))
    quantity: Mapped[int]
    received: Mapped[int] = mapped_column(server_default="0")
    reason: Mapped[str | None]
    comment: Mapped[str]
    evidence: Mapped[list[str]]
    restocking_fee_rate: Mapped[Rate] = mapped_column(server_default="0")
    """What is kept of the line's money: as it was when the return was asked for."""
    days_left: Mapped[int | None]
    """Of a warranty that gives the price back by its days: those that were left at the fault."""
    days_of: Mapped[int | None]
    """Of how many; both are None where nothing is kept by that."""
    window_days: Mapped[int | None]
    """For so many days after its delivery a unit could come back then; None where not known."""
    window_until: Mapped[date | None]
    """The last day for the units that were left; None without one, and where not known."""
    condition_declared: Mapped[str | None]
    serials: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    """Those of the units that are meant, of an item that has them; none: any units of the line."""


class DispositionRow(Base):
    """Units of a return's line that end up in one place; never changed, only revised by others."""

    __tablename__ = "return_dispositions"
    __table_args__ = (
        one_of("disposition", Disposition),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint(
            "deduction_amount = 0 OR deduction_amount > 0 AND accepted AND deduction_reason <> ''",
            name="deduction",
        ),
        Index("ix_return_dispositions_line", "return_line_id"),
        Index(
            "ix_return_dispositions_lost",
            "return_line_id",
            postgresql_where=text("NOT came AND revised_at IS NULL"),
        ),
        CheckConstraint("came OR disposition = 'scrap' AND location_id IS NULL", name="came"),
    )

    id: Mapped[Id]
    return_line_id: Mapped[UUID] = mapped_column(ForeignKey("return_lines.id"))
    quantity: Mapped[int]
    disposition: Mapped[str]
    accepted: Mapped[bool]
    location_id: Mapped[UUID | None] = mapped_column(ForeignKey("locations.id"))
    """Where they went; None where they went nowhere."""
    came: Mapped[bool] = mapped_column(server_default=true())
    """Whether they were here; not so what was given up as lost on its way back."""
    condition: Mapped[str]
    note: Mapped[str]
    deduction_amount: Mapped[Minor] = mapped_column(server_default="0")
    """What is kept of the money for the units, for ``deduction_reason``."""
    deduction_reason: Mapped[str] = mapped_column(server_default="")
    inspector: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revised_at: Mapped[datetime | None]
    """When others took its place: it counts no more."""
    left_at: Mapped[datetime | None]
    """When goods that wait to be sent back to the customer or the supplier have left."""
    lot_id: Mapped[UUID | None] = mapped_column(ForeignKey("lots.id"))
    """Which lot they are of; None of items without lots, and of what never came."""
