"""Shipments, their lines, parcels and tracking events."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.metadata import Base, DocumentRow, Id, Minor, added_in_order, numbered, one_of
from domain.shipments.status import ShipmentStatus

PREFIX = "SHP"
"""What a shipment's human number begins with."""


class ShipmentRow(DocumentRow):
    """Goods of one order that travel together from one site; while pending, its pick list."""

    __tablename__ = "shipments"
    __table_args__ = (
        one_of("status", ShipmentStatus),
        CheckConstraint(
            "handed_over_at IS NOT NULL OR status IN ('pending', 'booked', 'voided', 'cancelled')",
            name="handed_over",
        ),
        Index("ix_shipments_order", "order_id"),
        Index("ix_shipments_status", "status", "id"),
        Index(
            "ix_shipments_exception",
            "id",
            postgresql_where=text("exception_reason IS NOT NULL"),
        ),
        Index("ix_shipments_created", "created_at", "id"),
    )

    number: Mapped[str] = numbered(PREFIX, "shipment_numbers")
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    site_id: Mapped[UUID] = mapped_column(ForeignKey("sites.id"))
    carrier: Mapped[str]
    service: Mapped[str]
    ship_from: Mapped[dict[str, Any]]
    ship_to: Mapped[dict[str, Any]]
    heaviest_box_grams: Mapped[int | None]
    """The most that a box of it may weigh, where a person said so."""
    packed: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    """Its parcels with their lines and weights, as a person packed them; None: by weights alone."""
    exception_reason: Mapped[str | None]
    booking_reference: Mapped[str | None]
    booked_by: Mapped[str | None]
    """Who bought its label elsewhere; None where we ordered it."""
    label_url: Mapped[str | None]
    label_amount: Mapped[Minor | None]
    label_currency: Mapped[str | None]
    promised_on: Mapped[date | None]
    """The day of arrival that the carrier promised with the label, if it promised one."""
    capture_shipping_amount: Mapped[Minor] = mapped_column(server_default="0")
    """The order's shipping charge and its tax, when this is the shipment that captures them."""
    prepaid_amount: Mapped[Minor] = mapped_column(server_default="0")
    """What of the money for it had been captured by hand, so that its own capture is less."""
    refund_shipping_amount: Mapped[Minor] = mapped_column(server_default="0")
    """How much of what is given back for the shipment is the order's shipping charge."""
    booked_at: Mapped[datetime | None]
    handed_over_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    signed_by: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ShipmentLineRow(Base):
    """Units of one order line in a shipment, taken from the location of their reservation."""

    __tablename__ = "shipment_lines"
    __table_args__ = (
        UniqueConstraint("shipment_id", "reservation_id"),
        CheckConstraint("quantity > 0", name="quantity"),
        Index("ix_shipment_lines_order_line", "order_line_id"),
    )

    id: Mapped[Id]
    shipment_id: Mapped[UUID] = mapped_column(ForeignKey("shipments.id"))
    order_line_id: Mapped[UUID] = mapped_column(ForeignKey("order_lines.id"))
    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"))
    location_id: Mapped[UUID] = mapped_column(ForeignKey("locations.id"))
    reservation_id: Mapped[UUID] = mapped_column(ForeignKey("reservations.id"))
    quantity: Mapped[int]
    capture_amount: Mapped[Minor] = mapped_column(server_default="0")
    """What the hand-over captures for these units."""


class ShipmentPart(ShipmentLineRow):
    """A line of a shipment with the lot that is reserved for it, or left with it."""

    __abstract__ = True
    lot_id: UUID | None


class ParcelRow(Base):
    """One box under the carrier's number."""

    __tablename__ = "parcels"
    __table_args__ = (
        one_of("status", ShipmentStatus),
        CheckConstraint("num_nonnulls(shipment_id, return_label_id) = 1", name="belongs"),
        Index("ix_parcels_shipment", "shipment_id"),
        Index(
            "ix_parcels_return_label",
            "return_label_id",
            postgresql_where=text("return_label_id IS NOT NULL"),
        ),
        # Of parcels that live: carriers use a number again when its journey is over.
        Index(
            "uq_parcels_living_number",
            "carrier",
            "tracking_number",
            unique=True,
            postgresql_where=text("status NOT IN ('delivered', 'returned', 'lost', 'voided')"),
        ),
        Index("ix_parcels_tracking_number", "tracking_number", "carrier"),
    )

    id: Mapped[Id]
    shipment_id: Mapped[UUID | None] = mapped_column(ForeignKey("shipments.id"))
    return_label_id: Mapped[UUID | None] = mapped_column(ForeignKey("return_labels.id"))
    """The label of a return under which it travels to us; either this or a shipment."""
    contents: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    """The lines of the shipment in it with their quantities; None where that is not known."""
    carrier: Mapped[str]
    tracking_number: Mapped[str]
    status: Mapped[str]
    exception_reason: Mapped[str | None]
    label_url: Mapped[str | None]
    """Where the customer prints the label of a parcel that comes back."""


class TrackingEventRow(Base):
    """What the carrier said about a parcel; never changed, never removed."""

    __tablename__ = "tracking_events"
    __table_args__ = (
        added_in_order("tracking_events", "recorded_at"),
        Index("ix_tracking_events_parcel", "parcel_id", "occurred_at"),
    )

    id: Mapped[Id]
    parcel_id: Mapped[UUID] = mapped_column(ForeignKey("parcels.id"))
    hash: Mapped[str] = mapped_column(unique=True)
    code: Mapped[str]
    status: Mapped[str | None]
    exception: Mapped[str | None]
    place: Mapped[str]
    message: Mapped[str]
    signed_by: Mapped[str]
    source: Mapped[str]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime] = mapped_column(server_default=func.now())
