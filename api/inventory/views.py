"""Stock as callers see it, and what they may ask about it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.pages import Instant, PageQuery, Query
from db.inventory.reads import Grouping
from domain.ids import ItemId, LocationId, SiteId
from domain.inventory import LocationKind, MovementKind
from domain.quantities import Quantity, Total
from domain.value import Name, Value

_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
Mark = Annotated[str, StringConstraints(pattern=f"^{_UUID}_{_UUID}$")]
"""The item and the place of a row, so that a list can go on after it."""


class StockView(Value):
    """What is on hand, promised and still free of an item: at a location, a site, or in all."""

    item_id: ItemId
    sku: str
    site_id: SiteId | None
    site: str | None
    location_id: LocationId | None
    location: str | None
    location_kind: LocationKind | None
    on_hand: Total
    reserved: Total
    available: Total


class StockQuery(Query):
    """Which balances, and what they are added up by."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20
    after: Mark | None = Field(default=None, description="Copied from the address in next.")
    item_id: UUID | None = None
    sku: Name | None = None
    site_id: UUID | None = None
    location_id: UUID | None = None
    low_stock: bool | None = Field(
        default=None, description="Whether the site's free stock is down to its reorder point."
    )
    group_by: Grouping = Grouping.LOCATION


class MovementView(Value):
    """A quantity that went from one location to another."""

    id: UUID
    kind: MovementKind
    item_id: ItemId
    sku: str
    quantity: Quantity
    from_location_id: LocationId
    to_location_id: LocationId
    reason: str
    document_type: str
    document_id: UUID | None
    line_id: UUID | None
    actor: str
    occurred_at: datetime
    recorded_at: datetime


class MovementQuery(PageQuery):
    """Which movements; times include ``occurred_from`` and exclude ``occurred_to``."""

    item_id: UUID | None = None
    sku: Name | None = None
    location_id: UUID | None = None
    document_id: UUID | None = None
    kind: MovementKind | None = None
    occurred_from: Instant | None = None
    occurred_to: Instant | None = None


class AdjustmentView(Value):
    """A posted adjustment: its movement, and the balance after it."""

    id: UUID
    item_id: ItemId
    location_id: LocationId
    quantity: Quantity
    reason: str
    note: str
    on_hand: Total
    reserved: Total
