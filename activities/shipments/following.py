"""Where a shipment is, computed from all that the carrier said about its parcels."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from db.shipments.steps import parcels_of, scans_of
from domain.shipments.tracking import ParcelState, combine, follow


async def read_state(db: AsyncConnection, shipment_id: UUID) -> ParcelState:
    """Fold all scans of all parcels of a locked shipment into its state."""
    return combine(
        [follow(await scans_of(db, parcel.id)) for parcel in await parcels_of(db, shipment_id)]
    )
