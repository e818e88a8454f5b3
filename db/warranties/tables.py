"""Warranty terms in their versions, which of them items are sold with, and warranties."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, DocumentRow, Id, Minor, numbered, one_of
from domain.warranties.status import WarrantySource, WarrantyStatus
from domain.warranties.terms import RefundRule, ReplacementRule, WarrantyStart

PREFIX = "WTY"
"""What a warranty's human number begins with."""


class WarrantyTermRow(Base):
    """One version of a term, in force from ``valid_from`` until the next one; never changed."""

    __tablename__ = "warranty_terms"
    __table_args__ = (
        one_of("starts", WarrantyStart),
        one_of("replacement_rule", ReplacementRule),
        one_of("refund_rule", RefundRule),
        UniqueConstraint("code", "version"),
        CheckConstraint("duration_months > 0 AND max_claims > 0", name="positive"),
        CheckConstraint(
            "(replacement_rule = 'remaining_or_minimum') = (minimum_days IS NOT NULL)",
            name="minimum_days",
        ),
        CheckConstraint(
            "(auto_limit_amount IS NULL) = (auto_limit_currency IS NULL)", name="auto_limit"
        ),
    )

    id: Mapped[Id]
    code: Mapped[str]
    version: Mapped[int]
    duration_months: Mapped[int | None]
    """None: for a lifetime."""
    starts: Mapped[str]
    covers: Mapped[list[str]]
    excluded_symptoms: Mapped[list[str]]
    max_claims: Mapped[int | None]
    transferable: Mapped[bool]
    replacement_rule: Mapped[str]
    minimum_days: Mapped[int | None]
    refund_rule: Mapped[str] = mapped_column(server_default="full")
    settle_by: Mapped[list[str]]
    evidence_for: Mapped[list[str]]
    auto_limit_amount: Mapped[Minor | None]
    auto_limit_currency: Mapped[str | None]
    defined_by: Mapped[str]
    valid_from: Mapped[datetime]


class ItemTermRow(Base):
    """The term that an item is sold with from ``valid_from`` on, until the next row; or none."""

    __tablename__ = "item_warranty_terms"

    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"), primary_key=True)
    valid_from: Mapped[datetime] = mapped_column(primary_key=True)
    code: Mapped[str | None]


_SENT = "shipment_id IS NOT NULL"
_UNIT = "unit_id IS NOT NULL"
_BY_LINE = ("shipment_id", "order_line_id", "term_code")
_BY_UNIT = ("shipment_id", "unit_id", "term_code")


def _once(name: str, *columns: str, where: str) -> Index:
    """Return the index by which a shipment registers once, and a unit has one promise of a term."""
    return Index(f"uq_warranties_{name}", *columns, unique=True, postgresql_where=text(where))


class WarrantyRow(DocumentRow):
    """What is promised with units of an item, from ``starts_on`` to ``ends_on`` inclusive."""

    __tablename__ = "warranties"
    __table_args__ = (
        one_of("status", WarrantyStatus),
        one_of("source", WarrantySource),
        CheckConstraint("quantity > 0 AND cancelled BETWEEN 0 AND quantity", name="units"),
        CheckConstraint("unit_id IS NULL OR quantity = 1", name="one_unit"),
        CheckConstraint("(status = 'cancelled') = (cancelled = quantity)", name="cancelled"),
        CheckConstraint("(status = 'void') = (void_reason <> '')", name="void"),
        CheckConstraint(
            "(ends_on IS NULL) = (duration_months IS NULL) AND ends_on >= starts_on", name="ends_on"
        ),
        CheckConstraint(
            "extended_months >= 0 AND (extended_months = 0 OR duration_months IS NOT NULL)",
            name="extended_months",
        ),
        CheckConstraint("(source = 'manual') = (shipment_id IS NULL)", name="shipment"),
        CheckConstraint("(source = 'replacement') = (replaces_id IS NOT NULL)", name="replaces"),
        CheckConstraint(
            "num_nonnulls(order_id, order_line_id) <> 1"
            " AND (order_line_id IS NOT NULL OR proof_of_purchase <> '')",
            name="bought",
        ),
        Index("ix_warranties_created", "created_at", "id"),
        Index("ix_warranties_status", "status", "id"),
        Index("ix_warranties_customer", "customer_id", "id"),
        Index("ix_warranties_item", "item_id", "id"),
        Index("ix_warranties_order", "order_id", "id"),
        Index("ix_warranties_order_line", "order_line_id"),
        Index("ix_warranties_ends", "ends_on", "id"),
        Index(
            "ix_warranties_untold",
            "ends_on",
            postgresql_where=text("status = 'active' AND told_ends_on IS DISTINCT FROM ends_on"),
        ),
        Index(
            "ix_warranties_replaces",
            "replaces_id",
            postgresql_where=text("replaces_id IS NOT NULL"),
        ),
        Index("ix_warranties_unit", "unit_id", postgresql_where=text("unit_id IS NOT NULL")),
        _once("delivered", *_BY_LINE, where=f"{_SENT} AND unit_id IS NULL"),
        _once("delivered_unit", *_BY_UNIT, where=f"{_SENT} AND {_UNIT}"),
        _once("unit_term", "unit_id", "term_code", where=f"status = 'active' AND {_UNIT}"),
    )

    number: Mapped[str] = numbered(PREFIX, "warranty_numbers")
    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"))
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"))
    """Whose the goods are."""
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))
    order_line_id: Mapped[UUID | None] = mapped_column(ForeignKey("order_lines.id"))
    """What brought the goods; None where they were bought elsewhere."""
    shipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipments.id"))
    """The shipment whose delivery has registered it."""
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("units.id"))
    """The unit, where the item is tracked by serial."""
    quantity: Mapped[int]
    cancelled: Mapped[int] = mapped_column(server_default="0")
    """How many of the units went back."""
    term_id: Mapped[UUID] = mapped_column(ForeignKey("warranty_terms.id"))
    """The version that was in force when the goods were delivered."""
    term_code: Mapped[str]
    duration_months: Mapped[int | None]
    extended_months: Mapped[int] = mapped_column(server_default="0")
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    """The last day; None: it holds for a lifetime."""
    source: Mapped[str]
    replaces_id: Mapped[UUID | None] = mapped_column(ForeignKey("warranties.id"))
    """The warranty on the goods that these have replaced on a claim."""
    repaired_until: Mapped[date | None]
    """Until when it holds at least, because its goods were repaired; None if they were not."""
    handed_on_until: Mapped[date | None]
    """The last day that it has from that one, before any extension."""
    proof_of_purchase: Mapped[str] = mapped_column(server_default="")
    void_reason: Mapped[str] = mapped_column(server_default="")
    registered_by: Mapped[str]
    told_ends_on: Mapped[date | None]
    """The end that was announced as near."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
