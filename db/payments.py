"""Payments and their ledger of entries."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, Id, Minor, one_of
from domain.payments import EntryKind, Phase


class PaymentRow(Base):
    """One attempt of a customer to pay an order; its state follows from its entries."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_payments_order", "order_id"),
    )

    id: Mapped[Id]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    provider: Mapped[str]
    method: Mapped[str]
    amount: Mapped[Minor]
    currency: Mapped[str]
    token: Mapped[str | None]
    """The provider's name for the card; erased once the money is authorized."""
    provider_reference: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class PaymentEntryRow(Base):
    """One line of a payment's ledger; never changed, never removed."""

    __tablename__ = "payment_entries"
    __table_args__ = (
        one_of("kind", EntryKind),
        one_of("phase", Phase),
        CheckConstraint("amount > 0", name="amount"),
        UniqueConstraint("payment_id", "kind", "key", "phase"),
    )

    id: Mapped[Id]
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    kind: Mapped[str]
    phase: Mapped[str]
    key: Mapped[str]
    amount: Mapped[Minor]
    provider_reference: Mapped[str | None]
    shipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipments.id"))
    failure_code: Mapped[str] = mapped_column(server_default="")
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
