"""Sites, locations, balances, reservations and the ledger of movements."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, Id, Minor, Quantity, Updated, added_in_order, one_of
from domain.inventory import LocationKind, MovementKind, ReservationStatus


def _of_lot(table: str) -> Index:
    return Index(f"ix_{table}_lot", "lot_id", postgresql_where=text("lot_id IS NOT NULL"))


class SiteRow(Base):
    """A warehouse or plant; lower ``rank`` is served from first."""

    __tablename__ = "sites"

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    address: Mapped[dict[str, Any]]
    rank: Mapped[int] = mapped_column(server_default="100")
    active: Mapped[bool] = mapped_column(server_default="true")
    updated_at: Mapped[Updated]
    version: Mapped[int] = mapped_column(server_default="1")


class LocationRow(Base):
    """A bin or area of a site, or one of the company's places without a site."""

    __tablename__ = "locations"
    __table_args__ = (
        one_of("kind", LocationKind),
        UniqueConstraint("site_id", "code", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[Id]
    site_id: Mapped[UUID | None] = mapped_column(ForeignKey("sites.id"))
    code: Mapped[str]
    kind: Mapped[str]
    sellable: Mapped[bool]
    valued: Mapped[bool]
    active: Mapped[bool] = mapped_column(server_default="true")


class BalanceRow(Base):
    """What is at a location, of each lot, and what of it is promised: the ledgers' sums."""

    __tablename__ = "balances"
    __table_args__ = (
        CheckConstraint("on_hand >= 0", name="on_hand"),
        CheckConstraint("reserved >= 0", name="reserved"),
        CheckConstraint("reserved <= on_hand", name="reserved_on_hand"),
        UniqueConstraint("item_id", "location_id", "lot_id", postgresql_nulls_not_distinct=True),
        ForeignKeyConstraint(["item_id", "lot_id"], ["lots.item_id", "lots.id"]),
        _of_lot("balances"),
        # Room in each page keeps updates of hot rows in place.
        {"postgresql_with": {"fillfactor": 60}},
    )

    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"))
    location_id: Mapped[UUID] = mapped_column(ForeignKey("locations.id"))
    on_hand: Mapped[Quantity]
    reserved: Mapped[Quantity] = mapped_column(server_default="0")
    lot_id: Mapped[UUID | None] = mapped_column()
    """Which lot of the item; None of items without lots."""
    counted_at: Mapped[datetime | None]
    """The moment of its latest posted count."""

    __mapper_args__ = {"primary_key": (item_id, location_id, lot_id)}


class ReservationRow(Base):
    """A quantity held for one line of one document."""

    __tablename__ = "reservations"
    __table_args__ = (
        one_of("status", ReservationStatus),
        CheckConstraint("quantity > 0", name="quantity"),
        # Of a lot. Without one it checks nothing: the statement that reserves locks the balance.
        ForeignKeyConstraint(
            ["item_id", "location_id", "lot_id"],
            ["balances.item_id", "balances.location_id", "balances.lot_id"],
        ),
        Index(
            "uq_reservations_active",
            "line_id",
            "item_id",
            "location_id",
            "lot_id",
            "share",
            unique=True,
            postgresql_where=text("status = 'active'"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_reservations_document", "document_id"),
        Index(
            "ix_reservations_status",
            "status",
            "id",
            postgresql_where=text("status NOT IN ('active', 'consumed')"),
        ),
        Index(
            "ix_reservations_balance",
            "item_id",
            "location_id",
            postgresql_where=text("status = 'active'"),
        ),
        Index(
            "ix_reservations_expiry",
            "expires_at",
            postgresql_where=text("status = 'active' AND expires_at IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    item_id: Mapped[UUID]
    location_id: Mapped[UUID]
    quantity: Mapped[Quantity]
    document_type: Mapped[str]
    document_id: Mapped[UUID]
    line_id: Mapped[UUID]
    share: Mapped[str] = mapped_column(server_default="")
    """Tells apart the parts into which the line's reservation was split."""
    status: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ended_at: Mapped[datetime | None]
    lot_id: Mapped[UUID | None]
    reference: Mapped[str | None]
    """What it is held for; of one that was made by hand."""
    expires_at: Mapped[datetime | None]
    """When it ends by itself; of one that was made by hand."""
    source: Mapped[str | None]
    """The integration that made it by hand."""
    reserved_by: Mapped[str | None]


class MovementRow(Base):
    """A quantity that went from one location to another; never changed, never removed."""

    __tablename__ = "movements"
    __table_args__ = (
        one_of("kind", MovementKind),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("from_location_id <> to_location_id", name="two_sided"),
        Index("ix_movements_item", "item_id", "id"),
        Index("ix_movements_item_occurred", "item_id", "occurred_at"),
        Index("ix_movements_kind", "kind", "id"),
        added_in_order("movements", "recorded_at"),
        Index("ix_movements_occurred", "occurred_at", "id"),
        Index("ix_movements_document", "document_id"),
        Index(
            "uq_movements_reverses",
            "reverses_id",
            unique=True,
            postgresql_where=text("reverses_id IS NOT NULL"),
        ),
        ForeignKeyConstraint(["item_id", "lot_id"], ["lots.item_id", "lots.id"]),
        _of_lot("movements"),
    )

    id: Mapped[Id]
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"))
    quantity: Mapped[Quantity]
    from_location_id: Mapped[UUID] = mapped_column(ForeignKey("locations.id"))
    to_location_id: Mapped[UUID] = mapped_column(ForeignKey("locations.id"))
    reason: Mapped[str] = mapped_column(server_default="")
    document_type: Mapped[str] = mapped_column(server_default="")
    document_id: Mapped[UUID | None]
    line_id: Mapped[UUID | None]
    actor: Mapped[str]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
    lot_id: Mapped[UUID | None]
    unit_cost_amount: Mapped[Minor | None]
    """What a unit that is issued was worth then; None where that was not known."""
    unit_cost_currency: Mapped[str | None]
    reverses_id: Mapped[UUID | None]
    """The movement whose opposite it is; each has one at most."""
    balances_id: Mapped[UUID | None]
    """The movement from before a count that it balances there, so that the count stands."""


class ReorderRuleRow(Base):
    """When to buy or make an item for a site."""

    __tablename__ = "reorder_rules"
    __table_args__ = (
        one_of("source", ("buy", "make")),
        UniqueConstraint("item_id", "site_id"),
        CheckConstraint("reorder_point >= 0 AND safety_stock >= 0", name="levels"),
    )

    id: Mapped[Id]
    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    source: Mapped[str]
    reorder_point: Mapped[Quantity]
    safety_stock: Mapped[Quantity]
    active: Mapped[bool] = mapped_column(server_default="true")
