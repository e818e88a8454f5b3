"""Cancelling warranties: units that went back on a return are under warranty no more."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.returns.tables import ReturnRow
from db.returns.writes import GoodsRow
from db.warranties.tables import WarrantyRow
from db.warranties.writes import cancelled_by, change_warranty, lock_active_of, lock_former
from domain.warranties.status import WarrantyStatus


async def cancel_returned(db: AsyncConnection, found: ReturnRow, goods: Iterable[GoodsRow]) -> None:
    """Cancel the warranties of the accepted units of a locked return that is being closed.

    Once, also of one that was reopened. Units in a parcel that never arrived have none.
    """
    if found.shipment_id is not None:
        return
    before = await cancelled_by(db, found.id)
    for line in sorted(goods, key=lambda one: one.order_line_id):
        units = line.accepted - before.get(line.order_line_id, 0)
        await _cancel(db, line.order_line_id, units, found.id)


async def cancel_former(db: AsyncConnection, shipment_id: UUID, unit_ids: Sequence[UUID]) -> None:
    """Cancel the warranties of former owners on units that a locked shipment has delivered."""
    if not unit_ids:
        return
    for row in await lock_former(db, shipment_id, unit_ids):
        await _take(db, row, 1, {"delivered_anew": shipment_id})


async def _cancel(db: AsyncConnection, line_id: UUID, units: int, return_id: UUID) -> None:
    if units <= 0:
        return
    for row in await lock_active_of(db, line_id):
        taken = min(units, row.quantity - row.cancelled)
        if not taken:
            return
        await _take(db, row, taken, {"return_id": return_id})
        units -= taken


async def _take(db: AsyncConnection, row: WarrantyRow, units: int, why: Mapping[str, UUID]) -> None:
    left = row.quantity - row.cancelled - units
    status = WarrantyStatus.ACTIVE if left else WarrantyStatus.CANCELLED
    data = {"from": row.status, "to": status, "units": units, **why}
    await change_warranty(
        db, row, "cancelled", "system", data, status=status, cancelled=row.cancelled + units
    )
