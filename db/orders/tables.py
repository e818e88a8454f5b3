"""Orders and their lines."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, DocumentRow, Id, Kept, Minor, Rate, numbered, one_of
from domain.orders.status import CancelReason, OrderStatus

PREFIX = "SO"
"""What an order's human number begins with."""


class OrderRow(DocumentRow):
    """A customer's order with the addresses and prices that it keeps for good."""

    __tablename__ = "orders"
    __table_args__ = (
        one_of("status", OrderStatus),
        one_of("cancel_reason", CancelReason),
        UniqueConstraint("source", "external_reference"),
        CheckConstraint(
            "total_amount = subtotal_amount - discount_amount + tax_amount"
            " + shipping_amount + shipping_tax_amount",
            name="total",
        ),
        CheckConstraint(
            "subtotal_amount >= 0 AND discount_amount >= 0 AND tax_amount >= 0"
            " AND shipping_amount >= 0 AND shipping_tax_amount >= 0",
            name="amounts",
        ),
        CheckConstraint(
            "(status = 'cancelled') = (cancelled_at IS NOT NULL)"
            " AND (status <> 'cancelled' OR cancel_reason IS NOT NULL)",
            name="cancelled",
        ),
        Index("ix_orders_customer", "customer_id", "id"),
        Index("ix_orders_status", "status", "id"),
        Index("ix_orders_placed", "placed_at", "id"),
        Index("ix_orders_updated", "updated_at", "id"),
        Index("ix_orders_source", "source", "id"),
    )

    number: Mapped[str] = numbered(PREFIX, "order_numbers")
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    source: Mapped[str]
    external_reference: Mapped[str | None]
    currency: Mapped[str]
    payment_method: Mapped[str]
    shipping_service: Mapped[str]
    ship_to: Mapped[dict[str, Any]]
    bill_to: Mapped[dict[str, Any]]
    subtotal_amount: Mapped[Minor]
    discount_amount: Mapped[Minor]
    shipping_amount: Mapped[Minor]
    shipping_tax_amount: Mapped[Minor]
    tax_amount: Mapped[Minor]
    total_amount: Mapped[Minor]
    notes: Mapped[str] = mapped_column(server_default="")
    """What the customer or the shop wants the warehouse to know."""
    kept: Mapped[Kept] = mapped_column("metadata")
    captured_shipping_amount: Mapped[Minor] = mapped_column(server_default="0")
    placed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    payment_due_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    cancel_requested_at: Mapped[datetime | None]
    cancel_requested_by: Mapped[str | None]
    cancel_requested_reason: Mapped[str | None]


class OrderLineRow(Base):
    """One item of an order, with counters of what happened to its units."""

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint(
            "cancelled >= 0 AND shipped >= 0 AND delivered >= 0 AND written_off >= 0"
            " AND refunded_units >= 0 AND captured_amount >= 0 AND refunded_amount >= 0",
            name="counters",
        ),
        CheckConstraint("cancelled + shipped <= quantity", name="shipped"),
        CheckConstraint("delivered + written_off <= shipped", name="delivered"),
        CheckConstraint("refunded_units <= shipped", name="refunded_units"),
        CheckConstraint("captured_amount <= total_amount", name="captured"),
        CheckConstraint("refunded_amount <= captured_amount", name="refunded"),
        Index("ix_order_lines_item", "item_id"),
    )

    id: Mapped[Id]
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    position: Mapped[int]
    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"))
    sku: Mapped[str]
    name: Mapped[str]
    quantity: Mapped[int]
    unit_price_amount: Mapped[Minor]
    discount_amount: Mapped[Minor]
    tax_rate: Mapped[Rate]
    tax_amount: Mapped[Minor]
    total_amount: Mapped[Minor]
    cancelled: Mapped[int] = mapped_column(server_default="0")
    shipped: Mapped[int] = mapped_column(server_default="0")
    delivered: Mapped[int] = mapped_column(server_default="0")
    written_off: Mapped[int] = mapped_column(server_default="0")
    refunded_units: Mapped[int] = mapped_column(server_default="0")
    captured_amount: Mapped[Minor] = mapped_column(server_default="0")
    refunded_amount: Mapped[Minor] = mapped_column(server_default="0")
