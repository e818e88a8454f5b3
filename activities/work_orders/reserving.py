"""Parts of work orders: reserved all or none, and given up where they are not needed."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.work_orders.telling import go_on, refused
from db.documents import WORK_ORDERS
from db.inventory.demand import free_at, review_for
from db.inventory.lots import LotRow
from db.inventory.movements import LinePick
from db.inventory.posting import release, reserve
from db.work_orders.supply import lock_held, take
from db.work_orders.tables import WorkOrderRow
from db.work_orders.writes import count_part, parts_of
from domain.documents import Kind
from domain.errors import NotFound
from domain.work_orders.requests import CancelPart
from domain.work_orders.status import WorkOrderStatus

NONE = Decimal()


async def reserve_parts(db: AsyncConnection, found: WorkOrderRow) -> bool:
    """Reserve all that a locked work order still wants, or nothing (R1); say whether it is ready.

    Two half-supplied orders would starve each other.
    """
    parts = await parts_of(db, found.id)
    lacking = {part.id: part.open - part.reserved for part in parts if part.open > part.reserved}
    if not lacking:
        return True
    items = [part.item_id for part in parts]
    shelves = await free_at(db, found.site_id, items, lock=True)
    free = {shelf: shelf.quantity for shelf in shelves}
    picks: list[LinePick] = []
    for part in parts:
        wanted = lacking.get(part.id, NONE)
        taken = take(part.id, part.item_id, wanted, shelves, free)
        if sum(Decimal(pick.quantity) for pick in taken) < wanted:
            return False
        picks += taken
    await reserve(db, Kind.WORK_ORDER, found.id, picks)
    return True


async def tell_ready(
    db: AsyncConnection, found: WorkOrderRow, _site_id: UUID, _picks: Sequence[LinePick]
) -> None:
    """Append that a locked work order was given all its parts, and have its run say so."""
    await WORK_ORDERS.change(db, found)
    await WORK_ORDERS.add_event(db, found, "ready", "system", {})
    await go_on(db, found)


async def take_from_work(
    db: AsyncConnection,
    found: WorkOrderRow,
    reservations: Sequence[UUID],
    lot: LotRow,
    actor: str,
) -> None:
    """Take what a locked work order holds of a lot that is set aside: its parts wait again."""
    await WORK_ORDERS.change(db, found)
    data = {"lot_id": lot.id, "lot": lot.code}
    await WORK_ORDERS.add_event(db, found, "stock_withdrawn", actor, data)
    await release(db, found.id, reservations)
    await review_for(db, found.id)
    await go_on(db, found)


async def cancel_part(
    db: AsyncConnection, found: WorkOrderRow, part_id: UUID, asked: CancelPart, *, actor: str
) -> None:
    """Say that what is open of a part is not needed: what is reserved of it is free at once.

    Once is as good as twice. Raises NotFound, and IllegalMove for work that is done.
    """
    part = next((each for each in await parts_of(db, found.id) if each.id == part_id), None)
    if part is None:
        raise NotFound(f"the work order has no part {part_id}")
    if found.status not in (
        WorkOrderStatus.PLANNED,
        WorkOrderStatus.RELEASED,
        WorkOrderStatus.IN_PROGRESS,
    ):
        raise refused(found, "its parts stay as they are")
    if not part.open:
        return
    held = await lock_held(db, found.id, [part.id])
    await release(db, found.id, [each.id for each in held])
    await count_part(db, part.id, "cancelled", part.open)
    await WORK_ORDERS.change(db, found)
    data = {"part_id": part.id, "quantity": part.open, "reason": asked.reason}
    await WORK_ORDERS.add_event(db, found, "part_cancelled", actor, data)
    await go_on(db, found)
