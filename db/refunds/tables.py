"""Refunds and what of their orders' lines they give back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, DocumentRow, Id, Minor, numbered, one_of
from domain.refunds.status import RefundSource, RefundStatus

PREFIX = "REF"
"""What a refund's human number begins with."""


class RefundRow(DocumentRow):
    """Money of one payment on its way back to the customer."""

    __tablename__ = "refunds"
    __table_args__ = (
        one_of("status", RefundStatus),
        one_of("source", RefundSource),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint(
            "shipping_amount >= 0 AND goodwill_amount >= 0 AND tax_amount >= 0"
            " AND fee_amount >= 0 AND shipping_amount + goodwill_amount <= amount + fee_amount"
            " AND tax_amount <= amount",
            name="amounts",
        ),
        CheckConstraint(
            "label_fee_amount >= 0 AND label_fee_amount <= fee_amount", name="label_fee"
        ),
        Index("ix_refunds_order", "order_id", "id"),
        Index("ix_refunds_payment", "payment_id"),
        Index(
            "ix_refunds_shipment",
            "shipment_id",
            postgresql_where=text("shipment_id IS NOT NULL"),
        ),
        Index("ix_refunds_status", "status", "id"),
        Index("ix_refunds_return", "return_id", postgresql_where=text("return_id IS NOT NULL")),
        Index("ix_refunds_created", "created_at", "id"),
        Index(
            "ix_refunds_running",
            "id",
            postgresql_where=text("status IN ('requested', 'approved', 'submitted', 'failed')"),
        ),
    )

    number: Mapped[str] = numbered(PREFIX, "refund_numbers")
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("refunds.id"))
    """The first of those that were asked for together, because no one payment can give it all."""
    return_id: Mapped[UUID | None] = mapped_column(ForeignKey("returns.id"))
    """The return for whose accepted units it is."""
    shipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipments.id"))
    """Whose goods never arrived; None for money that goes back for other reasons."""
    source: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[Minor]
    """All that goes back: its lines, ``shipping_amount`` and ``goodwill_amount``, less the fee."""
    shipping_amount: Mapped[Minor]
    shipping_tax_amount: Mapped[Minor]
    goodwill_amount: Mapped[Minor]
    goodwill_tax_amount: Mapped[Minor]
    fee_amount: Mapped[Minor] = mapped_column(server_default="0")
    """What is kept of its lines."""
    label_fee_amount: Mapped[Minor] = mapped_column(server_default="0")
    """What of that is for the label under which the goods came back."""
    tax_amount: Mapped[Minor]
    """The tax in ``amount``."""
    reason: Mapped[str]
    requested_by: Mapped[str]
    approved_by: Mapped[str | None]
    attempt: Mapped[int] = mapped_column(server_default="0")
    """How often the provider was asked; a try that it refused is not repeated under its key."""
    provider_reference: Mapped[str | None]
    failure_code: Mapped[str] = mapped_column(server_default="")
    failure_message: Mapped[str] = mapped_column(server_default="")
    cancel_reason: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    approved_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    succeeded_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]


class RefundLineRow(Base):
    """What a refund gives back of one line of its order."""

    __tablename__ = "refund_lines"
    __table_args__ = (
        UniqueConstraint("refund_id", "order_line_id"),
        CheckConstraint("units >= 0 AND amount >= 0 AND tax_amount >= 0", name="amounts"),
        CheckConstraint(
            "fee_amount >= 0 AND fee_amount <= amount"
            " AND fee_tax_amount >= 0 AND fee_tax_amount <= tax_amount",
            name="fees",
        ),
        Index("ix_refund_lines_order_line", "order_line_id"),
    )

    id: Mapped[Id]
    refund_id: Mapped[UUID] = mapped_column(ForeignKey("refunds.id"))
    order_line_id: Mapped[UUID] = mapped_column(ForeignKey("order_lines.id"))
    units: Mapped[int]
    amount: Mapped[Minor]
    """Before the fee: what counts on the order's line."""
    tax_amount: Mapped[Minor]
    """The tax in ``amount``."""
    fee_amount: Mapped[Minor] = mapped_column(server_default="0")
    """What is kept of ``amount``."""
    fee_tax_amount: Mapped[Minor] = mapped_column(server_default="0")
    """The tax in that."""
