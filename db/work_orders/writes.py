"""Work orders in the books: new ones with their steps and parts, and what is written of each."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from db.documents import WORK_ORDERS
from db.failures import violated
from db.items import ItemRow, find_item_id
from db.work_orders.tables import OperationRow, PartRow, WorkOrderRow
from domain.errors import AlreadyExists, NotFound
from domain.ids import new_id
from domain.work_orders.requests import AddOperation


async def write_work_order(
    db: AsyncConnection,
    values: Mapping[str, Any],
    operations: Sequence[AddOperation],
    parts: Sequence[tuple[UUID, Decimal, str | None]],
    actor: str,
) -> WorkOrderRow:
    """Write a new work order with its first event; ``parts`` are items, quantities and positions.

    Raises AlreadyExists for a unit that another one is about which has not ended.
    """
    query = insert(WorkOrderRow).values(**values).returning(WorkOrderRow.__table__)
    try:
        made = cast(WorkOrderRow, (await db.execute(query)).one())
    except IntegrityError as error:
        if violated(error) != "uq_work_orders_unit":
            raise
        raise AlreadyExists("the unit is in another work order that has not ended") from error
    for operation in operations:
        await add_operation(db, made.id, operation)
    for item_id, quantity, position in parts:
        await add_part(db, made.id, item_id, quantity, position)
    told = {
        "kind": made.kind,
        "item_id": made.item_id,
        "unit_id": made.unit_id,
        "quantity": made.quantity,
        "return_id": made.return_id,
    }
    await WORK_ORDERS.add_event(db, made, WORK_ORDERS.made, actor, told)
    return made


async def add_operation(db: AsyncConnection, work_order_id: UUID, asked: AddOperation) -> UUID:
    """Add a step behind those of a locked work order; return its id."""
    operation_id = new_id()
    await db.execute(
        insert(OperationRow).values(
            id=operation_id,
            work_order_id=work_order_id,
            position=_next(OperationRow, OperationRow.position, work_order_id),
            **asked.model_dump(mode="json", exclude={"checks"}),
            checks=[check.model_dump(mode="json") for check in asked.checks],
        )
    )
    return operation_id


async def add_part(
    db: AsyncConnection, work_order_id: UUID, item_id: UUID, quantity: Decimal, position: str | None
) -> UUID:
    """Add a part behind those of a locked work order; return its id."""
    part_id = new_id()
    await db.execute(
        insert(PartRow).values(
            id=part_id,
            work_order_id=work_order_id,
            line=_next(PartRow, PartRow.line, work_order_id),
            item_id=item_id,
            planned=quantity,
            position=position,
        )
    )
    return part_id


def _next(row: Any, column: Any, work_order_id: UUID) -> Any:
    highest = select(func.coalesce(func.max(column), 0) + 1)
    return highest.where(row.work_order_id == work_order_id).scalar_subquery()


async def operations_of(db: AsyncConnection, work_order_id: UUID) -> Sequence[OperationRow]:
    """Return the steps of a work order, in order."""
    query = select(OperationRow.__table__).where(OperationRow.work_order_id == work_order_id)
    found = await db.execute(query.order_by(OperationRow.position))
    return cast(Sequence[OperationRow], found.all())


async def get_operation(
    db: AsyncConnection, work_order_id: UUID, operation_id: UUID
) -> OperationRow:
    """Return a step of a locked work order; raise NotFound."""
    query = select(OperationRow.__table__).where(
        OperationRow.work_order_id == work_order_id, OperationRow.id == operation_id
    )
    found = (await db.execute(query)).one_or_none()
    if found is None:
        raise NotFound(f"the work order has no operation {operation_id}")
    return cast(OperationRow, found)


async def change_operation(db: AsyncConnection, operation_id: UUID, **values: Any) -> None:
    """Write columns of a step of a locked work order."""
    await db.execute(update(OperationRow).where(OperationRow.id == operation_id).values(**values))


_REOPEN = text(
    """UPDATE work_order_operations SET status = 'open', done_by = NULL, done_at = NULL,
        checks = (SELECT coalesce(jsonb_agg(c - 'value' - 'passed' ORDER BY n), '[]')
            FROM jsonb_array_elements(checks) WITH ORDINALITY AS x(c, n))
    WHERE work_order_id = :work_order AND CASE WHEN CAST(:only AS uuid[]) IS NULL
        THEN status = 'done' ELSE status <> 'open' AND id = ANY(:only) END"""
)


async def reopen_operations(
    db: AsyncConnection, work_order_id: UUID, only: Sequence[UUID] | None
) -> None:
    """Have steps done again, those given or all that were done; what was measured is gone."""
    given = {"work_order": work_order_id, "only": None if only is None else list(only)}
    await db.execute(_REOPEN, given)


class PartRead(PartRow):
    """A part with its item and what is reserved for it."""

    __abstract__ = True
    sku: str
    tracking: str
    """Whether its units have serials."""
    reserved: Decimal

    open: Decimal
    """What is still to be issued."""


_PARTS = text(
    """SELECT p.*, i.sku, i.tracking, greatest(p.planned - p.cancelled - p.issued, 0) AS open,
        coalesce((SELECT sum(r.quantity) FROM reservations r
            WHERE r.line_id = p.id AND r.status = 'active'), 0) AS reserved
    FROM work_order_parts p JOIN items i ON i.id = p.item_id
    WHERE p.work_order_id = :work_order ORDER BY p.line"""
)


async def parts_of(db: AsyncConnection, work_order_id: UUID) -> Sequence[PartRead]:
    """Return the parts of a work order, in order."""
    found = await db.execute(_PARTS, {"work_order": work_order_id})
    return cast(Sequence[PartRead], found.all())


_COUNT = {
    column: text(f"UPDATE work_order_parts SET {column} = {column} + :quantity WHERE id = :part")
    for column in ("issued", "returned", "cancelled")
}


async def count_part(db: AsyncConnection, part_id: UUID, column: str, quantity: Decimal) -> None:
    """Count a quantity of a part as ``issued``, ``returned`` or ``cancelled``."""
    await db.execute(_COUNT[column], {"part": part_id, "quantity": quantity})


async def delete_work_order(db: AsyncConnection, work_order_id: UUID) -> None:
    """Remove a planned work order that nothing refers to, with its steps and parts."""
    for row in (PartRow, OperationRow):
        await db.execute(delete(row).where(row.work_order_id == work_order_id))
    await db.execute(delete(WorkOrderRow).where(WorkOrderRow.id == work_order_id))


async def item_named(db: AsyncConnection, item_id: UUID | None, sku: str | None) -> UUID:
    """Return the item with this id or SKU; raise NotFound."""
    if item_id is None:
        found = await find_item_id(db, sku or "")
    else:
        query = select(ItemRow.id).where(ItemRow.id == item_id)
        found = (await db.execute(query)).scalar_one_or_none()
    if found is None:
        raise NotFound(f"there is no item {item_id or sku}")
    return found
