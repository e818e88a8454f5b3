"""Opening work orders, and planning them: use cases in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.reserving import reserve_parts
from activities.work_orders.telling import go_on, refused
from db.documents import WORK_ORDERS
from db.inventory.sites import get_site
from db.inventory.unit_reads import get_unit
from db.work_orders.people import planned_for
from db.work_orders.tables import WorkOrderRow
from db.work_orders.writes import (
    add_operation,
    add_part,
    delete_work_order,
    item_named,
    operations_of,
    parts_of,
    write_work_order,
)
from domain.errors import Malformed, NotFound
from domain.work_orders.requests import (
    MOST_OPERATIONS,
    MOST_PARTS,
    WHILE_AT_WORK,
    AddOperation,
    AddPart,
    CreateWorkOrder,
    WorkOrderChange,
)
from domain.work_orders.status import (
    SIGNED_OFF,
    WORKED_ON,
    WorkOrderKind,
    WorkOrderStatus,
)


@dataclass(frozen=True, slots=True)
class Goods:
    """What a work order is about: goods of a return that are to be mended."""

    return_id: UUID
    disposition_id: UUID
    customer_id: UUID | None
    """Whose they are; None where they are the house's own."""
    site_id: UUID
    item_id: UUID
    unit_id: UUID | None
    quantity: int


async def create_work_order(
    db: AsyncConnection, work_order_id: UUID, asked: CreateWorkOrder, *, actor: str
) -> None:
    """Write a planned work order; nothing is promised to it before it is released.

    Raises NotFound for an unknown unit, item or part, Malformed for an unknown site or a serial
    that units of several items have, and AlreadyExists for a unit that another one is about.
    """
    try:
        site = await get_site(db, asked.site)
    except NotFound as missing:
        errors = [{"pointer": "/site", "message": "no site has this code"}]
        raise Malformed(f"there is no site {asked.site}", errors=errors) from missing
    unit = None
    if asked.serial is not None:
        unit = await get_unit(db, asked.serial, item_id=asked.item_id, sku=asked.sku)
    item = unit.item_id if unit else await item_named(db, asked.item_id, asked.sku)
    signed_off = asked.signoff_required
    values = {
        "id": work_order_id,
        "status": WorkOrderStatus.PLANNED,
        "kind": asked.kind,
        "customer_id": unit.holder_customer_id if unit else None,
        "site_id": site.id,
        "item_id": item,
        "unit_id": unit.id if unit else None,
        "quantity": asked.quantity,
        "title": asked.title,
        "problem": asked.problem,
        "priority": asked.priority,
        "due_on": asked.due_on,
        "signoff_required": asked.kind in SIGNED_OFF if signed_off is None else signed_off,
        "created_by": actor,
    }
    parts = await _parts(db, asked.parts)
    await write_work_order(db, values, asked.operations, parts, actor)


async def open_work_order(
    db: AsyncConnection,
    work_order_id: UUID,
    kind: WorkOrderKind,
    goods: Goods,
    title: str,
    *,
    problem: str = "",
    due_on: date | None = None,
) -> None:
    """Write a planned work order on goods of a return, with one step; the planner says the rest."""
    values: dict[str, Any] = {
        "id": work_order_id,
        "status": WorkOrderStatus.PLANNED,
        "kind": kind,
        "return_id": goods.return_id,
        "disposition_id": goods.disposition_id,
        "customer_id": goods.customer_id,
        "site_id": goods.site_id,
        "item_id": goods.item_id,
        "unit_id": goods.unit_id,
        "quantity": goods.quantity,
        "title": title,
        "problem": problem,
        "due_on": due_on,
        "signoff_required": True,
        "created_by": "system",
    }
    step = AddOperation(name="Find the fault and mend it")
    await write_work_order(db, values, [step], [], "system")


async def _parts(
    db: AsyncConnection, asked: Sequence[AddPart]
) -> list[tuple[UUID, Decimal, str | None]]:
    found = []
    for at, part in enumerate(asked):
        try:
            item = await item_named(db, part.item_id, part.sku)
        except NotFound as missing:
            name = "item_id" if part.item_id else "sku"
            errors = [{"pointer": f"/parts/{at}/{name}", "message": "no item is called so"}]
            raise Malformed(missing.detail, errors=errors) from missing
        found.append((item, part.quantity, part.position))
    return found


async def change_work_order(
    db: AsyncConnection, found: WorkOrderRow, asked: WorkOrderChange, *, actor: str
) -> None:
    """Change what is given of a locked work order.

    Raises IllegalMove once work has begun, of all but how urgent it is and by when it is to be
    done; and of that, too, once it is done.
    """
    values = asked.model_dump()
    begun = found.status not in (WorkOrderStatus.PLANNED, WorkOrderStatus.RELEASED)
    at_work = found.status == WorkOrderStatus.IN_PROGRESS and values.keys() <= WHILE_AT_WORK
    if begun and not at_work:
        only = " and ".join(sorted(WHILE_AT_WORK))
        raise refused(found, f"it is changed before it has begun; while it is worked on {only} are")
    if not values:
        return
    await WORK_ORDERS.change(db, found, **values)
    await WORK_ORDERS.add_event(db, found, "changed", actor, {"fields": sorted(values)})


async def add_step(
    db: AsyncConnection, found: WorkOrderRow, asked: AddOperation, *, actor: str
) -> None:
    """Add an operation to a locked work order, also while it is worked on."""
    _require_unfinished(found)
    if len(await operations_of(db, found.id)) >= MOST_OPERATIONS:
        raise refused(found, f"a work order has at most {MOST_OPERATIONS} operations")
    operation_id = await add_operation(db, found.id, asked)
    await WORK_ORDERS.change(db, found)
    data = {"operation_id": operation_id, "name": asked.name}
    await WORK_ORDERS.add_event(db, found, "operation_added", actor, data)


async def add_material(
    db: AsyncConnection, found: WorkOrderRow, asked: AddPart, *, actor: str
) -> None:
    """Add a part to a locked work order; one that was released reserves it, or waits for it."""
    _require_unfinished(found)
    if len(await parts_of(db, found.id)) >= MOST_PARTS:
        raise refused(found, f"a work order has at most {MOST_PARTS} parts")
    item = await item_named(db, asked.item_id, asked.sku)
    part_id = await add_part(db, found.id, item, asked.quantity, asked.position)
    await WORK_ORDERS.change(db, found)
    data = {"part_id": part_id, "item_id": item, "quantity": asked.quantity}
    await WORK_ORDERS.add_event(db, found, "part_added", actor, data)
    if found.status in WORKED_ON:
        await reserve_parts(db, found)
        await go_on(db, found)


async def remove_work_order(db: AsyncConnection, found: WorkOrderRow, *, actor: str) -> None:
    """Delete a locked work order that was only planned; raise IllegalMove for others (R13)."""
    if found.status != WorkOrderStatus.PLANNED:
        raise refused(found, "only what is planned is deleted: cancel it")
    if found.return_id is not None or await planned_for(db, found.id):
        raise refused(found, "it has a source or people: cancel it")
    await WORK_ORDERS.add_event(db, found, "deleted", actor, {"number": found.number})
    await delete_work_order(db, found.id)


def _require_unfinished(found: WorkOrderRow) -> None:
    if found.status != WorkOrderStatus.PLANNED and found.status not in WORKED_ON:
        raise refused(found, "nothing is added to work that is done")
