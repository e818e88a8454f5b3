"""Cancelling warranties: units that went back on a return are under warranty no more."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.returns.tables import ReturnRow
from db.warranties.replacing import claim_behind, lock_on_unit, lock_still_counted
from db.warranties.returned import lock_counted, lock_taken, too_many
from db.warranties.writes import end_warranties, lock_former, replace_warranties
from domain.returns.status import Resolution


async def cancel_returned(db: AsyncConnection, found: ReturnRow) -> None:
    """Cancel the warranties of what a locked return, which is being closed, took for good.

    Of units that are known by their serials those of these units. Of others as many as are more
    than the customer has left, so that a void warranty, and one that is cancelled already, use up
    their share. Once, also of one that was reopened. Units in a parcel that never arrived have
    none. Units that were replaced on a claim leave the rest of theirs to what replaces them.
    """
    if found.shipment_id is not None:
        return
    units = await lock_taken(db, found.id)
    if found.claim_id is not None and found.resolution == Resolution.REPLACEMENT:
        if units:
            # All that its owner was promised with the unit, by whatever it was registered.
            units = await lock_on_unit(db, found.claim_id)
        await replace_warranties(db, units, {"return_id": found.id, "claim_id": found.claim_id})
        units = []
    await end_warranties(db, [(row, 1) for row in units], {"return_id": found.id})
    ended = []
    for line_id, left in (await too_many(db, found.id)).items():
        for row in await lock_counted(db, line_id, found.claim_id):
            if taken := min(left, row.quantity - row.cancelled):
                ended.append((row, taken))
            left -= taken
    await end_warranties(db, ended, {"return_id": found.id})


async def end_handed_on(db: AsyncConnection, shipment_id: UUID, units: int) -> None:
    """End what goods were promised that others have replaced on a claim, which are here now.

    Where they came in before, their return has done so; in advance they may be with the customer
    for good, and may not be claimed once more. Of goods without serials so many ``units`` as the
    shipment has brought in their place, if it had not done so before.
    """
    claim_id = await claim_behind(db, shipment_id)
    if claim_id is None:
        return
    why = {"claim_id": claim_id, "shipment_id": shipment_id}
    await replace_warranties(db, await lock_on_unit(db, claim_id), why)
    row, kept = await lock_still_counted(db, claim_id)
    if row is not None and (ended := min(units, kept, row.quantity - row.cancelled)) > 0:
        await end_warranties(db, [(row, ended)], why)


async def cancel_former(db: AsyncConnection, shipment_id: UUID) -> None:
    """Cancel the warranties that units had before a locked shipment delivered them."""
    former = [(row, 1) for row in await lock_former(db, shipment_id)]
    await end_warranties(db, former, {"delivered_anew": shipment_id})
