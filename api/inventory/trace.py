"""HTTP for traces: from a lot or unit to its orders and work, and from an order to receipts."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

import fastapi
from fastapi import APIRouter
from pydantic import Field, model_validator

from api.deps import Db, require
from api.fields import ItemRef, OnHand, Reserved, Sku
from api.pages import Query
from api.problems import READ, problems
from api.rows import view
from db.inventory.lots import get_lot
from db.inventory.tracing import MOST, Trace, Traced, goods_of_order, trace_back, trace_forward
from db.inventory.unit_reads import get_unit
from domain.access import Caller, Command
from domain.errors import NotFound
from domain.ids import (
    CustomerId,
    ItemId,
    LocationId,
    LotId,
    OrderId,
    ShipmentId,
    SiteId,
    WorkOrderId,
)
from domain.inventory import MovementKind
from domain.quantities import Quantity
from domain.units import Serial, UnitStatus
from domain.value import Name, Value
from domain.work_orders.status import WorkOrderStatus

router = APIRouter(prefix="/inventory/trace", tags=["inventory"])


class Direction(StrEnum):
    """Which way a trace goes: to the customers, or to where the goods came from."""

    FORWARD = "forward"
    BACKWARD = "backward"


class TracedGoods(Value):
    """Goods of one lot, or one unit."""

    item_id: ItemRef
    sku: Sku
    lot_id: LotId | None
    """Which lot; null of a unit."""
    lot: str | None
    """The lot's code."""
    serial: str | None
    """Which unit; null of a lot."""


class TracedStock(TracedGoods):
    """Goods that are there."""

    site_id: SiteId | None
    """At which site; null outside of any."""
    site: str | None
    """The site's code."""
    location_id: LocationId
    """In which place."""
    location: str
    """The location's code."""
    on_hand: OnHand
    reserved: Reserved


class TracedShipment(TracedGoods):
    """Goods that have left with a shipment."""

    order_id: OrderId
    """The order that they were for."""
    order_number: str
    """Its name for people."""
    customer_id: CustomerId
    """Whose order it is."""
    shipment_id: ShipmentId
    """What they left with."""
    shipment_number: str
    """Its name for people."""
    handed_over_at: datetime | None
    """When they left, in UTC (RFC 3339)."""
    units: Quantity
    """How many."""


class TracedUse(TracedGoods):
    """Goods that work has used up, and did not put back."""

    work_order_id: WorkOrderId
    """The work order that they were issued to."""
    work_order_number: str
    """Its name for people."""
    work_order_status: WorkOrderStatus
    """How far it is."""
    units: Quantity
    """How many."""
    built_into: str | None
    """What stands on the unit that was worked on; null for goods without serials."""
    unit_status: UnitStatus | None
    """Where that unit is now."""
    customer_id: CustomerId | None
    """Which customer has it; null for none."""


class TracedReceipt(TracedGoods):
    """Goods that have come in, other than back from a customer."""

    movement_id: UUID
    """The movement of the ledger that says so."""
    kind: MovementKind
    """Why it moved."""
    quantity: Quantity
    """How many."""
    reason: str
    """Of an adjustment its reason; empty where `kind` says all."""
    occurred_at: datetime
    """When they came, in UTC (RFC 3339)."""
    supplier_lot: str
    """What the supplier calls the lot; empty where that is not known."""
    expires_on: date | None
    """The last day of the lot; null where it has none."""


class TraceView(Value):
    """Where goods are and went, or where they came from."""

    stock: tuple[TracedStock, ...]
    """What is there; empty backward."""
    shipped: tuple[TracedShipment, ...] = Field(
        description="What has left, newest first; empty backward. An integration is told the orders"
        " of its own source, and who may not read orders of none."
    )
    used: tuple[TracedUse, ...] = Field(
        description="The work orders that have used it, newest first, and the units that it was"
        " built into: trace these further by their serial. Empty backward, and for who may not"
        " read work orders."
    )
    received: tuple[TracedReceipt, ...]
    """How they came, newest first, units with what work has built into them; empty forward."""
    more: bool = Field(description=f"Whether there is more than the {MOST} of each that are shown.")


class TraceQuery(Query):
    """What is traced: a lot, a unit, or what has left with an order."""

    lot_id: UUID | None = None
    """A lot."""
    serial: Serial | None = None
    """A unit, by what stands on it, in any case."""
    item_id: ItemId | None = None
    """Of which item the unit is, where units of several items have the serial."""
    sku: Name | None = None
    """The same by the item's name for people."""
    order_id: OrderId | None = None
    """The lots and units that have left with an order."""
    direction: Direction | None = Field(
        default=None,
        description="Which way; forward when left out, backward of an order.",
    )

    @model_validator(mode="after")
    def _one_beginning(self) -> Self:
        given = [self.lot_id, self.serial, self.order_id]
        if sum(one is not None for one in given) != 1:
            raise ValueError("give one of lot_id, serial and order_id")
        return self


@router.get("", responses=problems(*READ, NotFound))
async def trace(
    query: Annotated[TraceQuery, fastapi.Query()],
    caller: Annotated[Caller, require("inventory:read")],
    db: Db,
) -> TraceView:
    """Trace goods: forward where they are and whom they went to, backward how they came."""
    if query.order_id is not None:
        caller.require(Command.ORDERS_READ)
        goods = await goods_of_order(db, query.order_id, caller.reach)
        if goods is None:
            raise NotFound(f"there is no order {query.order_id}")
    elif query.lot_id is not None:
        goods = Traced(lots=[(await get_lot(db, query.lot_id)).id])
    else:
        assert query.serial is not None
        unit = await get_unit(
            db, query.serial, item_id=query.item_id, sku=query.sku, reach=caller.reach
        )
        goods = Traced(units=[unit.id])
    usual = Direction.FORWARD if query.order_id is None else Direction.BACKWARD
    if (query.direction or usual) is Direction.FORWARD:
        found = await trace_forward(db, goods, caller.reach)
        return trace_of(found, caller)
    return trace_of(await trace_back(db, goods), caller)


def trace_of(found: Trace, caller: Caller) -> TraceView:
    """Return a trace as the caller may see it."""
    shipped = found.shipped if caller.may(Command.ORDERS_READ) else ()
    used = found.used if caller.may(Command.WORK_ORDERS_READ) else ()
    return TraceView(
        stock=tuple(view(TracedStock, row) for row in found.stock),
        shipped=tuple(view(TracedShipment, row) for row in shipped),
        used=tuple(view(TracedUse, row) for row in used),
        received=tuple(view(TracedReceipt, row) for row in found.received),
        more=found.more,
    )
