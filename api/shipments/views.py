"""A shipment as callers see it, and what they may ask about it."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from api.fields import (
    Carrier,
    CreatedAt,
    DeliveredAt,
    ItemRef,
    MoreParcels,
    Number,
    OrderRef,
    OwnId,
    SignedBy,
    SiteRef,
    Sku,
    TrackingNumber,
    Trouble,
    UpdatedAt,
    Version,
)
from api.pages import DatedQuery, Limit, Query
from domain.addresses import Address
from domain.ids import LineId, LocationId, LotId, ParcelId, ShipmentId
from domain.items import Tracking
from domain.money import Money
from domain.orders.placing import Service
from domain.shipments.status import ShipmentStatus
from domain.units import Serial
from domain.value import Name, Value


class ShipmentLineView(Value):
    """Units of one order line in the shipment."""

    id: OwnId[UUID]
    order_line_id: LineId
    """The line of the order that they are of."""
    item_id: ItemRef
    sku: Sku
    location_id: LocationId | None
    """Where in the site they are taken from; null for callers who may not see stock."""
    quantity: int
    """How many."""
    tracking: Tracking
    """Whether its units are known by their serials: then they are to be picked by scan."""
    lot_id: LotId | None
    """The lot that they are reserved from, or left with; null of items without lots."""
    lot: str | None
    """The lot's code."""
    expires_on: date | None
    """The last day of the lot; null where it has none."""
    serials: tuple[Serial, ...]
    """Units that are picked for it, or left with it and are not back; none of items without."""


class PackedUnitsView(Value):
    """Units of a line of the shipment in one parcel."""

    line_id: UUID
    """The line of the shipment, by its `id`."""
    quantity: int
    """How many of its units."""


class PackedParcelView(Value):
    """A parcel as it was packed by hand."""

    weight_grams: int
    """What it weighs: as was said, or what its units weigh by their items."""
    lines: tuple[PackedUnitsView, ...]
    """What is in it."""


class ParcelView(Value):
    """One box under the carrier's number."""

    id: OwnId[ParcelId]
    carrier: Carrier
    tracking_number: TrackingNumber
    status: ShipmentStatus
    """How far it is, by all that the carrier has said."""
    exception_reason: Trouble
    contents: tuple[PackedUnitsView, ...]
    """What is in it, where it was packed by hand for this label; else empty."""


_OF_LABELS = "Null before there is a label, and for callers who may not see it."


class ShipmentView(Value):
    """Goods of one order that travel together."""

    id: OwnId[ShipmentId]
    number: Number
    order_id: OrderRef
    order_number: str
    """The order's name for people."""
    site_id: SiteRef
    status: ShipmentStatus
    """How far it is: as far as the parcel that is least far."""
    exception_reason: Trouble
    carrier: Carrier
    service: Service
    """How these goods travel."""
    ship_from: Address | None
    """Where the goods leave from; null for a site without an address."""
    ship_to: Address
    """Where the goods go."""
    label_url: str | None = Field(description=f"Where to print the label from. {_OF_LABELS}")
    label_cost: Money | None = Field(description=f"What the carrier takes for it. {_OF_LABELS}")
    promised_on: date | None = Field(description="The day of arrival that the carrier promised.")
    lines: tuple[ShipmentLineView, ...]
    """What is in it."""
    packed: tuple[PackedParcelView, ...] | None
    """Its parcels as a person packed them, for which the label is bought; null if none did."""
    parcels: tuple[ParcelView, ...]
    """Its boxes; none before there is a label."""
    more_parcels: MoreParcels
    created_at: CreatedAt
    booked_at: datetime | None
    """When the label was bought; null before."""
    handed_over_at: datetime | None
    """When the carrier first scanned a parcel: the goods have left; null before."""
    delivered_at: DeliveredAt
    settled_at: datetime | None
    """When the order's lines were told how its journey ended; null before."""
    signed_by: SignedBy
    updated_at: UpdatedAt
    version: Version


class TrackingEventView(Value):
    """What the carrier said about a parcel."""

    tracking_number: TrackingNumber
    code: str
    """The carrier's own code for it."""
    status: ShipmentStatus | None
    """What the code means for the parcel; null for one that moves nothing."""
    exception: Trouble
    place: str
    """Where it happened, in the carrier's words."""
    message: str
    """What the carrier says about it."""
    signed_by: SignedBy
    source: str
    """How we were told: `webhook` by the carrier, `manual` by a person."""
    occurred_at: datetime
    """When it happened, by the carrier's clock."""
    recorded_at: datetime
    """When we were told, in UTC (RFC 3339)."""


class TrackingView(Value):
    """Where a shipment is, with proof of delivery and a page of its events, oldest first."""

    shipment_id: ShipmentId
    """Which shipment."""
    status: ShipmentStatus
    """How far it is: as far as the parcel that is least far."""
    exception_reason: Trouble
    delivered_at: DeliveredAt
    signed_by: SignedBy
    parcels: tuple[ParcelView, ...]
    """Its boxes; none before there is a label."""
    more_parcels: MoreParcels
    events: tuple[TrackingEventView, ...]
    """By the time at which they happened; one that is told late has its place among the others."""
    next: str | None
    """The address of the events after these; null when these are the last."""


class TrackingQuery(Query):
    """Which of a shipment's tracking events."""

    limit: Limit = 100
    after: UUID | None = None
    """The id of the last event seen: copied from the address in `next`."""


class ShipmentQuery(DatedQuery):
    """Which shipments."""

    order_id: UUID | None = None
    """Those of this order."""
    number: Name | None = None
    """The one with this name for people."""
    status: frozenset[ShipmentStatus] = frozenset()
    """How far they are. May be repeated."""
    carrier: Name | None = None
    """Who transports them, by name."""
    tracking_number: Name | None = None
    """Those with a parcel of this number."""
    exception: bool | None = None
    """Whether there is trouble with a parcel."""
