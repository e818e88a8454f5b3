"""Orders and their lines."""

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

from db.metadata import Base, DocumentRow, Id, Kept, Minor, Rate, numbered, one_of
from domain.orders.status import (
    CancelReason,
    CaptureOn,
    OrderKind,
    OrderStatus,
    ShortagePolicy,
)

PREFIX = "SO"
"""What an order's human number begins with."""
_UNPAID = text("status = 'pending' AND payment_method = 'card'")


class OrderRow(DocumentRow):
    """A customer's order with the addresses and prices that it keeps for good."""

    __tablename__ = "orders"
    __table_args__ = (
        one_of("status", OrderStatus),
        one_of("kind", OrderKind),
        one_of("cancel_reason", CancelReason),
        one_of("capture_on", CaptureOn),
        one_of("shortage_policy", ShortagePolicy),
        UniqueConstraint("source", "external_reference"),
        CheckConstraint(
            "total_amount = subtotal_amount - discount_amount + tax_amount"
            " + shipping_amount + shipping_tax_amount",
            name="total",
        ),
        CheckConstraint("priority BETWEEN 1 AND 5", name="priority"),
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
        CheckConstraint(
            "(kind = 'replacement') = (replaces_return_id IS NOT NULL)"
            " AND (kind = 'standard' OR total_amount = 0)",
            name="replacement",
        ),
        CheckConstraint(
            "replaces_shipment_id IS NULL OR replaces_return_id IS NOT NULL", name="sent_again"
        ),
        Index("ix_orders_customer", "customer_id", "id"),
        Index("ix_orders_status", "status", "id"),
        Index("ix_orders_placed", "placed_at", "id"),
        Index("ix_orders_updated", "updated_at", "id"),
        Index("ix_orders_source", "source", "id"),
        Index("ix_orders_unpaid", "customer_id", postgresql_where=_UNPAID),
        Index("ix_orders_unpaid_source", "source", postgresql_where=_UNPAID),
        Index(
            "ix_orders_terms",
            "customer_id",
            "confirmed_at",
            postgresql_where=text("payment_method = 'net_terms'"),
        ),
        Index(
            "uq_orders_replaces_return",
            "replaces_return_id",
            unique=True,
            postgresql_where=text(
                "replaces_return_id IS NOT NULL AND replaces_shipment_id IS NULL"
            ),
        ),
        Index(
            "uq_orders_replaces_shipment",
            "replaces_shipment_id",
            unique=True,
            postgresql_where=text("replaces_shipment_id IS NOT NULL"),
        ),
        Index(
            "ix_orders_replaces_return",
            "replaces_return_id",
            postgresql_where=text("replaces_return_id IS NOT NULL"),
        ),
    )

    number: Mapped[str] = numbered(PREFIX, "order_numbers")
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    kind: Mapped[str] = mapped_column(server_default="standard")
    replaces_return_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("returns.id", use_alter=True)
    )
    """The return whose goods a replacement order replaces."""
    replaces_shipment_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("shipments.id", use_alter=True)
    )
    """The lost shipment of an earlier replacement whose goods this one sends once more."""
    source: Mapped[str]
    external_reference: Mapped[str | None]
    currency: Mapped[str]
    payment_method: Mapped[str]
    capture_on: Mapped[str] = mapped_column(server_default="shipment")
    terms_days: Mapped[int | None]
    """So many days after its confirmation one on terms is to be paid; NULL of any other."""
    shortage_policy: Mapped[str] = mapped_column(server_default="refuse")
    ship_complete: Mapped[bool] = mapped_column(server_default="false")
    """Nothing of it gets a pick list before all of it is reserved."""
    priority: Mapped[int] = mapped_column(server_default="3")
    """Where several wait for stock: 1 is served first, 5 last."""
    promised_on: Mapped[date | None]
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
    prepaid_returned_amount: Mapped[Minor] = mapped_column(server_default="0")
    """What was captured by hand and is not needed, so that it goes back."""
    credited_amount: Mapped[Minor] = mapped_column(server_default="0")
    """What one on terms owes less, by its credit notes."""
    placed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    payment_due_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
    cancel_requested_at: Mapped[datetime | None]
    cancel_requested_by: Mapped[str | None]
    cancel_requested_reason: Mapped[str | None]
    line_cancellations: Mapped[list[dict[str, Any]] | None]
    """Requests to cancel some units that wait for labels to be taken back; NULL without any."""
    shortages: Mapped[list[dict[str, Any]] | None]
    """What a picker missed of shipments whose labels are to be taken back; NULL without any."""


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
        CheckConstraint(
            "coming_back >= 0 AND returned >= 0 AND undelivered >= 0"
            " AND undelivered <= coming_back + returned AND undelivered <= written_off"
            " AND coming_back + returned - undelivered <= delivered",
            name="returned",
        ),
        CheckConstraint(
            "captured_units >= 0 AND captured_units <= quantity", name="captured_units"
        ),
        CheckConstraint(
            "refunded_units <= greatest(shipped, captured_units)", name="refunded_units"
        ),
        CheckConstraint("captured_amount <= total_amount", name="captured"),
        CheckConstraint("refunded_amount <= captured_amount", name="refunded"),
        Index("ix_order_lines_item", "item_id", "order_id"),
        Index("ix_order_lines_short", "item_id", postgresql_where=text("short_since IS NOT NULL")),
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
    captured_units: Mapped[int] = mapped_column(server_default="0")
    """For whose money the provider was asked when the order was confirmed; 0 at hand-overs."""
    captured_amount: Mapped[Minor] = mapped_column(server_default="0")
    refunded_amount: Mapped[Minor] = mapped_column(server_default="0")
    coming_back: Mapped[int] = mapped_column(server_default="0")
    """On returns that are asked for or authorized, and not here yet."""
    returned: Mapped[int] = mapped_column(server_default="0")
    """Arrived on returns."""
    undelivered: Mapped[int] = mapped_column(server_default="0")
    """Of those two, the written-off ones, which a carrier brought back undelivered."""
    serial_at_shipping: Mapped[bool] = mapped_column(server_default="false")
    """Whether its units are scanned when they leave, as its item said when it was ordered."""
    short_since: Mapped[datetime | None]
    """Since when some of its open units are not reserved; NULL while all are."""
