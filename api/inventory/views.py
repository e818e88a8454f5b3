"""Stock as callers see it, and what they may ask about it."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.fields import Available, ItemRef, OnHand, OwnId, Reserved, Sku
from api.pages import MOMENT, Limit, PageQuery, Query
from db.inventory.reads import Grouping
from domain.adjustments import AdjustmentReason
from domain.ids import LocationId, LotId, SiteId
from domain.inventory import LocationKind, MovementKind
from domain.quantities import Quantity, Total
from domain.value import Instant, Name, Value

_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
Mark = Annotated[str, StringConstraints(pattern=f"^{_UUID}_{_UUID}(_{_UUID})?$")]
"""The item, the place and the lot, if any, of a row, so that a list can go on after it."""


class StockView(Value):
    """What is on hand, promised and still free of an item: at a location, a site, or in all.

    Of an item that is tracked by lot a location has a row for each lot.
    """

    item_id: ItemRef
    sku: Sku
    site_id: SiteId | None
    """Which warehouse or plant; null in a sum over all of them, and outside of any."""
    site: str | None
    """The site's code."""
    location_id: LocationId | None
    """Which place; null in a sum over several."""
    location: str | None
    """The location's code."""
    location_kind: LocationKind | None
    """What the location is for."""
    lot_id: LotId | None
    """Which lot; null of items without lots, and in a sum over several."""
    lot: str | None
    """The lot's code."""
    expires_on: date | None
    """The last day of the lot; null where it has none."""
    on_hand: OnHand
    reserved: Reserved
    available: Available


class StockQuery(Query):
    """Which balances, and what they are added up by."""

    limit: Limit = 20
    after: Mark | None = Field(default=None, description="Copied from the address in next.")
    item_id: UUID | None = None
    """Of this item."""
    sku: Name | None = None
    """Of the item with this name for people, in any case."""
    site_id: UUID | None = None
    """At this site."""
    location_id: UUID | None = None
    """At this location."""
    lot_id: UUID | None = None
    """Of this lot."""
    low_stock: bool | None = Field(
        default=None, description="Whether the site's free stock is down to its reorder point."
    )
    group_by: Grouping = Grouping.LOCATION
    """What they are added up by."""


class PastStockView(Value):
    """What was there of an item, and of a lot of it, at a location, as the ledger tells it now."""

    item_id: ItemRef
    sku: Sku
    site_id: SiteId | None
    """Which warehouse or plant; null outside of any."""
    site: str | None
    """The site's code."""
    location_id: LocationId
    """Which place."""
    location: str
    """The location's code."""
    lot_id: LotId | None
    """Which lot; null of items without lots."""
    lot: str | None
    """The lot's code."""
    on_hand: Total
    """Units that were there; below 0 where what came before is not written down."""
    as_of: datetime
    """When, in UTC (RFC 3339)."""


class PastStockQuery(Query):
    """When, and of which balances."""

    as_of: Instant = Field(description=f"{MOMENT}: what had moved by then counts.")
    limit: Limit = 20
    after: Mark | None = Field(default=None, description="Copied from the address in next.")
    item_id: UUID | None = None
    """Of this item."""
    sku: Name | None = None
    """Of the item with this name for people, in any case."""
    site_id: UUID | None = None
    """At this site."""
    location_id: UUID | None = None
    """At this location."""
    lot_id: UUID | None = None
    """Of this lot."""


class MovementView(Value):
    """A quantity that went from one location to another."""

    id: OwnId[UUID]
    kind: MovementKind
    """Why it moved."""
    item_id: ItemRef
    sku: Sku
    quantity: Quantity
    """Units; always more than 0."""
    from_location_id: LocationId
    """Where it came from; outside of any site for what came in."""
    to_location_id: LocationId
    """Where it went; outside of any site for what went out."""
    lot_id: LotId | None
    """Which lot; null of items without lots."""
    lot: str | None
    """The lot's code."""
    reason: str
    """Of an adjustment its reason; empty where `kind` says all."""
    document_type: str
    """What kind of document it moved for, such as `shipment`; empty without one."""
    document_id: UUID | None
    """Which one; null without one, and for callers who may not see it."""
    line_id: UUID | None
    """Which line of it; null where `document_id` is."""
    reverses_id: UUID | None
    """The movement that it reverses, of which it is the opposite; null of all others."""
    reversed_by_id: UUID | None
    """The movement that reverses it; null of what stands."""
    balances_id: UUID | None
    """The movement from before a count that it balances there; null of all others."""
    actor: str
    """Whose doing it is, such as `key:my-shop`, or `system` for the product itself."""
    occurred_at: datetime
    """When it moved, in UTC (RFC 3339)."""
    recorded_at: datetime
    """When it was written down, in UTC (RFC 3339)."""


class MovementQuery(PageQuery):
    """Which movements; times include ``occurred_from`` and exclude ``occurred_to``."""

    item_id: UUID | None = None
    """Of this item."""
    sku: Name | None = None
    """Of the item with this name for people, in any case."""
    location_id: UUID | None = None
    """From or to this location."""
    document_id: UUID | None = None
    """For this document."""
    lot_id: UUID | None = None
    """Of this lot."""
    kind: MovementKind | None = None
    """Why it moved."""
    occurred_from: Instant | None = Field(
        default=None, description=f"{MOMENT}: what moved then or later."
    )
    occurred_to: Instant | None = Field(
        default=None, description=f"{MOMENT}: what moved before it."
    )


class AdjustmentView(Value):
    """A posted adjustment: its movement, and the balance after it."""

    id: OwnId[UUID]
    item_id: ItemRef
    location_id: LocationId
    """Where it was posted."""
    lot_id: LotId | None
    """Of which lot; null of items without lots."""
    quantity: Quantity
    """Units, more or (negative) less."""
    reason: AdjustmentReason
    """Why it was needed."""
    note: str
    """What was written about it; empty without."""
    on_hand: OnHand
    reserved: Reserved
