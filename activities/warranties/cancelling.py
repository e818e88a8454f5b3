"""Cancelling warranties: units that went back on a return are under warranty no more."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.returns.tables import ReturnRow
from db.warranties.returned import lock_counted, lock_taken, too_many
from db.warranties.tables import WarrantyRow
from db.warranties.writes import change_warranty, lock_former
from domain.warranties.status import WarrantyStatus


async def cancel_returned(db: AsyncConnection, found: ReturnRow) -> None:
    """Cancel the warranties of what a locked return, which is being closed, took for good.

    Of units that are known by their serials those of these units. Of others as many as are more
    than the customer has left, so that a void warranty, and one that is cancelled already, use up
    their share. Once, also of one that was reopened. Units in a parcel that never arrived have
    none.
    """
    if found.shipment_id is not None:
        return
    why = {"return_id": found.id}
    for row in await lock_taken(db, found.id):
        await _take(db, row, 1, why)
    for line_id, units in (await too_many(db, found.id)).items():
        left = units
        for row in await lock_counted(db, line_id):
            taken = min(left, row.quantity - row.cancelled)
            if taken:
                await _take(db, row, taken, why)
            left -= taken


async def cancel_former(db: AsyncConnection, shipment_id: UUID, unit_ids: Sequence[UUID]) -> None:
    """Cancel the warranties of former owners on units that a locked shipment has delivered."""
    if not unit_ids:
        return
    for row in await lock_former(db, shipment_id, unit_ids):
        await _take(db, row, 1, {"delivered_anew": shipment_id})


async def _take(db: AsyncConnection, row: WarrantyRow, units: int, why: Mapping[str, UUID]) -> None:
    left = row.quantity - row.cancelled - units
    status = WarrantyStatus.ACTIVE if left else WarrantyStatus.CANCELLED
    data = {"from": row.status, "to": status, "units": units, **why}
    await change_warranty(
        db, row, "cancelled", "system", data, status=status, cancelled=row.cancelled + units
    )
